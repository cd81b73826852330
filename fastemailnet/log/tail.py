"""Following a partition from a coroutine: wait for the records behind a position and take them in order.

There is no push: a follower asks ``Log.end`` (microseconds) every millisecond while records come and every
``idle_max_ms`` once the partition has been quiet for a while. Whoever knows that something was appended rings the bell
(``ring``), and the next look is at once. A bell is a hint: a lost one costs milliseconds, never a record.

A position moves only when ``next`` returns, so that a cancelled ``next`` loses nothing. Small fetches run in the loop,
because the way to a thread and back costs as much as fetching 64 bodies of 5 KB (0.1 ms); large ones, and those far
behind the end, which may have to wait for a disk, run in a thread.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Log, Where

HOT_MS: Final = 1
HOT_LOOKS: Final = 32  # looks in vain before the waits grow
IDLE_MAX_MS: Final = 8
INLINE_OCTETS: Final = 393_216  # a fetch expected to be larger runs in a thread
INLINE_LAG_RECORDS: Final = 1_024  # and so does one for a follower that is further behind
FIRST_GUESS_OCTETS: Final = 4_096  # of a record, before the first one was seen

Records = list[tuple[int, bytes]]


class Tail:
    """Follows one partition. For one consumer, in one event loop."""

    def __init__(self, log: Log, stream: str, partition: int, start: int, *, idle_max_ms: float = IDLE_MAX_MS) -> None:
        """Follow from offset ``start`` on; look at least every ``idle_max_ms`` milliseconds."""
        log.follow(stream, partition, start)
        self._follower = _Follower(log, stream, partition, start)
        self._pulse = _Pulse(idle_max_ms)

    @property
    def position(self) -> int:
        """The lowest offset that ``next`` has not returned yet."""
        return self._follower.position

    async def next(self, max_records: int) -> Records:
        """Wait for records at or behind the position and return 1 to ``max_records`` of them. Trimmed ones are skipped.

        Raises:
            LogError: as the log raises it; the position is unchanged.
        """
        while True:
            records = await self._follower.read(max_records)
            if records:
                self._follower.advance(records)
                self._pulse.quicken()
                return records
            await self._pulse.wait()

    def ring(self) -> None:
        """Look at once (to be called in the loop)."""
        self._pulse.ring()


async def read(log: Log, where: Where, lo: int, hi: int) -> AsyncIterator[Records]:
    """The records [lo, hi), which exist, in batches as they come; in the loop as long as they are at hand.

    Raises:
        LogError: as the log raises it.
    """
    while lo < hi:
        if log.at_hand(*where, lo):
            records = log.fetch(*where, lo, hi - lo, INLINE_OCTETS)
        else:
            records = await asyncio.to_thread(log.fetch, *where, lo, hi - lo, INLINE_OCTETS)
        if not records:
            raise LogError(f"{where[0]}/{where[1]} has no record at offset {lo}, although it reaches to {hi}")
        lo = records[-1][0] + 1
        yield records


class _Follower:
    """A position in one partition, and how to read on from it."""

    __slots__ = ("_log", "_mean_octets", "_partition", "_stream", "position")

    def __init__(self, log: Log, stream: str, partition: int, start: int) -> None:
        self._log = log
        self._stream = stream
        self._partition = partition
        self._mean_octets = FIRST_GUESS_OCTETS
        self.position = start

    async def read(self, max_records: int) -> Records:
        """The records that are there, none if there are none; the position stays."""
        lag = self._log.end(self._stream, self._partition) - self.position
        if lag <= 0:
            return []
        where = (self._stream, self._partition, self.position, max_records)
        is_small = lag <= INLINE_LAG_RECORDS and min(lag, max_records) * self._mean_octets <= INLINE_OCTETS
        if is_small and self._log.at_hand(self._stream, self._partition, self.position):
            # The bound matters where the guess was wrong: what does not fit comes with the next call.
            records = self._log.fetch(*where, INLINE_OCTETS)
        else:
            records = await asyncio.to_thread(self._log.fetch, *where)
        if not records:  # all up to the end was trimmed
            self.position = max(self.position, self._log.begin(self._stream, self._partition))
        return records

    def advance(self, records: Records) -> None:
        """Move behind the records, which ``read`` returned."""
        self.position = records[-1][0] + 1
        self._mean_octets = sum(len(record) for _, record in records) // len(records)


class _Pulse:
    """Waits between looks: ``HOT_MS`` at first, doubling up to ``idle_max_ms`` when nothing comes."""

    __slots__ = ("_bell", "_idle_max_ms", "_looks", "_wait_ms")

    def __init__(self, idle_max_ms: float) -> None:
        self._idle_max_ms = max(idle_max_ms, HOT_MS)
        self._bell: asyncio.Future[None] | None = None
        self.quicken()

    def quicken(self) -> None:
        """Something came: look often again."""
        self._looks = 0
        self._wait_ms: float = HOT_MS

    async def wait(self) -> None:
        """Until the next look is due or the bell rings."""
        loop = asyncio.get_running_loop()
        self._bell = loop.create_future()
        timer = loop.call_later(self._wait_ms / 1_000, _complete, self._bell)
        try:
            await self._bell
        finally:
            timer.cancel()
            self._bell = None
        self._looks += 1
        if self._looks > HOT_LOOKS:
            self._wait_ms = min(self._wait_ms * 2, self._idle_max_ms)

    def ring(self) -> None:
        """End the wait; with nobody waiting, the next one is short."""
        self.quicken()
        if self._bell is not None:
            _complete(self._bell)


def _complete(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)
