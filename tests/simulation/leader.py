"""A coordinator process: the loop of ``actors.coordinator`` around the production machine."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS, Coordinator, Write
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from tests.simulation.clock import MS, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

TURN = 10 * MS
IDLE = 500 * MS
CONTROL = (f.CONTROL, 0)
SNAPSHOT_FRAMES = 40
Joined = Callable[[f.Join, int], None]


class Leader(Process):
    """One coordinator process; it leads until it reads a higher epoch."""

    def __init__(self, world: "World", name: str) -> None:
        super().__init__(world.clock, name)
        self.world = world
        self.machine = Coordinator(world.policy, who=world.next_pid())
        self.control = 0
        self.journal = [0] * JOURNAL_PARTITIONS
        self.requests: list[tuple[str, Joined]] = []
        self.joins: dict[str, Joined] = {}
        self.unkept = 0
        self.is_leading = False
        self.is_waiting = False  # for its own append
        self.is_due = False
        newest = world.store.read(("snapshot", 0), max(0, world.store.end(("snapshot", 0)) - 1))
        if newest:
            fold, self.control = decode_snapshot(newest[0])
            self.machine = Coordinator(world.policy, fold, self.machine.who)
            for partition, position in fold.read.items():
                self.journal[partition] = position
        self.read_control()
        self.append([self.machine.candidacy(self.clock.now_ms)], self.lead)

    def lead(self) -> None:
        """The EPOCH is durable: read to the end, and begin."""
        if self.world.store.is_blind(self):
            self.later(IDLE, self.lead)
            return
        self.read_all()
        self.machine.forgive_silence(self.clock.now_ms)
        self.is_leading = True
        self.turn()
        self.later(IDLE, self.idle)

    def idle(self) -> None:
        """Look although nothing rang."""
        self.wake()
        self.later(IDLE, self.idle)

    def wake(self) -> None:
        """Something may be new."""
        if not self.is_due and self.is_leading:
            self.is_due = True
            self.later(TURN, self.turn)

    def turn(self) -> None:
        """Read ▸ plan ▸ append."""
        if self.world.store.is_blind(self):
            self.later(TURN, self.turn)
            return
        self.is_due = False
        if self.is_waiting:
            return
        self.read_all()
        if self.machine.is_deposed():
            self.world.say(f"{self.name} sees a higher epoch and ends")
            self.kill()
            self.world.leader_ended(self)
            return
        ends = {where: self.world.store.end(where) for where in self.world.mail}
        self.append([*self.admissions(), *self.machine.plan(self.clock.now_ms, ends)], self.wake)

    def admissions(self) -> list[Write]:
        """One incarnation of a node at a time."""
        writes: list[Write] = []
        later = []
        for node, joined in self.requests:
            if node in self.joins:
                later.append((node, joined))
            else:
                self.joins[node] = joined
                writes += self.machine.admit(node, 64, self.clock.now_ms)
        self.requests = later
        return writes

    def append(self, writes: list[Write], behind: Callable[[], None]) -> None:
        """Append in the order of the decisions, then go on."""
        steps: list[tuple[tuple[str, int], list[Any]]] = [
            ((f.JOURNAL, write.partition), [write.frame]) for write in writes if write.partition is not None
        ]
        control = [write.frame for write in writes if write.partition is None]
        if control:
            steps.append((CONTROL, control))
        if self.world.trace is not None and writes:
            self.world.say(f"{self.name} writes {', '.join(map(str, (write.frame for write in writes)))}")
        self.is_waiting = bool(steps)
        self._append(steps, behind)

    def _append(self, steps: list[tuple[tuple[str, int], list[Any]]], behind: Callable[[], None]) -> None:
        if not steps:
            if self.is_waiting:
                self.is_waiting = False
                behind()
            return
        where, frames = steps[0]
        self.world.store.append(self, where, frames, None, lambda _: self._append(steps[1:], behind))

    # ---- what others ask

    def join(self, node: str, joined: Joined) -> None:
        """A node asks to join."""
        self.requests.append((node, joined))
        self.wake()

    def suspect(self, node: str) -> None:
        """Somebody saw the node's process end."""
        if self.is_leading and not self.is_waiting and not self.machine.is_deposed():
            self.append(self.machine.suspect(node, self.clock.now_ms, "its process ended"), self.wake)

    def blame(self, place: Position) -> None:
        """A node's process died over a place."""
        if self.is_leading and not self.is_waiting and not self.machine.is_deposed():
            self.append([self.machine.blame(place)], self.wake)

    # ---- reading

    def read_all(self) -> None:
        """Control first, so that every lease a journal frame names is known."""
        self.read_control()
        for slot in sorted({join.slot for join in self.machine.fold.members.values()}):
            for frame in self.world.store.read((f.JOURNAL, slot), self.journal[slot]):
                self.machine.journal_read(slot, self.journal[slot], frame, self.clock.now_ms)
                self.journal[slot] += 1
                self.unkept += 1
        if self.unkept > SNAPSHOT_FRAMES and self.is_leading:
            self.unkept = 0
            record = encode_snapshot(self.machine.fold, self.control)
            self.world.store.append(self, ("snapshot", 0), [record], None, lambda _: None)

    def read_control(self) -> None:
        """Fold new control frames, and answer the joins that are valid."""
        for frame in self.world.store.read(CONTROL, self.control):
            self.control += 1
            is_valid = self.machine.control_read(frame, self.clock.now_ms)
            if isinstance(frame, f.Join) and is_valid and (joined := self.joins.pop(frame.node, None)):
                joined(frame, self.control)
