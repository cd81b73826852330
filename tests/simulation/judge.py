"""What must hold while a world runs and behind it, judged from the streams and from what the host has.

The numbers are those of docs/flashsync.md.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastemailnet import ids
from fastemailnet.envelope import Position, is_ordered
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from fastemailnet.outcome import Kind
from tests.model.invariants import disjoint, doubts, low
from tests.model.world import Streams
from tests.simulation.clock import MS
from tests.simulation.worker import INTENT_AGE_MS

if TYPE_CHECKING:
    from tests.simulation.job import Job
    from tests.simulation.world import World


class Judge:
    """Collects what broke."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.broken: list[str] = []
        self.ends: dict[tuple[Position, str, int], int] = {}  # source, destination, attempt → when its end was written
        self.begun: Counter[str] = Counter()  # ordered stream → offset behind the newest unit that was begun

    def end_written(self, job: "Job") -> None:
        """The end of a message leaves in this moment (I1, I3, I4, I14, I17)."""
        what = f"end of {job.source} attempt {job.attempt} by {job.owner.right.node}.{job.owner.right.incarnation}"
        if self.world.trace is not None:
            self.world.say(f"{job.process.name}: {what}")
        if (job.source, job.unit.domain, job.attempt) in self.ends:
            self.broken.append(f"I1 {what}: the second of this attempt")
        self.ends[job.source, job.unit.domain, job.attempt] = self.world.clock.now
        journal = self.world.store.partitions[f.JOURNAL, job.owner.slot]
        spot = job.machine.intent
        intent = journal[spot]
        if not isinstance(intent, f.Intent) or (intent.lease, intent.offset) != (job.lease.lease, job.place.offset):
            self.broken.append(f"I3 {what}: no INTENT of its own at {spot}")
        elif self.world.clock.now_ms - intent.at_ms >= INTENT_AGE_MS:
            self.broken.append(f"I14 {what}: its INTENT is too old")
        elif intent.at_ms >= job.unit.expires_ms:
            self.broken.append(f"I17 {what}: the unit had expired before its INTENT")
        token = (job.owner.right.node, job.owner.right.incarnation)
        if any(isinstance(x, f.Fence) and (x.node, x.incarnation) == token for x in journal[:spot]):
            self.broken.append(f"I4 {what}: the incarnation was fenced before its INTENT")
        resolved = [x for x in journal[spot:] if isinstance(x, f.Resolve) and x.intent == spot]
        if any(x.verdict is not f.Verdict.ASK for x in resolved):
            self.broken.append(f"I1 {what}: it was resolved before")
        if is_ordered(job.source.stream) and job.attempt == 1:
            if job.source.offset < self.begun[job.source.stream] and not self._waited_for_a_person(job):
                self.broken.append(f"order: {what} behind a later unit of its key")
            self.begun[job.source.stream] = max(self.begun[job.source.stream], job.source.offset + 1)

    def _waited_for_a_person(self, job: "Job") -> bool:
        """Whether an earlier INTENT of this attempt was in doubt, under ``hold``, for so long that a later unit might pass."""
        store, source = self.world.store, job.source
        later = [
            at for (place, *_), at in self.ends.items() if place[:2] == source[:2] and place.offset > source.offset
        ]
        for stream, slot in [where for where in store.partitions if where[0] == f.JOURNAL]:
            journal = store.read((stream, slot), 0)
            for spot, intent in enumerate(journal):
                if isinstance(intent, f.Intent) and (intent.message, intent.attempt) == (job.unit.message, 1):
                    doubts = [x.at_ms for x in journal[spot:] if _doubts(x, intent, spot)]
                    if doubts and min(later) // MS - min(doubts) >= self.world.policy.doubt_ms:
                        return True
        return False

    # ---- behind the run

    def verdict(self) -> list[str]:
        """Everything that broke."""
        return [*self.broken, *self._behind()]

    def _behind(self) -> Iterator[str]:
        store = self.world.store
        control = store.read((f.CONTROL, 0), 0)
        slots = sorted(partition for stream, partition in store.partitions if stream == f.JOURNAL)
        journals = tuple(tuple(store.read((f.JOURNAL, slot), 0)) for slot in range(max(slots, default=-1) + 1))
        fold, outcomes, resolved = read(control, journals)
        yield from (f"alarm: {text}" for text in fold.alarms)
        if snapshotted(control, journals).key() != fold.key():
            yield "I11 the fold over a snapshot differs from the fold of the whole"
        yield from disjoint(fold)
        yield from doubts(Streams(tuple(control), journals), fold)
        yield from low(fold)
        yield from self._accepted()
        yield from self._conserved(fold)
        yield from self._delivered(fold, outcomes, resolved)

    def _accepted(self) -> Iterator[str]:
        """I12: one unit for each key, and for each mail of which a customer was told so."""
        units = Counter(unit.idempotency_key for where in self.world.mail for unit in self.world.store.read(where, 0))
        for customer in self.world.customers:
            count = units[f"k{customer.mail.number}"]
            if count > 1 or (customer.is_answered and not count):
                yield f"I12 the key of mail {customer.mail.number} has {count} units"

    def _conserved(self, fold: Fold) -> Iterator[str]:
        """I2, I8: every recipient is in exactly one class, and nothing is left open."""
        world = self.world
        accepted = sum(len(unit.recipients) for where in world.mail for unit in world.store.read(where, 0))
        doubt = {entry.place: len(entry.kinds) for entry in fold.in_doubt()}
        waiting = sum(d.recipients for copy, d in fold.named.items() if copy not in doubt)
        total = (
            sum(fold.ended.values())
            + waiting
            + sum(doubt.values())
            + sum(entry.recipients for entry in fold.held.values())
        )
        if total != accepted:
            left = sorted(
                f"{where[0]}/{where[1]}@{offset}"
                for where in world.mail
                for offset in range(world.store.end(where))
                if not fold.progress[where].is_done(offset) and (*where, offset) not in doubt
            )
            yield f"I2/I8 {accepted} accepted, {total} accounted for: {dict(fold.ended)}, {waiting} deferred, open {', '.join(left)}"

    def _delivered(
        self, fold: Fold, outcomes: dict[tuple[bytes, int], list[Kind]], resolved: set[bytes]
    ) -> Iterator[str]:
        """Nothing that was relayed is lost, and no second copy is without a recorded reason."""
        world = self.world
        units = [unit for where in world.mail for unit in world.store.read(where, 0)]
        for unit in units:
            for recipient in unit.recipients:
                copies = world.host.copies.get((ids.to_text(unit.message), recipient.address), 0)
                kinds = outcomes.get((unit.message, recipient.index), [])
                name = f"{ids.to_text(unit.message)} to {recipient.address}"
                if Kind.RELAYED in kinds and not copies:
                    yield f"lost: {name} is relayed by a fact, and the host has none"
                if copies > 1 and (world.host.remembers or unit.message not in resolved):
                    yield f"I1 {name} has {copies} copies, and no RESOLVE allowed another"
        for delivery, bodies in world.host.bodies.items():
            if len(bodies) > 1:
                yield f"I18 {delivery} has copies with different contents"


