"""The coordinator machine: who may work on what, decided from the fold alone (R1, R2, R3, R6, R7, R10).

It has no memory of its own that matters: everything it knows was read from control and the journal, so a new coordinator that has
read them knows the same. The shell reads both streams, feeds every frame in order, asks ``plan`` what to write, appends that, and
reads again; an append that fails in an unknown way ends the process, because the next coordinator reads what really landed.

    boot:  append EPOCH(e+1) ▸ read control to it ▸ read every journal partition to its end ▸ lead
    lead:  frames in ▸ plan: fence the silent ▸ resolve what is due ▸ lease what is free, due or new ▸ ask the loaded to share

Leases survive a coordinator: their holders go on, and the new coordinator only begins to count their silence anew. ``grants``
says what is leased to whom.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fastemailnet.envelope import Position
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import (
    Beat,
    ControlFrame,
    Deferral,
    Epoch,
    Fence,
    Intent,
    Join,
    JournalFrame,
    Outcome,
    Resolve,
    Shrink,
    Split,
    Strike,
    Verdict,
    Void,
)
from fastemailnet.flashsync.grants import Ends, Grants
from fastemailnet.flashsync.lease import Open, Quarantined, Token
from fastemailnet.flashsync.waits import Policy as Policy
from fastemailnet.flashsync.waits import Waits

JOURNAL_PARTITIONS = 16


@dataclass(frozen=True, slots=True)
class Write:
    """Frames to append to control, or (with a partition) to the journal. A FENCE also ends its token's right in the log."""

    frame: ControlFrame | JournalFrame
    partition: int | None = None


