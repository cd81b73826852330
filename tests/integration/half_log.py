"""Logs that fail, in memory, for the tests of the gateway."""

from collections.abc import Sequence

from fastemailnet.envelope import LANES
from fastemailnet.errors import LogAppendUnknown, LogError
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.memory import MemoryLog


class BrokenLog(MemoryLog):
    """A log whose appends fail: definitely, or after they happened."""

    error: LogError | None = None

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        error = self.error
        if error is None or not error.definite:
            appended = super().append(stream, partition, records, token=token, keys=keys)
        if error is not None:
            raise error
        return appended


class HalfLog(BrokenLog):
    """Appends so many records of the next append, and cannot be read where that is said."""

    most: int | None = None
    is_readable = True
    read = 0  # records

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        if self.most is None or stream not in LANES:
            return super().append(stream, partition, records, token=token, keys=keys)
        most, self.most = self.most, None
        super().append(stream, partition, records[:most], token=token, keys=keys[:most])
        raise LogAppendUnknown("the broker went away")

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        if not self.is_readable and stream in LANES:
            raise LogError("no broker answers")
        found = super().fetch(stream, partition, start, count, max_octets)
        self.read += len(found)
        return found
