"""How many connections a site seems to bear, within its limit: gently up, quickly down (as Postfix's feedback, RFC 5681's idea).

Begins at START. Each delivery that succeeds adds 1 / n, so a round of successes adds one connection; a site that says too many, or
refuses another connection beside open ones, is left with half of them, or with those that are open if they are fewer.
A reply to a connection that was in use before the cut tells of the time before it: only one cut a round.
"""

from dataclasses import dataclass

START = 5.0
LEAST = 1.0


@dataclass(slots=True)
class Caution:
    """What one site bears."""

    bears: float = START
    since: int = 0  # deliveries since the last cut
    cut_at: float = 0.0  # what it bore then

    def within(self, limit: float) -> float:
        """The connections that may be open now."""
        return min(limit, max(LEAST, self.bears // 1))

    def succeeded(self, limit: float) -> None:
        """A delivery was taken."""
        self.since += 1
        if self.bears < limit:
            self.bears += 1.0 / self.bears

    def refused(self, open_now: int) -> None:
        """The site wants no more at once."""
        if self.cut_at and self.since < self.cut_at:
            return
        self.cut_at, self.since = self.bears, 0
        self.bears = max(LEAST, min(self.bears / 2, open_now or self.bears))
