"""From leases to units: follows control for what this incarnation may work on, and takes it from the log in contiguous batches.

One task per mail partition or tier. Each lane has room for its own number of units in work, so that a bulk backlog never takes the
place of a transactional mail. A lease reaches past the last record (live edge); the task waits there, cheaply.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from actors.fill import Fill
from actors.journal import Journal
from actors.unread import Unread
from fastemailnet.admission.reading import Read, read_unit
from fastemailnet.envelope import Asked, Position, Unit
from fastemailnet.flashsync.frames import CONTROL, Shrink, Split, decode_control
from fastemailnet.flashsync.lease import Held, Lease
from fastemailnet.flashsync.node import Standing
from fastemailnet.log.interface import Log
from fastemailnet.log.tail import Tail, read
from fastemailnet.outcome import Kind

HOT_S = 0.001
IDLE_MAX_S = 0.008
LONG_S = 2.0  # most mails are gone by then
ASIDE_OCTETS = 262_144  # of a body


@dataclass(frozen=True, slots=True)
class Taken:
    """A unit of a lease, as it is worked on."""

    lease: int
    place: Position
    attempt: int
    unit: Read
    source: Position
    asked: Asked | None = None  # an attempt in doubt that the peer can be asked about
    strikes: int = 0  # processes that died over it
    settled: tuple[Kind, ...] = ()  # whom an attempt in doubt has ended, see ``frames.Assign``


class Room:
    """How many units of one lane may be in work; waits while there is none.

    Most units leave soon, and some wait for a host that says nothing for minutes. So that a few dozen such hosts hold up nobody else's
    mail, a unit that has been here for long makes place for the next, as long as not too many have.
    """

    def __init__(self, units: int, aside_units: int) -> None:
        self.free = units
        self.aside = aside_units  # how many more may step aside
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


class Stay:
    """One unit in work: its place is given back once, when it steps aside or when it ends. What takes much memory never steps aside."""

    def __init__(self, room: Room, unit: Read) -> None:
        self.room = room
        self.is_aside = False
        self.timer: asyncio.TimerHandle | None = None
        if isinstance(unit, Unit) and unit.blob is None and len(unit.body) <= ASIDE_OCTETS:
            self._wait()

    def _wait(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(LONG_S, self._step_aside)

    def _step_aside(self) -> None:
        if not self.room.aside:
            self._wait()
            return
        self.room.aside -= 1
        self.is_aside = True
        self.room.give_back()

    def end(self) -> None:
        """The unit is finished."""
        if self.timer is not None:
            self.timer.cancel()
        if self.is_aside:
            self.room.aside += 1
        else:
            self.room.give_back()


class Leases:
    """The leases of one incarnation, by partition."""

    def __init__(
        self, log: Log, journal: Journal, control_position: int, unread: Unread, fill: Fill | None = None
    ) -> None:
        self.log = log
        self.unread = unread
        self.fill = fill
        self.journal = journal
        self.control = Tail(log, CONTROL, 0, control_position)
        self.held = Held()
        self.news = asyncio.Event()

    async def follow(self) -> None:
        """Read control until this incarnation is fenced."""
        right = self.journal.right
        while right.standing is Standing.HOLDING:
            for offset, record in await self.control.next(500):
                frame = self.unread.read(decode_control, record, CONTROL, 0, offset)
                match None if frame is None else right.control_read(frame):
                    case Lease() as lease:
                        self.held.grant(lease)
                        self.news.set()
                    case Split() as hint:
                        await self.share(hint)

    async def share(self, hint: Split) -> None:
        """Give back the tail of a lease, as far as it is not begun (R7)."""
        at = self.held.split(hint.lease)
        if at is not None:
            right = self.journal.right
            await self.journal.ask(Shrink(hint.lease, at, right.node, right.incarnation))

    async def partitions(self) -> AsyncIterator[tuple[str, int]]:
        """Each partition once, as soon as it has a lease."""
        seen: set[tuple[str, int]] = set()
        while True:
            for where in [where for where in self.held.ranges if where not in seen]:
                seen.add(where)
                yield where
            self.news.clear()
            await self.news.wait()

    async def take(self, where: tuple[str, int], room: Room) -> AsyncIterator[list[Taken]]:
        """Batches of units in the order of their leases, never more than there is room for."""
        idle_s = HOT_S
        self.log.follow(*where, min((lease.lo for lease in self.held.ranges[where]), default=0))
        while True:
            free = await room.some()
            end = self.log.end(*where)
            lease = self.held.next(where, end)
            if lease is None:
                await asyncio.sleep(idle_s)
                idle_s = min(idle_s * 1.3, IDLE_MAX_S)
                continue
            idle_s = HOT_S
            # In work from here on, before the first record is here: what a SPLIT finds untaken meanwhile goes to others (R7).
            reached = min(lease.hi, end, lease.lo + free)
            self.held.taken(lease, reached)
            room.free -= reached - lease.lo
            async for records in read(self.log, where, lease.lo, reached):
                yield [taken(lease, Position(*where, offset), record) for offset, record in records]
            if self.fill is not None:
                await self.fill.look(where, reached, min(lease.hi, end))


def taken(lease: Lease, place: Position, record: bytes) -> Taken:
    """The unit in a record under a lease."""
    unit = read_unit(record, place)
    if not isinstance(unit, Unit):
        return Taken(lease.lease, place, lease.attempt or 1, unit, place)
    attempt = lease.attempt or unit.attempt
    asked = lease.asked or unit.asked
    return Taken(lease.lease, place, attempt, unit, unit.source or place, asked, lease.strikes, lease.settled)
