"""The production machines with one rule taken out each. The explorer must show the harm of every one of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastemailnet.envelope import Asked
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Write
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.grants import Ends, Grants, Loads, Where
from fastemailnet.flashsync.lease import Held, Lease, Spot
from fastemailnet.flashsync.node import Release, Right
from fastemailnet.flashsync.progress import Again, Progress
from fastemailnet.flashsync.unit import AskRelease, Attempt, Effect, Event, IntentLogged, LogCopy, LogIntent, LogOutcome, State
from fastemailnet.outcome import Kind
from tests.model.nodes import Parts
from tests.model.scenarios import ASK, DEFER, DOUBT, EARLY, ECHO, HOLD, ORDER, ORPHAN, PLAIN, RESTART, SLOW, STEAL, TAKEOVER
from tests.model.world import TIER, Bounds, Position

# ---- R1 epochs


class StaleEpochAssigns(Fold):
    def is_superseded(self, epoch: int) -> bool:
        return False


class NodeTrustsAnyEpoch(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return (frame.node, frame.incarnation) == (self.node, self.incarnation)


class LosesWhatAVoidAssignSkipped(Fold):
    def _assign(self, frame: f.Assign) -> None:
        super()._assign(frame)
        self.progress[frame.stream, frame.partition].free.clear()


# ---- R2, R8 who holds a lease


class NodeTakesLeasesOfOthers(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return frame.epoch == self.epoch


class FoldLetsAnyoneUseALease(Fold):
    def _permitted(self, frame: f.Intent | f.Outcome) -> Position | None:
        lease = self.leases.get(frame.lease)
        return Position(lease.stream, lease.partition, frame.offset) if lease else None


class RejoinsWithoutAFence(Coordinator):
    def admit(self, node: str, capacity: int, at_ms: int) -> list[Write]:
        return super().admit(node, capacity, at_ms)[-1:]

    def living(self) -> list[f.Join]:
        return list(self.fold.members.values())


class RejoinsUnderTheSameIncarnation(Coordinator):
    def admit(self, node: str, capacity: int, at_ms: int) -> list[Write]:
        old = self.fold.members[node]
        return [Write(f.Join(self.epoch, node, old.incarnation, old.slot, capacity))]


# ---- R3 fence, then read


class FenceLeavesTheLease(Fold):
    def _withdraw(self, lease: Lease) -> None:
        super()._withdraw(lease)
        self.leases[lease.lease], self.left[lease.lease] = lease, 0


class ReassignsWithoutAFence(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        number, join = self.epoch << 32 | 99, self.living()[-1] if self.living() else None
        for lease in self.fold.leases.values():
            if join and number not in self.fold.leases and lease.token[0] != join.node:
                where = (lease.stream, lease.partition, lease.lo, lease.hi)
                return [Write(f.Assign(self.epoch, number, *where, join.node, join.incarnation))]
        return super().plan(at_ms, ends)


class FencesInAnotherPartition(Coordinator):
    def fence(self, join: f.Join, at_ms: int, reason: str) -> Write:
        return replace(super().fence(join, at_ms, reason), partition=1 - join.slot)


# ---- R4 the point of no return


class EndsBeforeTheIntentIsDurable(Attempt):
    def step(self, event: Event) -> list[Effect]:
        if isinstance(event, AskRelease):
            super().step(event)
            return super().step(IntentLogged(0, Release.GRANTED))
        return super().step(event)


class EndsWhateverTheCheckSays(Attempt):
    def step(self, event: Event) -> list[Effect]:
        if isinstance(event, IntentLogged):
            return super().step(IntentLogged(event.position, Release.GRANTED))
        return super().step(event)


class IgnoresThatTheLogRefused(Attempt):
    def step(self, event: Event) -> list[Effect]:
        if self.state is State.INTENT and not isinstance(event, IntentLogged):
            return super().step(IntentLogged(0, Release.GRANTED))
        return super().step(event)


class IgnoresItsDeadline(Right):
    def may_end(self, intent_sent_ms: int, now_ms: int) -> Release:
        return super().may_end(now_ms, self.sent_ms)


class TriesAgainWithoutAVoid(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if self.state is State.VOIDING:
            self.state = State.LEASED
            return effects[:1]
        return effects


# ---- R5 facts and permissions


class FactsAreFenced(Fold):
    def _fact(self, spot: Spot, frame: f.Outcome) -> bool:
        return not self.is_fenced((frame.node, frame.incarnation)) and super()._fact(spot, frame)


class PermissionsAreNotFenced(Fold):
    def _outcome(self, partition: int, frame: f.Outcome) -> bool:
        if frame.intent != f.NO_INTENT:
            return super()._outcome(partition, frame)
        self._end(Position("mail.standard", 0, frame.offset), frame.kinds, frame.deferral)
        return True


class FactsCountBehindAResolution(Fold):
    def _resolve(self, spot: Spot, verdict: f.Verdict) -> bool:
        entry = self.open.get(spot)
        done = super()._resolve(spot, verdict)
        if done and entry is not None:
            self.open[spot] = entry
        return done


# ---- R6 doubt


class DoubtIsSilentlyFreed(Fold):
    def _fence(self, frame: f.Fence) -> bool:
        token = (frame.node, frame.incarnation)
        for spot in [spot for spot, entry in self.open.items() if entry.token == token]:
            self._close(spot)
        return super()._fence(frame)


class DoubtIsForgotten(Fold):
    def _fence(self, frame: f.Fence) -> bool:
        done = super()._fence(frame)
        for spot, entry in list(self.open.items()):
            if entry.token == (frame.node, frame.incarnation):
                self.open[spot] = replace(entry, doubt_ms=None)
        return done


class ResolvesWhatIsNotInDoubt(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        undecided = [x for x in self.fold.open.values() if x.doubt_ms is None]
        return [self.resolve(x, f.Verdict.RETRY, 0, "eager") for x in undecided] or super().plan(at_ms, ends)


class ResolveNeedsNoDoubt(Fold):
    def _resolve(self, spot: Spot, verdict: f.Verdict) -> bool:
        if spot in self.open and self.open[spot].doubt_ms is None:
            self.open[spot] = replace(self.open[spot], doubt_ms=0)
        return super()._resolve(spot, verdict)


class VoidReturnsNothing(Fold):
    def _void(self, spot: Spot) -> bool:
        return spot in self.open and bool(self._close(spot))


class RetriesUnderTheSameNumber(Fold):
    def _free(self, place: Position, lease: int, again: Again) -> None:
        super()._free(place, lease, Again(0, again.asked))


class OwnReportIsNoDoubt(Fold):
    def _fact(self, spot: Spot, frame: f.Outcome) -> bool:
        if Kind.IN_DOUBT in frame.kinds and (entry := self.open.get(spot)):
            self._close(spot)
            self._free(entry.place, entry.lease, Again(entry.attempt + 1))
            return True
        return super()._fact(spot, frame)


class ResolvesWhatAPersonHolds(Coordinator):
    def _resolutions(self, at_ms: int) -> Iterator[Write]:
        for entry in self.fold.in_doubt():
            yield self.resolve(entry, f.Verdict.ASK, at_ms, "without a peer that remembers")


# ---- R7 stealing


class KeepsWhatItGaveBack(Held):
    def split(self, number: int) -> int | None:
        for queue in self.ranges.values():
            for lease in queue:
                if lease.lease == number:
                    return (lease.lo + lease.hi) // 2
        return None


class GivesBackWhatItBegan(Held):
    def split(self, number: int) -> int | None:
        at = super().split(number)
        return None if at is None else max(0, at - 1)


class TakesBeforeTheShrink(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        writes = []
        for write in super().plan(at_ms, ends):
            writes.append(write)
            if isinstance(write.frame, f.Split):
                lease = self.fold.leases[write.frame.lease]
                join = next(x for x in self.living() if x.node != lease.token[0])
                span = (lease.hi - 1, lease.hi)
                number = self.epoch << 32 | 99
                writes.append(
                    Write(f.Assign(self.epoch, number, lease.stream, 0, *span, join.node, join.incarnation))
                )
        return writes


class ShrinkNeedsNoLease(Fold):
    def _shrink(self, frame: f.Shrink) -> bool:
        done = super()._shrink(frame)
        progress = self.progress["mail.standard", 0]
        for offset in progress.open_in(frame.at, progress.next):
            progress.give_back(offset)
        return done


# ---- R9 numbers


class RepetitionsCount(Fold):
    def is_repeated(self, frame: f.NodeFrame) -> bool:
        return False


class NodeRepeatsNumbers(Right):
    def numbered(self, frame: f.NodeFrame) -> f.NodeFrame:  # type: ignore[override]
        return replace_seq(frame)


def replace_seq(frame: f.NodeFrame) -> f.NodeFrame:
    """The frame as the first of its channel."""
    import msgspec

    return msgspec.structs.replace(frame, seq=0)


# ---- R10 recovery by the log only


class ForgetsTheJournal(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        if self.epoch > 1 and self.grants.made == 0:
            join = self.living()[-1]
            return [
                Write(f.Assign(self.epoch, self.epoch << 32, "mail.standard", 0, 0, 1, join.node, join.incarnation))
            ]
        return super().plan(at_ms, ends)


class ReadsFramesTwice(Fold):
    def apply_journal(self, partition: int, position: int, frame: f.JournalFrame) -> bool:
        self.read.pop(partition, None)
        self.numbers.clear()
        return super().apply_journal(partition, position, frame)


# ---- claim rule


class NamesTheCopyBeforeItIsDurable(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if effects and isinstance(effects[0], LogCopy):
            self.state = State.ENDING
            return [LogOutcome(self.intent, self.kinds, Position(TIER, 0, 0))]
        return effects


class LeasesCopiesThatNobodyNamed(Grants):
    def _is_leasable(self, copy: Position) -> bool:
        return True

    def _lease_due(
        self, epoch: int, nodes: list[f.Join], loads: Loads, where: Where, at_ms: int
    ) -> Iterator[f.Assign]:
        yield from super()._lease_due(epoch, nodes, loads, where, at_ms)

    def plan(self, epoch: int, nodes: list[f.Join], at_ms: int, ends: Ends) -> Iterator[f.Assign]:
        if self.fold.progress[TIER, 0].next == 0 and self.fold.progress["mail.standard", 0].next:
            self.due = {(TIER, 0): [(0, 0)]}
        return super().plan(epoch, nodes, at_ms, ends)


class LeasesADeferredUnitTwice(Grants):
    def _is_leasable(self, copy: Position) -> bool:
        return copy in self.fold.named


class FreesWhatATierPassedOver(Fold):
    def _assign(self, frame: f.Assign) -> None:
        super()._assign(frame)
        progress = self.progress[frame.stream, frame.partition]
        for offset in progress.skipped:
            progress.free[offset] = Again()


class NamesWhatHasEnded(Fold):
    def _end(self, place: Position, kinds: tuple[Kind, ...], deferral: f.Deferral | None) -> None:
        super()._end(place, kinds, deferral)
        if deferral is not None:
            self.named[deferral.copy] = deferral


# ---- CHECKPOINT


class AsksUnderItsOwnNumber(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if effects and isinstance(effects[0], LogIntent):
            return [LogIntent(Asked(self.number, (0,)))]
        return effects

    @property
    def transaction(self) -> int:
        return self.number


class ForgetsWhatItWasToAsk(Fold):
    def _resolve(self, spot: Spot, verdict: f.Verdict) -> bool:
        return super()._resolve(spot, f.Verdict.RETRY if verdict is f.Verdict.ASK else verdict)


# ---- order_key and the low watermark


class OrderIsForgotten(Grants):
    def _next_in_order(
        self, epoch: int, nodes: list[f.Join], ahead: Loads, where: Where, end: int
    ) -> Iterator[f.Assign]:
        return self._live_edge(epoch, nodes, ahead, where)


class LowPassesWhatIsOpen(Progress):
    @property
    def low(self) -> int:
        return self.next


class FoldWithALowThatPasses(Fold):
    def __init__(self) -> None:
        super().__init__()
        self.progress.default_factory = LowPassesWhatIsOpen


def planning(kind: type[Grants]) -> type[Coordinator]:
    """A coordinator that grants by a mutant."""

    class Mutated(Coordinator):
        def __init__(self, policy: object, fold: Fold | None = None) -> None:
            super().__init__(policy, fold)  # type: ignore[arg-type]
            self.grants = kind(self.fold, self.policy.lease_units, self.policy.window_units)

    Mutated.__name__ = kind.__name__
    return Mutated


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule taken out, and the bounds under which its harm shows."""

    rule: str
    parts: Parts
    bounds: Bounds

    @property
    def name(self) -> str:
        """The mutant class's name."""
        production, mine = Parts(), self.parts
        pairs = [(getattr(mine, part), getattr(production, part)) for part in Parts.__dataclass_fields__]
        return next(one.__name__ for one, known in pairs if one is not known)


