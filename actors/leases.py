"""From leases to units: follows control for what this incarnation may work on, and takes it from the log in contiguous batches.

One task per mail partition or tier. Each lane has room for its own number of units in work, so that a bulk backlog never takes the
place of a transactional mail. A lease reaches past the last record (live edge); the task waits there, cheaply.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from fastemailnet.envelope import Position, Unit, decode_unit
from fastemailnet.flashsync.fold import Lease
from fastemailnet.flashsync.frames import CONTROL, decode_control
from fastemailnet.flashsync.node import Right, Standing
from fastemailnet.log.interface import Log
from fastemailnet.log.tail import Tail

HOT_S = 0.001
IDLE_MAX_S = 0.008


@dataclass(frozen=True, slots=True)
class Taken:
    """A unit of a lease, as it is worked on."""

    lease: int
    place: Position
    attempt: int
    unit: Unit | None  # None: the record does not decode
    source: Position


class Room:
    """How many units of one lane may be in work; waits while there is none."""

    def __init__(self, units: int) -> None:
        self.free = units
        self.freed = asyncio.Event()

    async def some(self) -> int:
        """At least one free place, once there is one."""
        while not self.free:
            self.freed.clear()
            await self.freed.wait()
        return self.free

    def give_back(self) -> None:
        """One unit is finished."""
        self.free += 1
        self.freed.set()


class Leases:
    """The leases of one incarnation, by partition."""

    def __init__(self, log: Log, right: Right, control_position: int) -> None:
        self.log = log
        self.right = right
        self.control = Tail(log, CONTROL, 0, control_position)
        self.ranges: dict[tuple[str, int], deque[Lease]] = {}
        self.news = asyncio.Event()

    async def follow(self) -> None:
        """Read control until this incarnation is fenced."""
        while self.right.standing is Standing.HOLDING:
            for _, record in await self.control.next(500):
                lease = self.right.control_read(decode_control(record))
                if lease is not None:
                    self.ranges.setdefault((lease.stream, lease.partition), deque()).append(lease)
                    self.news.set()

    async def partitions(self) -> AsyncIterator[tuple[str, int]]:
        """Each partition once, as soon as it has a lease."""
        seen: set[tuple[str, int]] = set()
        while True:
            for where in [where for where in self.ranges if where not in seen]:
                seen.add(where)
                yield where
            self.news.clear()
            await self.news.wait()

    async def take(self, where: tuple[str, int], room: Room) -> AsyncIterator[list[Taken]]:
        """Batches of units in the order of their leases, never more than there is room for."""
        queue = self.ranges[where]
        idle_s = HOT_S
        while True:
            free = await room.some()
            taken = self._fetch(where, queue, free) if queue else []
            if taken:
                room.free -= len(taken)
                idle_s = HOT_S
                yield taken
            else:
                await asyncio.sleep(idle_s)
                idle_s = min(idle_s * 1.3, IDLE_MAX_S)

    def _fetch(self, where: tuple[str, int], queue: deque[Lease], count: int) -> list[Taken]:
        # Leases are granted by different motives (returned, due, new), so the first is not always the lowest.
        end = self.log.end(*where)
        for _ in range(len(queue)):
            lease = queue[0]
            if lease.lo >= end:
                queue.rotate(-1)
                continue
            hi = min(lease.hi, end, lease.lo + count)
            records = self.log.fetch(*where, lease.lo, hi - lease.lo)
            reached = records[-1][0] + 1
            queue[0] = Lease(lease.lease, *where, reached, lease.hi, lease.token, lease.attempt)
            if reached == lease.hi:
                queue.popleft()
            return [taken(lease, Position(*where, offset), record) for offset, record in records]
        return []


def taken(lease: Lease, place: Position, record: bytes) -> Taken:
    """The unit in a record under a lease."""
    try:
        unit = decode_unit(record)
    except msgspec.MsgspecError:
        return Taken(lease.lease, place, lease.attempt or 1, None, place)
    return Taken(lease.lease, place, lease.attempt or unit.attempt, unit, unit.source or place)
