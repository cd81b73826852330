"""The coordinator machine: who may work on what, decided from the fold alone (R1, R2, R3, R6, R10).

It has no memory of its own that matters: everything it knows was read from control and the journal, so a new coordinator that has
read them knows the same. The shell reads both streams, feeds every frame in order, asks ``plan`` what to write, appends that, and
reads again; an append that fails in an unknown way ends the process, because the next coordinator reads what really landed.

    boot:  append EPOCH(e+1) ▸ read control to it ▸ read every journal partition to its end ▸ lead
    lead:  frames in ▸ plan: fence the silent ▸ resolve what is due ▸ lease what is free, due or new

Leases survive a coordinator: their holders go on, and the new coordinator only begins to count their silence anew.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fastemailnet.envelope import Position
from fastemailnet.flashsync.fold import Fold, Open, Token
from fastemailnet.flashsync.frames import (
    Assign,
    Beat,
    ControlFrame,
    Epoch,
    Fence,
    Intent,
    Join,
    JournalFrame,
    Outcome,
    Resolve,
    Verdict,
    Void,
)
from fastemailnet.flashsync.progress import runs

JOURNAL_PARTITIONS = 16
Loads = Counter[tuple[str, int, Token]]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and policies of the coordinator."""

    beat_timeout_ms: int = 5_000  # silence after which a node is fenced
    lease_units: int = 32  # longest lease
    window_units: int = 256  # places of one stream that one node may have out
    verdicts: Mapping[str, Verdict | None] = field(default_factory=dict)  # per stream of first acceptance; None: hold
    doubt_ms: int = 60_000  # how long evidence is waited for; must exceed node.TTL_MS + node.INTENT_MAX_AGE_MS


@dataclass(frozen=True, slots=True)
class Write:
    """Frames to append to control, or (with a partition) to the journal. A FENCE also ends its token's right in the log."""

    frame: ControlFrame | JournalFrame
    partition: int | None = None


