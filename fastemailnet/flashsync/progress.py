"""Which offsets of one partition are done, free or still out, and the low watermark below which all is done.

Offsets at or above ``next`` were never leased. Below it an offset is *pending* until its attempt ended, and *done* from then
on; of the pending ones some are *free* (returned, to be leased again). Only pending offsets are kept, so memory follows what is
open and not how far the oldest of it lies behind. In a deferral tier, offsets are leased as they fall due and orphans never
are: what was passed over there is *skipped*, neither pending nor done.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fastemailnet.envelope import Asked
from fastemailnet.outcome import Kind


class Again(NamedTuple):
    """How a free place is to be leased: 0 is the record's own attempt number; ``asked`` is an attempt whose peer remembers it.

    ``settled``: whom earlier attempts ended, see ``frames.Assign``.
    """

    attempt: int = 0
    asked: Asked | None = None
    settled: tuple[Kind, ...] = ()


AS_IT_STANDS = Again()


class Progress:
    """Progress of one partition. Mutable; ``clone`` copies it."""

    __slots__ = ("_ascending", "_is_mixed", "free", "next", "pending", "skipped")

    def __init__(self) -> None:
        self.next = 0
        self.pending: set[int] = set()
        self.free: dict[int, Again] = {}
        self.skipped: set[int] = set()
        self._ascending: deque[int] = deque()  # the pending offsets, and done ones that nobody has looked at
        self._is_mixed = False  # lower ones came behind higher ones

    @property
    def low(self) -> int:
        """The low watermark: everything below is done (in a tier: everything that was ever leased)."""
        if self._is_mixed:
            self._ascending, self._is_mixed = deque(sorted(self.pending)), False
        while self._ascending and self._ascending[0] not in self.pending:
            self._ascending.popleft()
        return self._ascending[0] if self._ascending else self.next

    def take(self, lo: int, hi: int) -> None:
        """[lo, hi) went out in a lease. What was passed over (a void ASSIGN of a deposed coordinator) is free."""
        self.free.update(dict.fromkeys(range(self.next, lo), AS_IT_STANDS))
        self._open(range(self.next, hi))
        self._lease(lo, hi)

    def take_copies(self, lo: int, hi: int) -> None:
        """[lo, hi) of a deferral tier went out. What was passed over is not due yet, or nobody ever named it."""
        self.skipped.update(range(self.next, lo))
        passed = self.skipped.intersection(range(lo, hi))
        self.skipped -= passed
        self._is_mixed |= bool(passed)
        self._open([*passed, *range(max(self.next, lo), hi)])
        self._lease(lo, hi)

    def _open(self, offsets: Iterable[int]) -> None:
        self.pending.update(offsets)
        self._ascending.extend(offsets)

    def _lease(self, lo: int, hi: int) -> None:
        self.next = max(self.next, hi)
        if self.free:
            for offset in range(lo, hi):
                self.free.pop(offset, None)

    def finish(self, offset: int) -> None:
        """The attempt at ``offset`` ended."""
        self.free.pop(offset, None)
        self.pending.discard(offset)

    def is_done(self, offset: int) -> bool:
        """Whether the attempt at ``offset`` ended."""
        return offset < self.next and offset not in self.pending and offset not in self.skipped

    def give_back(self, offset: int, again: Again = AS_IT_STANDS) -> None:
        """``offset`` may be leased again."""
        assert not self.is_done(offset), f"offset {offset} is done and cannot be leased again"
        self.free[offset] = again

    def open_in(self, lo: int, hi: int) -> list[int]:
        """The offsets of [lo, hi) that are not done, ascending."""
        return [offset for offset in range(lo, hi) if offset >= self.next or offset in self.pending]

    def clone(self) -> "Progress":
        """An independent copy."""
        return self.restore(self.next, self.pending, self.free, self.skipped)

    @classmethod
    def restore(
        cls, next_offset: int, pending: Iterable[int], free: dict[int, Again], skipped: Iterable[int]
    ) -> "Progress":
        """A progress of these values."""
        restored = cls()
        restored.next, restored.pending = next_offset, set(pending)
        restored.free, restored.skipped = dict(free), set(skipped)
        restored._ascending = deque(sorted(restored.pending))
        return restored

    def key(self) -> tuple[object, ...]:
        """The state as a hashable value."""
        free = frozenset(self.free.items())
        return self.next, frozenset(self.pending), free, frozenset(self.skipped)


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