def _doubts(frame: Any, intent: f.Intent, spot: int) -> bool:
    """Whether a frame behind an INTENT puts it in doubt."""
    if isinstance(frame, f.Fence):
        return (frame.node, frame.incarnation) == (intent.node, intent.incarnation)
    return isinstance(frame, f.Outcome) and frame.intent == spot and Kind.IN_DOUBT in frame.kinds


def read(control: list[Any], journals: tuple[tuple[Any, ...], ...]) -> tuple[Fold, dict[Any, list[Kind]], set[bytes]]:
    """The fold, what facts say of each recipient, and the messages that a RESOLVE let be sent again."""
    fold = Fold()
    for frame in control:
        fold.apply_control(frame)
    outcomes: dict[Any, list[Kind]] = {}
    resolved: set[bytes] = set()
    for partition, journal in enumerate(journals):
        for position, frame in enumerate(journal):
            entry = fold.open.get((partition, frame.intent)) if isinstance(frame, f.Outcome | f.Resolve) else None
            counted = fold.apply_journal(partition, position, frame)
            if not counted or entry is None:
                continue
            intent = journals[entry.spot[0]][entry.spot[1]]
            if isinstance(frame, f.Resolve) and frame.verdict is f.Verdict.RETRY:
                resolved.add(intent.message)
            elif isinstance(frame, f.Outcome):
                for index, kind in zip(intent.recipients, frame.kinds, strict=True):
                    outcomes.setdefault((intent.message, index), []).append(kind)
    return fold, outcomes, resolved


def snapshotted(control: list[Any], journals: tuple[tuple[Any, ...], ...]) -> Fold:
    """The fold of a reader that stopped half-way at a snapshot."""
    fold = Fold()
    for frame in control:
        fold.apply_control(frame)
    for partition, journal in enumerate(journals):
        for position, frame in enumerate(journal[: len(journal) // 2]):
            fold.apply_journal(partition, position, frame)
    fold, _ = decode_snapshot(encode_snapshot(fold, len(control)))
    for partition, journal in enumerate(journals):
        for position, frame in enumerate(journal):
            fold.apply_journal(partition, position, frame)
    return fold


def classes(fold: Fold) -> Counter[str]:
    """Ended deliveries by class, for people."""
    return Counter({kind.value: count for kind, count in fold.ended.items()})
