"""How many connections a site seems to bear, within its limit: gently up, quickly down (as Postfix's feedback, RFC 5681's idea).

it begins with                      START
a delivery succeeds                 1 / n more: one more connection for a round of successes
... beyond what was once refused    SLOWLY as fast: each is asked for, and refused, in vain
it refuses one beside open ones     those that are open
it says that we are too fast        half; replies to what was on its way then tell of the time before: once a round
"""

from dataclasses import dataclass

START = 5.0
LEAST = 1.0
SLOWLY = 1 / 50


@dataclass(slots=True)
class Caution:
    """What one site bears."""

    bears: float = START
    refused_above: float = float("inf")
    since: int = 0  # deliveries since it was halved
    halved_at: float = 0.0

    def within(self, limit: float) -> float:
        """The connections that may be open now."""
        return min(limit, max(LEAST, self.bears // 1))

    def succeeded(self, limit: float) -> None:
        """A delivery was taken."""
        self.since += 1
        if self.bears < limit:
            speed = 1.0 if self.bears < self.refused_above else SLOWLY
            self.bears += speed / self.bears

    def refused(self, open_now: int) -> None:
        """The site takes no more beside those that are open."""
        self.bears = self.refused_above = max(LEAST, min(self.bears, open_now))

    def slowed(self) -> None:
        """The site says that it gets too much from us."""
        if self.since < self.halved_at:
            return
        self.halved_at, self.since = self.bears, 0
        self.bears = max(LEAST, self.bears / 2)
