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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
from fastemailnet.flashsync.grants import Ends, Grants, Where
from fastemailnet.flashsync.lease import Open, Quarantined, Token

JOURNAL_PARTITIONS = 16
MAX_DOUBLINGS = 6  # of the time before a retry


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and policies of the coordinator."""

    beat_timeout_ms: int = 5_000  # silence after which a node is fenced
    lease_units: int = 32  # longest lease
    window_units: int = 512  # places of one partition that one node may have out
    steal_units: int = 8  # a node with so many records waiting shares them with one that has none
    verdicts: Mapping[str, Verdict | None] = field(default_factory=dict)  # per stream of first acceptance; None: hold
    doubt_ms: int = 60_000  # how long evidence is waited for; must exceed node.TTL_MS + node.INTENT_MAX_AGE_MS
    ask_ms: int = 1_000  # how long before a peer that remembers is asked; doubles each time up to doubt_ms

    def patience_ms(self, verdict: Verdict, doubts: int) -> int:
        """How long an attempt is in doubt before the policy decides; ``doubts``: attempts in a row that were, before this one.

        A retry waits twice as long for each, up to an hour where the first waits a minute: a host whose every reply is lost has a
        copy of each, and must not be sent hundreds before the mail expires.
        """
        return self.doubt_ms << min(doubts, MAX_DOUBLINGS) if verdict is Verdict.RETRY else self.doubt_ms


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
            writes += [Write(frame) for frame in self.grants.plan(self.epoch, nodes, at_ms, ends, self._doubted(at_ms))]
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
        for entry in self.fold.in_doubt():
            age_ms, verdict = self._age_ms(entry, at_ms), self._policy_of(entry)
            if entry.asked is not None:
                if age_ms >= min(self.policy.ask_ms << min(entry.times_asked, 30), self.policy.doubt_ms):
                    yield self.resolve(entry, Verdict.ASK, at_ms, "the peer remembers the transaction (RFC 1845)")
            elif verdict is not None and age_ms >= self.policy.patience_ms(verdict, self._doubts_before(entry)):
                yield self.resolve(entry, verdict, at_ms, "policy of the lane")

    def _doubts_before(self, entry: Open) -> int:
        """A place is attempted again after a doubt alone: what is put off or deferred goes on in a copy, at a place of its own."""
        named = self.fold.named.get(entry.place)
        return entry.attempt - (named.attempt if named is not None else 1)

    def _doubted(self, at_ms: int) -> set[Where]:
        """The partitions with a first attempt in doubt that a fact, a VOID or a policy may still end: not only a person.

        First attempts alone: a peer whose every reply is lost must not hold up the others of a key until its mail expires.
        """
        return {
            entry.place[:2]
            for entry in self.fold.in_doubt()
            if entry.attempt == 1 and (self._ends_by_itself(entry) or self._age_ms(entry, at_ms) < self.policy.doubt_ms)
        }

    def _ends_by_itself(self, entry: Open) -> bool:
        return entry.asked is not None or self._policy_of(entry) is not None

    def _policy_of(self, entry: Open) -> Verdict | None:
        return self.policy.verdicts.get(self._accepted_in(entry))

    @staticmethod
    def _age_ms(entry: Open, at_ms: int) -> int:
        assert entry.doubt_ms is not None
        return at_ms - entry.doubt_ms

    def resolve(
        self,
        entry: Open,
        verdict: Verdict,
        at_ms: int,
        reason: str,
        evidence: bytes = b"",
        reports: tuple[bytes, ...] = (),
    ) -> Write:
        """The RESOLVE of one attempt in doubt, for the partition of its INTENT (R6)."""
        frame = Resolve(self.epoch, entry.spot[1], verdict, at_ms, reason, None, evidence, reports)
        return Write(frame, entry.spot[0])

    def review(
        self, entry: Quarantined, verdict: Verdict, at_ms: int, reason: str, deferral: Deferral | None, evidence: bytes
    ) -> Write:
        """The RESOLVE of what is held, for the partition of the OUTCOME that holds it."""
        frame = Resolve(self.epoch, entry.spot[1], verdict, at_ms, reason, deferral, evidence)
        return Write(frame, entry.spot[0])

    def _accepted_in(self, entry: Open) -> str:
        named = self.fold.named.get(entry.place)
        return named.source.stream if named is not None else entry.place.stream

    def _splits(self, nodes: list[Join], ends: Ends) -> Iterator[Write]:
        """R7: where one node has nothing and another has much, ask that one to give back the tail of what it will reach last."""
        self.asked.intersection_update(self.fold.leases)
        for number in self.grants.to_share(nodes, ends, self.policy.steal_units):
            if number not in self.asked:
                self.asked.add(number)
                yield Write(Split(self.epoch, number))