class Coordinator:
    """One coordinator process. Feed it frames; ask it what to write."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.fold = Fold()
        self.epoch = 0
        self.seen_ms: dict[Token, int] = {}
        self.leases_made = 0
        self.due: list[
            tuple[int, Position]
        ] = []  # heap of tier copies by due time; what is not named any more is skipped

    # ---- boot

    def candidacy(self, at_ms: int) -> Write:
        """The EPOCH to append once control was read to its end."""
        self.epoch = self.fold.epoch + 1
        return Write(Epoch(self.epoch, at_ms))

    def is_deposed(self) -> bool:
        """Whether a higher epoch was read: this process must stop at once and write nothing more (R1)."""
        return bool(self.epoch) and self.fold.is_superseded(self.epoch)

    # ---- frames in

    def control_read(self, frame: ControlFrame, at_ms: int) -> None:
        """Fold a control frame."""
        if self.fold.apply_control(frame) and isinstance(frame, Join):
            self.seen_ms[frame.node, frame.incarnation] = at_ms

    def journal_read(self, partition: int, position: int, frame: JournalFrame, at_ms: int) -> None:
        """Fold a journal frame; any frame of a node is a sign of life."""
        self.fold.apply_journal(partition, position, frame)
        if isinstance(frame, Outcome) and frame.deferral is not None:
            heapq.heappush(self.due, (frame.deferral.due_ms, frame.deferral.copy))
        match frame:
            case Intent() | Outcome() | Void() | Beat():
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
            slot = len(self.fold.members) % JOURNAL_PARTITIONS
            return [Write(Join(self.epoch, node, 1, slot, capacity))]
        writes = []
        if not self.fold.is_fenced((node, old.incarnation)):
            writes.append(self.fence(old, at_ms, "the node joined anew"))
        return [*writes, Write(Join(self.epoch, node, old.incarnation + 1, old.slot, capacity))]

    def fence(self, join: Join, at_ms: int, reason: str) -> Write:
        """The FENCE of one incarnation, for its own partition (R3)."""
        return Write(Fence(self.epoch, join.node, join.incarnation, at_ms, reason), join.slot)

    def plan(self, at_ms: int, ends: Mapping[tuple[str, int], int]) -> list[Write]:
        """Everything to append now. ``ends`` has each mail partition and the offset of its next record."""
        if self.is_deposed():
            return []
        return [*self._fences(at_ms), *self._resolutions(at_ms), *self._grants(at_ms, ends)]

    def _fences(self, at_ms: int) -> Iterator[Write]:
        for join in self.living():
            silence_ms = at_ms - self.seen_ms.get((join.node, join.incarnation), at_ms)
            if silence_ms > self.policy.beat_timeout_ms:
                yield self.fence(join, at_ms, f"silent for {silence_ms} ms")

    def _resolutions(self, at_ms: int) -> Iterator[Write]:
        for entry in self.fold.in_doubt():
            verdict = self.policy.verdicts.get(self._accepted_in(entry))
            assert entry.doubt_ms is not None
            if verdict is not None and at_ms - entry.doubt_ms >= self.policy.doubt_ms:
                yield self.resolve(entry, verdict, at_ms, "policy of the lane")

    def resolve(self, entry: Open, verdict: Verdict, at_ms: int, reason: str) -> Write:
        """The RESOLVE of one attempt in doubt, for the partition of its INTENT (R6)."""
        return Write(Resolve(self.epoch, entry.spot[1], verdict, at_ms, reason), entry.spot[0])

    def _accepted_in(self, entry: Open) -> str:
        named = self.fold.named.get(entry.place)
        return named.source.stream if named is not None else entry.place.stream

    # ---- leases

    def _grants(self, at_ms: int, ends: Mapping[tuple[str, int], int]) -> Iterator[Write]:
        nodes = self.living()
        if not nodes:
            return
        waiting, ahead = self._loads(ends)
        for where, offsets, attempt in (*self._free(), *self._due(at_ms)):
            for lo, hi in runs(offsets, self.policy.lease_units):
                yield from self._lease(nodes, waiting, where, (lo, hi), attempt)
        for where in ends:
            yield from self._live_edge(nodes, ahead, where)

    def _loads(self, ends: Mapping[tuple[str, int], int]) -> tuple[Loads, Loads]:
        """Places out per partition and incarnation: of records that exist, and of all, the live edge included."""
        waiting: Loads = Counter()
        ahead: Loads = Counter()
        for number, lease in self.fold.leases.items():
            where = (lease.stream, lease.partition, lease.token)
            ahead[where] += self.fold.left[number]
            if lease.lo < ends.get(where[:2], lease.hi):
                waiting[where] += self.fold.left[number]
        return waiting, ahead

    def _free(self) -> Iterator[tuple[tuple[str, int], list[int], int]]:
        for where, progress in self.fold.progress.items():
            for attempt in sorted(set(progress.free.values())):
                yield where, sorted(offset for offset, number in progress.free.items() if number == attempt), attempt

    def _due(self, at_ms: int) -> Iterator[tuple[tuple[str, int], list[int], int]]:
        """The tier copies that are due. Only named ones are ever leased, so an orphan is never sent (I10)."""
        due: dict[tuple[str, int], set[int]] = {}
        while self.due and self.due[0][0] <= at_ms:
            _, copy = heapq.heappop(self.due)
            due.setdefault(copy[:2], set()).add(copy.offset)
        for where, offsets in due.items():
            for offset in offsets:
                copy = Position(*where, offset)
                if copy in self.fold.named:
                    # Stays on the heap until it is out: the window of every node may be full now.
                    heapq.heappush(self.due, (at_ms + 1, copy))
            yield where, sorted(o for o in offsets if self._is_leasable(Position(*where, o))), 0

    def _is_leasable(self, copy: Position) -> bool:
        returned = copy.offset in self.fold.progress[copy[:2]].free
        return copy in self.fold.named and copy not in self.fold.out and not returned

    def _live_edge(self, nodes: list[Join], ahead: Loads, where: tuple[str, int]) -> Iterator[Write]:
        """Lease on past the last record, so that a mail of a quiet fleet finds its node already chosen."""
        lo = self.fold.progress[where].next
        while write := next(self._lease(nodes, ahead, where, (lo, lo + self.policy.lease_units), 0), None):
            yield write
            lo += self.policy.lease_units

    def _lease(
        self, nodes: list[Join], loads: Loads, where: tuple[str, int], span: tuple[int, int], attempt: int
    ) -> Iterator[Write]:
        """One lease to the node with the fewest places out in that partition, if its window takes it."""
        join = min(nodes, key=lambda join: loads[(*where, (join.node, join.incarnation))])
        holder = (*where, (join.node, join.incarnation))
        if loads[holder] + span[1] - span[0] > min(join.capacity, self.policy.window_units):
            return
        loads[holder] += span[1] - span[0]
        self.leases_made += 1
        lease = self.epoch << 32 | self.leases_made
        yield Write(Assign(self.epoch, lease, *where, *span, join.node, join.incarnation, attempt))
