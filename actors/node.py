"""A processing node: joins, takes leased units, brings each to an outcome, and starts anew when it was fenced.

An incarnation lives from one JOIN to its fence. When it is fenced nothing is rescued: units without an INTENT are already leased to
others, those with one either get their fact from the session that is still open, or are in doubt.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from actors.attempts import Attempts, Stations
from actors.clock import monotonic_ms, wall_ms
from actors.examine import Examiner
from actors.journal import Journal
from actors.leases import Leases, Room, Taken
from fastemailnet.envelope import Lane
from fastemailnet.flashsync.frames import Beat, Join
from fastemailnet.flashsync.node import BEAT_EVERY_MS, Right, Standing
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log

JoinCall = Callable[[str, int], Awaitable[tuple[Join, int]]]
ROOM_UNITS = {Lane.TRANSACTIONAL.stream: 128, Lane.STANDARD.stream: 128, Lane.BULK.stream: 128}
TIER_ROOM_UNITS = 64
CAPACITY_UNITS = 512
BEAT_POLL_S = BEAT_EVERY_MS / 4_000


class NodeActor:
    """One process of one node. ``attempts`` builds the shop for an incarnation from its journal."""

    def __init__(
        self,
        name: str,
        log: Log,
        group: GroupCommit,
        join: JoinCall,
        examiner: Examiner,
        attempts: Callable[[Journal, Stations], Attempts],
    ) -> None:
        self.name = name
        self.log = log
        self.group = group
        self.join = join
        self.examiner = examiner
        self.attempts = attempts
        self.stations = Stations(Counter())
        self.incarnation = 0

    async def run(self) -> None:
        """Serve one incarnation after the other, for ever."""
        while True:
            frame, position = await self.join(self.name, CAPACITY_UNITS)
            self.incarnation = frame.incarnation
            right = Right(frame.node, frame.incarnation, monotonic_ms(), frame.epoch)
            await Incarnation(self, right, frame.slot, position).serve()

    async def status(self) -> dict[str, object]:
        """Numbers for people."""
        return {
            "node": f"{self.name}.{self.incarnation}",
            "states": {state.value: count for state, count in self.stations.counts.items() if count},
            "scored": self.examiner.scored,
            "not_scored": self.examiner.unscored,
        }


class Incarnation:
    """The tasks of one incarnation. They end together, at the fence or at the first error."""

    def __init__(self, node: NodeActor, right: Right, slot: int, control_position: int) -> None:
        self.node = node
        self.right = right
        self.journal = Journal(node.group, slot, right)
        self.leases = Leases(node.log, right, control_position)
        self.shop = node.attempts(self.journal, node.stations)
        self.rooms = {stream: Room(units) for stream, units in ROOM_UNITS.items()}

    async def serve(self) -> None:
        """Work until fenced."""
        beats = asyncio.create_task(self.beat())
        others = [asyncio.create_task(self.leases.follow()), asyncio.create_task(self.take_all())]
        try:
            await asyncio.wait([beats, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.right.fence()
            for task in (beats, *others):
                task.cancel()
        for result in await asyncio.gather(beats, *others, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def beat(self) -> None:
        """Say that the node lives while nothing else says it; ends at the fence."""
        while self.right.standing is Standing.HOLDING:
            if self.right.beat_due(monotonic_ms()):
                await self.journal.ask(Beat(self.right.node, self.right.incarnation, wall_ms()))
            await asyncio.sleep(BEAT_POLL_S)

    async def take_all(self) -> None:
        """Take from every partition that has a lease."""
        async with asyncio.TaskGroup() as tasks:
            async for where in self.leases.partitions():
                tasks.create_task(self.take(where))

    async def take(self, where: tuple[str, int]) -> None:
        """Put the units of one partition to work."""
        room = self.rooms.setdefault(where[0], Room(TIER_ROOM_UNITS))
        async with asyncio.TaskGroup() as tasks:
            async for batch in self.leases.take(where, room):
                for taken in batch:
                    tasks.create_task(self.work(taken, room))

    async def work(self, taken: Taken, room: Room) -> None:
        """One unit, whatever becomes of it."""
        try:
            await self.shop.work(taken)
        finally:
            room.give_back()
