"""When the next one may go, at a rate: the generic cell rate algorithm (ITU-T I.371), one number of state.

``tat`` is the time at which the next one would be due if all came evenly; one that comes up to a burst earlier passes. So in any
span of t seconds at most burst + rate × t pass, and after idling no more than a burst at once.
"""

from dataclasses import dataclass

FOREVER_S = float("inf")


@dataclass(frozen=True, slots=True)
class Pace:
    """A rate. ``burst``: how many may go at once after idling; at least one, and by default what a second brings."""

    per_s: float
    burst: float = 0.0

    @property
    def tolerance_s(self) -> float:
        """How much earlier than evenly one may come."""
        return (max(self.burst or self.per_s, 1.0) - 1.0) / self.per_s


class Throttle:
    """One thing that is paced. The pace is told each time, for it may change; those that stand before the next one are as many then."""

    __slots__ = ("per_s", "tat_s")

    def __init__(self) -> None:
        self.tat_s = self.per_s = 0.0

    def wait_s(self, pace: Pace | None, now_s: float) -> float:
        """How long until the next one may go; 0 if now."""
        if pace is None:
            return 0.0
        if pace.per_s <= 0:
            return FOREVER_S
        self._heed(pace.per_s, now_s)
        return max(0.0, self.tat_s - pace.tolerance_s - now_s)

    def spend(self, pace: Pace | None, now_s: float) -> None:
        """One goes now."""
        if pace is not None and pace.per_s > 0:
            self._heed(pace.per_s, now_s)
            self.tat_s = max(self.tat_s, now_s) + 1.0 / pace.per_s

    def _heed(self, per_s: float, now_s: float) -> None:
        if self.per_s not in (0.0, per_s):
            self.tat_s = now_s + max(0.0, self.tat_s - now_s) * self.per_s / per_s
        self.per_s = per_s