MUTANTS = [
    Mutant("R1", Parts(fold=StaleEpochAssigns), TAKEOVER),
    Mutant("R1", Parts(right=NodeTrustsAnyEpoch), TAKEOVER),
    Mutant("R1", Parts(fold=LosesWhatAVoidAssignSkipped), TAKEOVER),
    Mutant("R2", Parts(right=NodeTakesLeasesOfOthers), PLAIN),
    Mutant("R2", Parts(fold=FoldLetsAnyoneUseALease, right=NodeTakesLeasesOfOthers), PLAIN),
    Mutant("R8", Parts(coordinator=RejoinsWithoutAFence), RESTART),
    Mutant("R8", Parts(coordinator=RejoinsUnderTheSameIncarnation), RESTART),
    Mutant("R3", Parts(fold=FenceLeavesTheLease), PLAIN),
    Mutant("R3", Parts(coordinator=ReassignsWithoutAFence), PLAIN),
    Mutant("R3", Parts(coordinator=FencesInAnotherPartition), PLAIN),
    Mutant("R4", Parts(attempt=EndsBeforeTheIntentIsDurable), PLAIN),
    Mutant("R4", Parts(attempt=EndsWhateverTheCheckSays), DOUBT),
    Mutant("R4", Parts(attempt=IgnoresThatTheLogRefused), PLAIN),
    Mutant("R4", Parts(right=IgnoresItsDeadline), DOUBT),
    Mutant("R4", Parts(attempt=TriesAgainWithoutAVoid), SLOW),
    Mutant("R5", Parts(fold=FactsAreFenced), PLAIN),
    Mutant("R5", Parts(fold=PermissionsAreNotFenced), EARLY),
    Mutant("R5", Parts(fold=FactsCountBehindAResolution), PLAIN),
    Mutant("R6", Parts(fold=DoubtIsSilentlyFreed), PLAIN),
    Mutant("R6", Parts(fold=DoubtIsForgotten), PLAIN),
    Mutant("R6", Parts(fold=ResolveNeedsNoDoubt, coordinator=ResolvesWhatIsNotInDoubt), DOUBT),
    Mutant("R6", Parts(fold=VoidReturnsNothing), PLAIN),
    Mutant("R6", Parts(fold=RetriesUnderTheSameNumber), DOUBT),
    Mutant("R6", Parts(fold=OwnReportIsNoDoubt), DOUBT),
    Mutant("R6", Parts(coordinator=ResolvesWhatAPersonHolds), HOLD),
    Mutant("R7", Parts(held=KeepsWhatItGaveBack), STEAL),
    Mutant("R7", Parts(held=GivesBackWhatItBegan), STEAL),
    Mutant("R7", Parts(coordinator=TakesBeforeTheShrink), STEAL),
    Mutant("R7", Parts(fold=ShrinkNeedsNoLease), STEAL),
    Mutant("R9", Parts(fold=RepetitionsCount), ECHO),
    Mutant("R9", Parts(right=NodeRepeatsNumbers), STEAL),
    Mutant("R10", Parts(coordinator=ForgetsTheJournal), TAKEOVER),
    Mutant("R10", Parts(fold=ReadsFramesTwice), PLAIN),
    Mutant("claim rule", Parts(attempt=NamesTheCopyBeforeItIsDurable), DEFER),
    Mutant("claim rule", Parts(coordinator=planning(LeasesCopiesThatNobodyNamed)), DEFER),
    Mutant("claim rule", Parts(coordinator=planning(LeasesADeferredUnitTwice)), DEFER),
    Mutant("claim rule", Parts(fold=FreesWhatATierPassedOver), ORPHAN),
    Mutant("claim rule", Parts(fold=NamesWhatHasEnded), DEFER),
    Mutant("CHECKPOINT", Parts(attempt=AsksUnderItsOwnNumber), ASK),
    Mutant("CHECKPOINT", Parts(fold=ForgetsWhatItWasToAsk), ASK),
    Mutant("order_key", Parts(coordinator=planning(OrderIsForgotten)), ORDER),
    Mutant("low watermark", Parts(fold=FoldWithALowThatPasses), PLAIN),
]
