"""A processing node: joins, takes leased units, brings each to an outcome, and starts anew when it was fenced.

An incarnation lives from one JOIN to its fence. A fence stops it from beginning anything, but sessions that are open go on: a unit with
an INTENT still gets its fact from them (R5), one without is refused by the log and is leased to others already.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from actors.attempts import Attempts
from actors.clock import monotonic_ms, wall_ms
from actors.examine import Examiner
from actors.fill import Fill
from actors.journal import Journal
from actors.leases import Leases, Room, Stay, Taken
from actors.poison import Blame
from actors.sharing import Sharing
from actors.stations import Stations
from actors.unread import Unread
from fastemailnet.envelope import LANES, Position
from fastemailnet.errors import FleetError, LimitExceeded, LogError
from fastemailnet.flashsync.frames import CONTROL, JOURNAL, Beat, Join, decode_control
from fastemailnet.flashsync.node import BEAT_EVERY_MS, Right, Standing
from fastemailnet.lifecycle import State
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log

JoinCall = Callable[[str, int, Position | None], Coroutine[Any, Any, tuple[Join, int]]]
LANE_ROOM_UNITS = 128
TIER_ROOM_UNITS = 64
ASIDE_UNITS = 384  # beside those: of a lane or a tier, in work for long
CAPACITY_UNITS = 512
READ_RECORDS = 500
REPLACED_S = 0.3  # the JOIN that replaces an incarnation stands a moment behind the FENCE that ends it
DRAIN_LOOK_S = 0.02
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
        attempts: Callable[[Journal, Stations, Blame], Attempts],
        blame: Blame,
        journal: type[Journal] = Journal,
        sharing: Sharing | None = None,
        ways: Callable[[], Mapping[str, object]] = dict,
        knows: Callable[[str], bool] = lambda name: False,
        unread: Unread | None = None,
    ) -> None:
        """``ways``: what mail waits for outside, for people; ``knows``: whether there was mail for a site of a name."""
        self.name = name
        self.knows = knows
        self.unread = unread or Unread()
        self.sharing, self.ways = sharing, ways
        self.log = log
        self.group = group
        self.join = join
        self.examiner = examiner
        self.attempts = attempts
        self.blame = blame
        self.journal = journal
        self.stations = Stations(Counter())
        self.incarnation = 0
        self.serving: Incarnation | None = None
        self.leaving = asyncio.Event()  # set: this process ends soon

    async def run(self) -> None:
        """Serve one incarnation after the other, for ever or until it is to leave.

        Raises:
            FleetError: another process joined under this name; two would fence each other without end.
            LogError: the log failed.
        """
        while not self.leaving.is_set():
            # No FENCE of an incarnation that does not exist yet can stand below these.
            ends = await asyncio.to_thread(self.log.ends, JOURNAL)
            frame, position = await self.join(self.name, CAPACITY_UNITS, self.blame.left())
            self.log.follow(JOURNAL, frame.slot, ends.get((JOURNAL, frame.slot), 0))
            self.blame.clear()
            self.incarnation = frame.incarnation
            right = Right(frame.node, frame.incarnation, monotonic_ms(), frame.epoch)
            self.serving = Incarnation(self, right, frame.slot, position)
            await self.serving.serve()
            await asyncio.sleep(REPLACED_S)
            newest = await asyncio.to_thread(self.newest_incarnation, position)
            if newest > frame.incarnation:
                raise FleetError(f"{self.name}.{frame.incarnation} was replaced by {self.name}.{newest}")
        await asyncio.Event().wait()  # whoever asked it to leave ends it

    async def drain(self, seconds: float) -> int:
        """Begin nothing more, and wait so long at most for the replies to what was ended: how many are without one, and in doubt.

        What has not come to its end goes to whoever runs next.
        """
        self.leaving.set()
        if self.serving is not None:
            self.serving.right.fence()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.stations.counts[State.SENDING]:  # noqa: ASYNC110  what counts has no event
                    await asyncio.sleep(DRAIN_LOOK_S)
        return self.stations.counts[State.SENDING]

    def newest_incarnation(self, position: int) -> int:
        """The newest JOIN of this name behind a control offset; 0 if there is none."""
        newest, end = 0, self.log.ends(CONTROL).get((CONTROL, 0), 0)
        while position < end and (batch := self.log.fetch(CONTROL, 0, position, READ_RECORDS)):
            for offset, record in batch:
                frame = self.unread.read(decode_control, record, CONTROL, 0, offset)
                if isinstance(frame, Join) and frame.node == self.name:
                    newest = max(newest, frame.incarnation)
            position = batch[-1][0] + 1
        return newest

    async def knows_site(self, name: str) -> bool:
        """Whether this node has had mail for a site of this name."""
        return self.knows(name)

    async def status(self) -> dict[str, object]:
        """Numbers for people."""
        return {
            "node": f"{self.name}.{self.incarnation}",
            "states": {state.value: count for state, count in self.stations.counts.items() if count},
            "scored": self.examiner.scored,
            "not_scored": self.examiner.unscored,
            "gate": {ruling.value: count for ruling, count in self.examiner.ruled.items()},
            **self.ways(),
            **self.unread.figures(),
        }


class Incarnation:
    """The tasks of one incarnation. They end together, at the fence or at the first error."""

    def __init__(self, node: NodeActor, right: Right, slot: int, control_position: int) -> None:
        self.node = node
        self.right = right
        self.journal = node.journal(node.group, slot, right)
        self.shop = node.attempts(self.journal, node.stations, node.blame)
        # A fixed next hop has its connections already.
        is_fixed = all(route.fixed_target() is not None for route in self.shop.routes.all)
        fill = None if is_fixed else Fill(node.log, self.shop.warm)
        self.leases = Leases(node.log, self.journal, control_position, node.unread, fill)
        self.works: set[asyncio.Task[None]] = set()
        self.broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.rooms = {stream: Room(LANE_ROOM_UNITS, ASIDE_UNITS) for stream in LANES}

    async def serve(self) -> None:
        """Work until fenced. Raises what broke it, if anything did."""
        parts = [self.beat(), self.leases.follow(), self.take_all()]
        if self.node.sharing is not None:
            parts.append(self.node.sharing.run(self.right.incarnation))
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self.broken]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.right.fence()
            for task in tasks:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [result for result in results if isinstance(result, Exception)]
        if self.broken.done():
            errors.append(self.broken.result())
        if errors:
            raise errors[0]

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
        """Put the units of one partition to work, in tasks that outlive a fence."""
        room = self.rooms.setdefault(where[0], Room(TIER_ROOM_UNITS, ASIDE_UNITS))
        async for batch in self.leases.take(where, room):
            for taken in batch:
                task = asyncio.create_task(self.work(taken, room))
                self.works.add(task)
                task.add_done_callback(self.works.discard)

    async def work(self, taken: Taken, room: Room) -> None:
        """One unit, whatever becomes of it."""
        stay = Stay(room, taken.unit)
        try:
            await self.shop.work(taken)
        except Exception as error:  # the log or a bug: this process must not go on
            if not isinstance(error, LogError | LimitExceeded):
                self.node.blame.ends_over(taken.place)
            if not self.broken.done():
                self.broken.set_result(error)
        finally:
            stay.end()
