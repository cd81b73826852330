"""A log in memory: for the simulation, the model and tests. It keeps nothing over the end of its process.

Every call runs under one lock and nothing depends on time or chance, so the same calls give the same log.
"""

import threading
from collections.abc import Mapping, Sequence
from itertools import islice

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Fenced, Token, Where


class _Partition:
    """The records from offset ``begin`` on, and where each fenced token was fenced first."""

    __slots__ = ("begin", "fences", "records")

    def __init__(self) -> None:
        self.begin = 0
        self.records: list[bytes] = []
        self.fences: dict[Token, int] = {}

    @property
    def end(self) -> int:
        return self.begin + len(self.records)


class MemoryLog:
    """Implements ``interface.Log``; a call takes about a microsecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[tuple[str, int], _Partition] | None = {}

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        """See ``interface.Log.append``; it never raises ``LogAppendUnknown``."""
        with self._lock:
            kept = self._at_first_use(stream, partition)
            if token is not None and token in kept.fences:
                return Fenced(kept.fences[token])
            first = kept.end
            kept.records.extend(records)
            return range(first, kept.end)

    def fence(self, stream: str, partition: int, token: Token, record: bytes) -> int:
        """See ``interface.Log.fence``."""
        with self._lock:
            kept = self._at_first_use(stream, partition)
            kept.records.append(record)
            kept.fences.setdefault(token, kept.end - 1)
            return kept.end - 1

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        """See ``interface.Log.fetch``."""
        with self._lock:
            kept = self._existing().get((stream, partition))
            if kept is None:
                return []
            first = max(start, kept.begin)
            found: list[tuple[int, bytes]] = []
            octets = 0
            for record in islice(kept.records, first - kept.begin, first - kept.begin + count):
                octets += len(record)
                if found and octets > max_octets:
                    break
                found.append((first + len(found), record))
            return found

    def follow(self, stream: str, partition: int, start: int) -> None:
        """See ``interface.Log.follow``; everything is near."""

    def at_hand(self, stream: str, partition: int, start: int) -> bool:
        """See ``interface.Log.at_hand``."""
        return True

    def end(self, stream: str, partition: int) -> int:
        """See ``interface.Log.end``."""
        with self._lock:
            kept = self._existing().get((stream, partition))
            return 0 if kept is None else kept.end

    def begin(self, stream: str, partition: int) -> int:
        """See ``interface.Log.begin``."""
        with self._lock:
            kept = self._existing().get((stream, partition))
            return 0 if kept is None else kept.begin

    def ends(self, *streams: str) -> dict[Where, int]:
        """See ``interface.Log.ends``."""
        with self._lock:
            return {where: kept.end for where, kept in self._existing().items() if where[0] in streams}

    def partitions(self, stream: str) -> list[int]:
        """See ``interface.Log.partitions``."""
        with self._lock:
            return sorted(number for name, number in self._existing() if name == stream)

    def trim(self, stream: str, partition: int, before: int) -> None:
        """See ``interface.Log.trim``. An offset behind the end trims up to the end."""
        with self._lock:
            kept = self._existing().get((stream, partition))
            if kept is not None and before > kept.begin:
                gone = min(before, kept.end) - kept.begin
                del kept.records[:gone]
                kept.begin += gone

    def mark(self, marks: Mapping[Where, int]) -> None:
        """See ``interface.Log.mark``; there are no tools."""

    def close(self) -> None:
        """See ``interface.Log.close``."""
        with self._lock:
            self._partitions = None

    def _existing(self) -> dict[tuple[str, int], _Partition]:
        if self._partitions is None:
            raise LogError("the log is closed")
        return self._partitions

    def _at_first_use(self, stream: str, partition: int) -> _Partition:
        partitions = self._existing()
        kept = partitions.get((stream, partition))
        if kept is None:
            kept = partitions[stream, partition] = _Partition()
        return kept
