"""The production machines with one rule taken out each. The explorer must show the harm of every one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Write
from fastemailnet.flashsync.fold import Fold, Lease, Spot
from fastemailnet.flashsync.node import Release, Right
from fastemailnet.flashsync.unit import Attempt, Effect, Event, IntentLogged, LogCopy, LogOutcome, State
from fastemailnet.outcome import Kind
from tests.model.steps import Parts, Position
from tests.model.world import TIER, Bounds

PLAIN = Bounds(replies=(Kind.RELAYED,))
EARLY = Bounds(replies=(Kind.RELAYED,), early_end=True, verdict=None)
DEFER = Bounds(replies=(Kind.RELAYED, Kind.DEFERRED))
TAKEOVER = Bounds(replies=(Kind.RELAYED,), kills=0, takeovers=1)
RESTART = Bounds(replies=(Kind.RELAYED,), joins=1)
DOUBT = Bounds(kills=0)
HOLD = Bounds(verdict=None)
TWO = Bounds(units=2, kills=0, fences=0, replies=(Kind.RELAYED,), verdict=None, early_end=True)


class StaleEpochAssigns(Fold):
    def is_superseded(self, epoch: int) -> bool:
        return False


class NodeTrustsAnyEpoch(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return (frame.node, frame.incarnation) == (self.node, self.incarnation)


class NodeTakesLeasesOfItsFormerSelf(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return frame.epoch == self.epoch and frame.node == self.node


class FenceLeavesTheLease(Fold):
    def _withdraw(self, lease: Lease, begun: set[Position]) -> None:
        super()._withdraw(lease, begun)
        self.leases[lease.lease], self.left[lease.lease] = lease, 0


class ReassignsWithoutAFence(Coordinator):
    def plan(self, at_ms: int, ends: Mapping[tuple[str, int], int]) -> list[Write]:
        number, join = self.epoch << 32 | 99, self.living()[-1] if self.living() else None
        for lease in self.fold.leases.values():
            if join and number not in self.fold.leases and lease.token[0] != join.node:
                where = (lease.stream, lease.partition, lease.lo, lease.hi)
                return [Write(f.Assign(self.epoch, number, *where, join.node, join.incarnation))]
        return super().plan(at_ms, ends)


class IgnoresThatTheLogRefused(Attempt):
    def step(self, event: Event) -> list[Effect]:
        if self.state is State.INTENT and not isinstance(event, IntentLogged):
            return super().step(IntentLogged(0, Release.GRANTED))
        return super().step(event)


class IgnoresItsDeadline(Right):
    def may_end(self, intent_sent_ms: int, now_ms: int) -> Release:
        return super().may_end(now_ms, self.sent_ms)


class LosesWhatAVoidAssignSkipped(Fold):
    def _assign(self, frame: f.Assign) -> None:
        super()._assign(frame)
        self.progress[frame.stream, frame.partition].free.clear()


class FactsAreFenced(Fold):
    def _fact(self, spot: Spot, frame: f.Outcome) -> bool:
        return not self.is_fenced((frame.node, frame.incarnation)) and super()._fact(spot, frame)


class PermissionsAreNotFenced(Fold):
    def _outcome(self, partition: int, frame: f.Outcome) -> bool:
        if frame.intent != f.NO_INTENT:
            return super()._outcome(partition, frame)
        self._end(Position("mail.standard", 0, frame.offset), frame.kinds, frame.deferral)
        return True


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
    def plan(self, at_ms: int, ends: Mapping[tuple[str, int], int]) -> list[Write]:
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


class NamesTheCopyBeforeItIsDurable(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if LogCopy() in effects:
            self.state = State.ENDING
            return [LogOutcome(self.intent, self.kinds, Position(TIER, 0, 0))]
        return effects


class LeasesCopiesThatNobodyNamed(Coordinator):
    def _due(self, at_ms: int) -> Iterator[tuple[tuple[str, int], list[int], int]]:
        where = (TIER, 0)
        if self.fold.progress[where].next == 0 and self.fold.progress["mail.standard", 0].next:
            yield where, [0], 0


class LeasesADeferredUnitTwice(Coordinator):
    def _is_leasable(self, copy: Position) -> bool:
        return copy in self.fold.named


class ForgetsTheJournal(Coordinator):
    def plan(self, at_ms: int, ends: Mapping[tuple[str, int], int]) -> list[Write]:
        if self.epoch > 1 and self.leases_made == 0:
            join = self.living()[-1]
            return [
                Write(f.Assign(self.epoch, self.epoch << 32, "mail.standard", 0, 0, 1, join.node, join.incarnation))
            ]
        return super().plan(at_ms, ends)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule taken out, and the bounds under which its harm shows."""

    rule: str
    parts: Parts
    bounds: Bounds

    @property
    def name(self) -> str:
        """The mutant class's name."""
        production = Parts()
        mine = (self.parts.fold, self.parts.right, self.parts.attempt, self.parts.coordinator)
        known = (production.fold, production.right, production.attempt, production.coordinator)
        return next(a.__name__ for a, b in zip(mine, known, strict=True) if a is not b)


MUTANTS = [
    Mutant("R1", Parts(fold=StaleEpochAssigns), TAKEOVER),
    Mutant("R1", Parts(right=NodeTrustsAnyEpoch), TAKEOVER),
    Mutant("R1", Parts(fold=LosesWhatAVoidAssignSkipped), TAKEOVER),
    Mutant("R8", Parts(right=NodeTakesLeasesOfItsFormerSelf), RESTART),
    Mutant("R3", Parts(fold=FenceLeavesTheLease), PLAIN),
    Mutant("R3", Parts(coordinator=ReassignsWithoutAFence), PLAIN),
    Mutant("R4", Parts(attempt=IgnoresThatTheLogRefused), PLAIN),
    Mutant("R4", Parts(right=IgnoresItsDeadline), DOUBT),
    Mutant("R5", Parts(fold=FactsAreFenced), PLAIN),
    Mutant("R5", Parts(fold=PermissionsAreNotFenced), EARLY),
    Mutant("R6", Parts(fold=DoubtIsSilentlyFreed), PLAIN),
    Mutant("R6", Parts(fold=DoubtIsForgotten), PLAIN),
    Mutant("R6", Parts(fold=ResolveNeedsNoDoubt, coordinator=ResolvesWhatIsNotInDoubt), DOUBT),
    Mutant("R6", Parts(fold=VoidReturnsNothing), PLAIN),
    Mutant("claim rule", Parts(attempt=NamesTheCopyBeforeItIsDurable), DEFER),
    Mutant("claim rule", Parts(coordinator=LeasesCopiesThatNobodyNamed), DEFER),
    Mutant("claim rule", Parts(coordinator=LeasesADeferredUnitTwice), DEFER),
    Mutant("R10", Parts(coordinator=ForgetsTheJournal), TAKEOVER),
]

SCENARIOS = {
    "kill and suspicion, reply or none, retry": (Bounds(), 400_000),
    "doubt held for a person, early rejection": (Bounds(verdict=None, early_end=True), 400_000),
    "deferral through a tier": (DEFER, 400_000),
    "two coordinators at once": (TAKEOVER, 400_000),
    "a node starts anew": (RESTART, 400_000),
    "two units, two nodes": (TWO, 400_000),
}
SMALL = ["doubt held for a person, early rejection", "two units, two nodes"]