class Coordinator:
    """One coordinator process. Feed it frames; ask it what to write. ``who`` is a number that no other process has."""

    def __init__(self, policy: Policy, fold: Fold | None = None, who: int = 0) -> None:
        self.policy = policy
        self.who = who
        self.fold = fold or Fold()
        self.epoch = 0
        self.seen_ms: dict[Token, int] = {}
        self.grants = Grants(self.fold, policy.lease_units, policy.window_units)
        self.asked: set[int] = set()  # leases whose holders were asked to share them
        self.slots: dict[str, int] = {}  # of nodes whose first JOIN is on its way
        self.waits = Waits(policy, self.fold)

    # ---- boot

    def candidacy(self, at_ms: int) -> Write:
        """The EPOCH to append once control was read to its end."""
        self.epoch = self.fold.epoch + 1
        return Write(Epoch(self.epoch, at_ms, self.who))

    def is_deposed(self) -> bool:
        """Whether a higher epoch was read, or this one was won by another: stop at once and write nothing more (R1).

        To be asked once control was read beyond the own EPOCH.
        """
        return bool(self.epoch) and (self.fold.is_superseded(self.epoch) or self.fold.leader != self.who)

    # ---- frames in

    def control_read(self, frame: ControlFrame, at_ms: int) -> bool:
        """Fold a control frame; False where it is void."""
        is_valid = self.fold.apply_control(frame)
        if is_valid and isinstance(frame, Join):
            self.seen_ms[frame.node, frame.incarnation] = at_ms
        return is_valid

    def journal_read(self, partition: int, position: int, frame: JournalFrame, at_ms: int) -> None:
        """Fold a journal frame; any frame of a node is a sign of life."""
        self.fold.apply_journal(partition, position, frame)
        if isinstance(frame, Outcome | Resolve):
            for deferral in frame.deferrals:
                self.grants.defer(deferral)
        match frame:
            case Intent() | Outcome() | Void() | Shrink() | Beat():
                self.seen_ms[frame.node, frame.incarnation] = at_ms
            case Fence():
                self.seen_ms.pop((frame.node, frame.incarnation), None)
            case Resolve():
                pass

    def forgive_silence(self, at_ms: int) -> None:
        """A new coordinator counts every holder's silence from its own start."""
        self.seen_ms = {(join.node, join.incarnation): at_ms for join in self.living()}

    # ---- what to write

    def living(self) -> list[Join]:
        """The newest incarnations that are not fenced, by name."""
        joins = (self.fold.members[name] for name in sorted(self.fold.members))
        return [join for join in joins if not self.fold.is_fenced((join.node, join.incarnation))]

    def admit(self, node: str, capacity: int, at_ms: int) -> list[Write]:
        """A node asks to join: fence the incarnation before it, then JOIN the next (R8). Repeating the call is harmless."""
        old = self.fold.members.get(node)
        if old is None:
            return [Write(Join(self.epoch, node, 1, self._free_slot(node), capacity))]
        writes = []
        if not self.fold.is_fenced((node, old.incarnation)):
            writes.append(self.fence(old, at_ms, "the node joined anew"))
        return [*writes, Write(Join(self.epoch, node, old.incarnation + 1, old.slot, capacity))]

    def _free_slot(self, node: str) -> int:
        """A journal partition with as few other writers as may be, for a node that joins for the first time."""
        given = {name: join.slot for name, join in self.fold.members.items()}
        users = Counter((self.slots | given).values())
        self.slots[node] = min(range(JOURNAL_PARTITIONS), key=lambda slot: users[slot])
        return self.slots[node]

    def fence(self, join: Join, at_ms: int, reason: str) -> Write:
        """The FENCE of one incarnation, for its own partition (R3)."""
        return Write(Fence(self.epoch, join.node, join.incarnation, at_ms, reason), join.slot)

    def suspect(self, node: str, at_ms: int, reason: str) -> list[Write]:
        """Somebody says that the node's process is gone. True or not, a fence harms nothing but the work it interrupts."""
        return [self.fence(join, at_ms, reason) for join in self.living() if join.node == node]

    def blame(self, place: Position) -> Write:
        """A node's process died while it looked into this record."""
        return Write(Strike(self.epoch, *place))

    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        """Everything to append now. ``ends`` has each mail partition and the offset of its next record."""
        if self.is_deposed():
            return []
        writes = [*self._fences(at_ms), *self._resolutions(at_ms)]
        nodes = self.living()
        if nodes:
            writes += [
                Write(frame) for frame in self.grants.plan(self.epoch, nodes, at_ms, ends, self.waits.ordered(at_ms))
            ]
            writes += self._splits(nodes, ends)
        return writes

    def hears_silence(self, at_ms: int) -> bool:
        """Whether somebody would be fenced for silence now; ask again when everything in the log was read."""
        return next(self._fences(at_ms), None) is not None

    def _fences(self, at_ms: int) -> Iterator[Write]:
        for join in self.living():
            silence_ms = at_ms - self.seen_ms.get((join.node, join.incarnation), at_ms)
            if silence_ms > self.policy.beat_timeout_ms:
                yield self.fence(join, at_ms, f"silent for {silence_ms} ms")

    def _resolutions(self, at_ms: int) -> Iterator[Write]:
        for entry, verdict, reason in self.waits.due(at_ms):
            yield self.resolve(entry, verdict, at_ms, reason)

    def resolve(
        self,
        entry: Open,
        verdict: Verdict,
        at_ms: int,
        reason: str,
        evidence: bytes = b"",
        reports: tuple[bytes, ...] = (),
    ) -> Write:
        """The RESOLVE of one attempt in doubt, for the partition of its INTENT (R6). Void if its node speaks before it lands."""
        frame = Resolve(self.epoch, entry.spot[1], verdict, at_ms, reason, None, evidence, reports, entry.word)
        return Write(frame, entry.spot[0])

    def review(
        self, entry: Quarantined, verdict: Verdict, at_ms: int, reason: str, deferral: Deferral | None, evidence: bytes
    ) -> Write:
        """The RESOLVE of what is held, for the partition of the OUTCOME that holds it."""
        frame = Resolve(self.epoch, entry.spot[1], verdict, at_ms, reason, deferral, evidence)
        return Write(frame, entry.spot[0])

    def _splits(self, nodes: list[Join], ends: Ends) -> Iterator[Write]:
        """R7: where one node has nothing and another has much, ask that one to give back the tail of what it will reach last."""
        self.asked.intersection_update(self.fold.leases)
        for number in self.grants.to_share(nodes, ends, self.policy.steal_units):
            if number not in self.asked:
                self.asked.add(number)
                yield Write(Split(self.epoch, number))
