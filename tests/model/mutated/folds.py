"""Folds with one rule taken out each: what counts, what is in doubt, what is free."""

from dataclasses import replace

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.lease import Lease, Quarantined, Spot
from fastemailnet.flashsync.progress import Again, Progress
from fastemailnet.outcome import Kind


class StaleEpochAssigns(Fold):
    def is_superseded(self, epoch: int) -> bool:
        return False


class LosesWhatAVoidAssignSkipped(Fold):
    def _assign(self, frame: f.Assign) -> None:
        super()._assign(frame)
        self.progress[frame.stream, frame.partition].free.clear()


class FoldLetsAnyoneUseALease(Fold):
    def _permitted(self, frame: f.Intent | f.Outcome) -> Position | None:
        lease = self.leases.get(frame.lease)
        return Position(lease.stream, lease.partition, frame.offset) if lease else None


class FenceLeavesTheLease(Fold):
    def _withdraw(self, lease: Lease) -> None:
        super()._withdraw(lease)
        self.leases[lease.lease], self.left[lease.lease] = lease, set(range(lease.lo, lease.hi))


class FactsAreFenced(Fold):
    def _fact(self, spot: Spot, frame: f.Outcome) -> bool:
        return not self.is_fenced((frame.node, frame.incarnation)) and super()._fact(spot, frame)


class PermissionsAreNotFenced(Fold):
    def _outcome(self, spot: Spot, frame: f.Outcome) -> bool:
        if frame.intent != f.NO_INTENT:
            return super()._outcome(spot, frame)
        self._end(Position("mail.standard", 0, frame.offset), frame.lease, frame.kinds, frame.deferrals)
        return True


class FactsCountBehindAResolution(Fold):
    def _resolve(self, spot: Spot, verdict: f.Verdict) -> bool:
        entry = self.open.get(spot)
        done = super()._resolve(spot, verdict)
        if done and entry is not None:
            self.open[spot] = entry
        return done


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
        super()._free(place, lease, again._replace(attempt=0))


class OwnReportIsNoDoubt(Fold):
    def _fact(self, spot: Spot, frame: f.Outcome) -> bool:
        if Kind.IN_DOUBT in frame.kinds and (entry := self.open.get(spot)):
            self._close(spot)
            self._free(entry.place, entry.lease, Again(entry.attempt + 1))
            return True
        return super()._fact(spot, frame)


class ShrinkNeedsNoLease(Fold):
    def _shrink(self, frame: f.Shrink) -> bool:
        done = super()._shrink(frame)
        progress = self.progress["mail.standard", 0]
        for offset in progress.open_in(frame.at, progress.next):
            progress.give_back(offset)
        return done


class RepetitionsCount(Fold):
    def is_repeated(self, frame: f.NodeFrame) -> bool:
        return False


class ReadsFramesTwice(Fold):
    def apply_journal(self, partition: int, position: int, frame: f.JournalFrame) -> bool:
        self.read.pop(partition, None)
        self.numbers.clear()
        return super().apply_journal(partition, position, frame)


class FreesWhatATierPassedOver(Fold):
    def _assign(self, frame: f.Assign) -> None:
        super()._assign(frame)
        progress = self.progress[frame.stream, frame.partition]
        for offset in progress.skipped:
            progress.free[offset] = Again()


class NamesWhatHasEnded(Fold):
    def _end(self, place: Position, lease: int, kinds: tuple[Kind, ...], deferrals: tuple[f.Deferral, ...]) -> None:
        super()._end(place, lease, kinds, deferrals)
        self.named.update((deferral.copy, deferral) for deferral in deferrals)


class ForgetsWhatItWasToAsk(Fold):
    def _resolve(self, spot: Spot, verdict: f.Verdict) -> bool:
        return super()._resolve(spot, f.Verdict.RETRY if verdict is f.Verdict.ASK else verdict)


class ForgetsWhoIsSettled(Fold):
    def _free(self, place: Position, lease: int, again: Again) -> None:
        super()._free(place, lease, again._replace(settled=()))


class FenceForgetsWhoIsSettled(Fold):
    def _withdraw(self, lease: Lease) -> None:
        super()._withdraw(replace(lease, settled=()))


class IntentForgetsWhoIsSettled(Fold):
    def _intent(self, spot: Spot, frame: f.Intent) -> bool:
        done = super()._intent(spot, frame)
        if done:
            self.open[spot] = replace(self.open[spot], kinds=(Kind.IN_DOUBT,) * len(frame.recipients))
        return done


class ReviewsAsOftenAsAsked(Fold):
    def _review(self, spot: Spot, frame: f.Resolve) -> bool:
        entry = self.held.get(spot)
        done = super()._review(spot, frame)
        if done and entry is not None:
            self.held[spot] = entry
        return done


class EveryReleaseNamesItsCopy(Fold):
    def _review(self, spot: Spot, frame: f.Resolve) -> bool:
        done = super()._review(spot, frame)
        if not done:
            self._name(frame.deferrals)
        return done


class ReviewsWhatAFenceVoided(Fold):
    def _outcome(self, spot: Spot, frame: f.Outcome) -> bool:
        done = super()._outcome(spot, frame)
        if Kind.HELD in frame.kinds:
            place = Position("mail.standard", 0, frame.offset)
            self.held[spot] = Quarantined(place, frame.attempt, spot, frame.kinds, frame.at_ms)
        return done


class LowPassesWhatIsOpen(Progress):
    @property
    def low(self) -> int:
        return self.next


class FoldWithALowThatPasses(Fold):
    def __init__(self) -> None:
        super().__init__()
        self.progress.default_factory = LowPassesWhatIsOpen


class NamesOnlyTheFirstCopy(Fold):
    def _end(self, place: Position, lease: int, kinds: tuple[Kind, ...], deferrals: tuple[f.Deferral, ...]) -> None:
        super()._end(place, lease, kinds, deferrals[:1])


class ResolvesWhateverWasSaid(Fold):
    def is_overtaken(self, spot: Spot, frame: f.Resolve) -> bool:
        return False
