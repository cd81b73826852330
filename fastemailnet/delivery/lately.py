"""The most of a count that goes up and down, within the last while: what is likely to be needed again soon."""

from dataclasses import dataclass

SPAN_S = 30.0


@dataclass(slots=True)
class Lately:
    """Of two spans, the one that goes on and the one before: what was within the last ``SPAN_S``, and at most twice as long ago."""

    count: int = 0
    most: int = 0  # in the span that goes on
    before: int = 0
    span: int = 0  # how many-th it is on the caller's clock

    def add(self, change: int, now_s: float) -> None:
        """The count changes."""
        self._go_on(now_s)
        self.count += change
        self.most = max(self.most, self.count)

    def within(self, now_s: float) -> int:
        """The most that it was."""
        self._go_on(now_s)
        return max(self.most, self.before)

    def _go_on(self, now_s: float) -> None:
        span = int(now_s // SPAN_S)
        if span > self.span:
            self.before = self.most if span == self.span + 1 else self.count
            self.span, self.most = span, self.count
