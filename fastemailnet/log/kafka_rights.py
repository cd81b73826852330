"""Who may still append to a partition of Kafka, found by reading back.

An append under a token counts unless a FENCE of that token stands before it. Kafka cannot check that in the append, so the writer
looks at what precedes its records. Everything below ``known`` is known to it; where its records land exactly there, nothing of
others is between, and nothing need be read. Only what others wrote between two appends of this process is fetched, and in a
journal partition that is a FENCE or a RESOLVE now and then (docs/decisions/0011).

A crash between append and reading back leaves records that count or do not count by their place alone, for every reader alike.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Fenced, Token, Where
from fastemailnet.log.kafka_reader import Reader
from fastemailnet.log.kafka_records import fences

READ_BACK_RECORDS: Final = 1_000

Append = Callable[[Where, Sequence[bytes]], Sequence[int]]


class Rights:
    """Which tokens are fenced in one partition, as far as this process knows it. Its appends go one after the other."""

    def __init__(self, append: Append, reader: Reader, where: Where, start: int) -> None:
        """No fence below ``start`` matters to this process. ``append`` of no records says where the end is."""
        self._append = append
        self._reader = reader
        self._where = where
        self._lock = threading.Lock()
        self._known = start  # every fence below is in ``_fences``
        self._fences: dict[Token, int] = {}

    def tell(self, records: Sequence[bytes]) -> Sequence[int]:
        """Append without a token."""
        with self._lock:
            offsets = self._append(self._where, records)
            if self._is_next(offsets):
                self._known = offsets[-1] + 1
            return offsets

    def ask(self, records: Sequence[bytes], token: Token) -> Sequence[int] | Fenced:
        """Append under a token: what counts of it, by what precedes it."""
        with self._lock:
            if token in self._fences:
                return Fenced(self._fences[token])
            offsets = self._append(self._where, records)
            if self._is_next(offsets):
                self._known = offsets[-1] + 1
            else:
                self._read_back(offsets[-1] + 1 if offsets else _start(offsets))
            fence = self._fences.get(token)
            if fence is None or (offsets and offsets[-1] < fence):
                return offsets
            return Fenced(fence, tuple(offset for offset in offsets if offset < fence))

    def _is_next(self, offsets: Sequence[int]) -> bool:
        """Whether these stand right behind what is known, with nothing of others among them."""
        return isinstance(offsets, range) and bool(offsets) and offsets.start == self._known

    def _read_back(self, behind: int) -> None:
        """Learn the fences below ``behind``."""
        while self._known < behind:
            begin, reached, batch = self._reader.read(self._where, self._known, READ_BACK_RECORDS)
            if begin > self._known:
                what = f"offsets {self._known} to {begin} of {self._where[0]}/{self._where[1]} were trimmed"
                raise LogError(f"{what}: nobody can say any more whether this writer was fenced there")
            self._known = reached
            for token, offset in fences(batch):
                self._fences.setdefault(token, offset)


def _start(nothing: Sequence[int]) -> int:
    """Where an append of no records found the end."""
    assert isinstance(nothing, range)
    return nothing.start
