"""A node process: joins, follows control, takes units, and brings each to an outcome, as ``actors.node`` and ``actors.attempts`` do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastemailnet.envelope import Position, Unit
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.lease import Held, Lease
from fastemailnet.flashsync.node import BEAT_EVERY_MS, Right, Standing
from tests.simulation.clock import MS, SECOND, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

ROOM = 4  # units in work from one partition
CALL_AGAIN = 2 * SECOND
INTENT_AGE_MS = 6_000
REPLACED = 300 * MS
BLIND = 50 * MS
CONTROL = (f.CONTROL, 0)


class Worker(Process):
    """One process of one node; it serves one incarnation after the other."""

    def __init__(self, world: "World", name: str) -> None:
        super().__init__(world.clock, f"{name}#{world.next_pid()}")
        self.world = world
        self.node = name
        self.now: Incarnation | None = None
        self.asked = 0
        self.join()

    def join(self) -> None:
        """Ask until somebody answers; an answer to an earlier call counts only while no later one was given."""
        self.asked += 1
        self.world.call_join(self, self.asked)
        self.later(CALL_AGAIN, self.again, self.asked)

    def again(self, asked: int) -> None:
        """Nobody answered this call."""
        if self.now is None and asked == self.asked:
            self.join()

    def joined(self, asked: int, frame: f.Join, control: int) -> None:
        """The answer to a call."""
        if self.now is None and asked == self.asked:
            self.world.say(f"{self.name} is {frame.node}.{frame.incarnation}")
            self.now = Incarnation(self, frame, control)

    def fenced(self, incarnation: "Incarnation") -> None:
        """The incarnation ended: join anew, unless another process has this name."""
        if self.now is not incarnation:
            return
        joins = [x for x in self.world.store.read(CONTROL, incarnation.joined) if isinstance(x, f.Join)]
        if any(join.node == self.node for join in joins):
            self.world.say(f"{self.name} was replaced and ends")
            self.kill()
            self.world.store.tear(self)
            self.world.worker_ended(self)
        else:
            self.now = None
            self.join()


class Incarnation:
    """What one incarnation may do and what it has in work."""

    def __init__(self, process: Worker, frame: f.Join, control: int) -> None:
        self.process = process
        self.world = process.world
        self.right = Right(
            frame.node, frame.incarnation, process.clock.now_ms, frame.epoch, intent_age_ms=INTENT_AGE_MS
        )
        self.slot = frame.slot
        self.joined = self.control = control
        self.held = Held()
        self.room: dict[tuple[str, int], int] = {}
        self.is_due = self.has_ended = False
        self.wake()
        process.later(BEAT_EVERY_MS * MS, self.beat)

    @property
    def holds(self) -> bool:
        """Whether it still has permissions; the first look behind a fence ends it."""
        if self.right.standing is Standing.HOLDING:
            return True
        if not self.has_ended:
            self.has_ended = True
            self.process.later(REPLACED, self.process.fenced, self)
        return False

    # ---- the log

    def ask(self, frame: f.NodeFrame, answered: Callable[[int | None], None]) -> None:
        """Append a permission."""
        sent_ms = self.process.clock.now_ms

        def heard(position: int | None) -> None:
            if position is None:
                self.right.fence()
                self.holds  # noqa: B018  the first look ends it
            else:
                self.right.acknowledged(sent_ms)
            answered(position)

        token = (self.right.node, self.right.incarnation)
        numbered = self.right.numbered(frame)
        self.world.store.append(self.process, (f.JOURNAL, self.slot), [numbered], token, heard)

    def tell(self, frame: f.NodeFrame, answered: Callable[[int | None], None]) -> None:
        """Append a fact."""
        numbered = self.right.numbered(frame)
        self.world.store.append(self.process, (f.JOURNAL, self.slot), [numbered], None, answered)

    def beat(self) -> None:
        """Say that the node lives while nothing else says it."""
        if self.holds:
            now_ms = self.process.clock.now_ms
            if self.right.beat_due(now_ms):
                self.ask(f.Beat(self.right.node, self.right.incarnation, now_ms), lambda _: None)
            due_ms = max(self.right.sent_ms + BEAT_EVERY_MS - now_ms, BEAT_EVERY_MS // 4)
            self.process.later(due_ms * MS, self.beat)

    # ---- control and units

    def wake(self) -> None:
        """Something may be new."""
        if not self.is_due:
            self.is_due = True
            self.process.later(1 * MS + self.world.random.randrange(4 * MS), self.look)

    def look(self) -> None:
        """Follow control, then take what there is room for."""
        if self.world.store.is_blind(self.process):
            self.process.later(BLIND, self.look)
            return
        self.is_due = False
        for frame in self.world.store.read(CONTROL, self.control):
            self.control += 1
            match self.right.control_read(frame):
                case Lease() as lease:
                    self.held.grant(lease)
                case f.Split() as hint:
                    self.share(hint)
        if self.holds:
            for where in list(self.held.ranges):
                self.take(where)

    def share(self, hint: f.Split) -> None:
        """Give back the tail of a lease (R7)."""
        at = self.held.split(hint.lease)
        if at is not None:
            self.world.say(f"{self.process.name} gives back lease {hint.lease} from {at} on")
            self.ask(f.Shrink(hint.lease, at, self.right.node, self.right.incarnation), lambda _: None)

    def take(self, where: tuple[str, int]) -> None:
        """Put units to work."""
        while self.room.get(where, ROOM):
            end = self.world.store.end(where)
            lease = self.held.next(where, end)
            if lease is None:
                return
            offset = lease.lo
            self.held.taken(lease, offset + 1)
            self.room[where] = self.room.get(where, ROOM) - 1
            unit: Unit = self.world.store.read(where, offset)[0]
            self.world.job(self, lease, Position(*where, offset), unit)

    def finished(self, place: Position) -> None:
        """A unit is out of work here."""
        self.room[place[:2]] += 1
        self.wake()
