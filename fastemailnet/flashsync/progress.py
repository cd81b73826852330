"""Which offsets of one partition are done, free or still out, and the low watermark below which all is done.

Offsets at or above ``next`` were never leased. Below it an offset is *done* (its attempt ended), *free* (returned, to be leased
again) or *out* (some lease or intent has it). Done offsets above the low watermark are kept one by one; the span between the two is
bounded by the lease windows, and so is the memory.
"""

from collections.abc import Iterable, Iterator


class Progress:
    """Progress of one partition. Mutable; ``clone`` copies it."""

    __slots__ = ("done", "free", "low", "next")

    def __init__(self) -> None:
        self.low = 0
        self.next = 0
        self.done: set[int] = set()
        self.free: dict[int, int] = {}  # offset → the attempt it is to be leased with (0: the record's own)

    def take(self, lo: int, hi: int) -> None:
        """[lo, hi) went out in a lease. What was skipped (a void ASSIGN of a deposed coordinator) is free."""
        self.free.update(dict.fromkeys(range(self.next, lo), 0))
        self.next = max(self.next, hi)
        if self.free:
            for offset in range(lo, hi):
                self.free.pop(offset, None)

    def finish(self, offset: int) -> None:
        """The attempt at ``offset`` ended; advances the low watermark over what is done."""
        self.free.pop(offset, None)
        if offset < self.low:
            return
        self.done.add(offset)
        while self.low in self.done:
            self.done.remove(self.low)
            self.low += 1

    def is_done(self, offset: int) -> bool:
        """Whether the attempt at ``offset`` ended."""
        return offset < self.low or offset in self.done

    def give_back(self, offset: int, attempt: int = 0) -> None:
        """``offset`` may be leased again, as ``attempt`` (0: the record's own number)."""
        assert not self.is_done(offset), f"offset {offset} is done and cannot be leased again"
        self.free[offset] = attempt

    def open_in(self, lo: int, hi: int) -> Iterator[int]:
        """The offsets of [lo, hi) that are not done."""
        return (offset for offset in range(max(lo, self.low), hi) if offset not in self.done)

    def clone(self) -> "Progress":
        """An independent copy."""
        copy = Progress.__new__(Progress)
        copy.low, copy.next = self.low, self.next
        copy.done, copy.free = set(self.done), dict(self.free)
        return copy

    def key(self) -> tuple[object, ...]:
        """The state as a hashable value."""
        return self.low, self.next, frozenset(self.done), frozenset(self.free.items())


def runs(offsets: Iterable[int], longest: int) -> Iterator[tuple[int, int]]:
    """Ascending offsets as contiguous ranges [lo, hi) of at most ``longest``."""
    lo = hi = -1
    for offset in offsets:
        if offset == hi and hi - lo < longest:
            hi += 1
            continue
        if lo >= 0:
            yield lo, hi
        lo, hi = offset, offset + 1
    if lo >= 0:
        yield lo, hi
