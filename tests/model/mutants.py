"""The mutants: which rule each one lacks, and the bounds under which the explorer must show its harm."""

import re
from dataclasses import dataclass, replace

from tests.model.mutated import coordinators, folds, nodes
from tests.model.nodes import Parts
from tests.model.scenarios import (
    ASK,
    CANDIDATES,
    DEFER,
    DOUBT,
    EARLY,
    ECHO,
    FORGET,
    HOLD,
    ORDER,
    ORPHAN,
    PLAIN,
    RESTART,
    REVIEW,
    SETTLE,
    SLOW,
    SPLIT,
    STEAL,
    TAG,
    TAKEOVER,
)
from tests.model.world import Bounds

RULES = {
    "R1": "only the newest epoch's commands count, and one candidate has it",
    "R2": "a lease is for one holder",
    "R3": "fence in its partition, then read, then reassign",
    "R4": "the end needs a durable, unfenced, young INTENT and an unexpired right",
    "R5": "a fence voids permissions, never facts",
    "R6": "doubt ends by a fact or a RESOLVE, and by nothing else",
    "R7": "the tail is free once its holder logged SHRINK",
    "R8": "a new incarnation, behind the fence of the one before",
    "R9": "an incarnation numbers its frames",
    "R10": "state is the fold of the log",
    "claim rule": "the copy is durable, then named, then sent, once",
    "settled": "whom a reported doubt has ended is not written to again",
    "review": "of several decisions about held mail the first counts",
    "CHECKPOINT": "who asks, asks under the number that the peer knows",
    "tag": "every attempt transmits the same, with fields or without",
    "order_key": "one of a key at a time",
    "low watermark": "it passes nothing that is open",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule taken out, and the bounds under which its harm shows."""

    rule: str
    parts: Parts
    bounds: Bounds

    @property
    def name(self) -> str:
        """The mutant class's name, in words."""
        production, mine = Parts(), self.parts
        pairs = [(getattr(mine, part), getattr(production, part)) for part in Parts.__dataclass_fields__]
        kind = next(one for one, known in pairs if one is not known)
        return re.sub("([A-Z])", r" \1", kind.__name__).strip().lower()


MUTANTS = [
    Mutant("R1", Parts(fold=folds.StaleEpochAssigns), TAKEOVER),
    Mutant("R1", Parts(right=nodes.NodeTrustsAnyEpoch), TAKEOVER),
    Mutant("R1", Parts(fold=folds.LosesWhatAVoidAssignSkipped), TAKEOVER),
    Mutant("R1", Parts(coordinator=coordinators.LeadsAlthoughAnotherWon), CANDIDATES),
    Mutant("R2", Parts(right=nodes.NodeTakesLeasesOfOthers), PLAIN),
    Mutant("R2", Parts(fold=folds.FoldLetsAnyoneUseALease, right=nodes.NodeTakesLeasesOfOthers), PLAIN),
    Mutant("R8", Parts(coordinator=coordinators.RejoinsWithoutAFence), RESTART),
    Mutant("R8", Parts(coordinator=coordinators.RejoinsUnderTheSameIncarnation), RESTART),
    Mutant("R3", Parts(fold=folds.FenceLeavesTheLease), PLAIN),
    Mutant("R3", Parts(coordinator=coordinators.ReassignsWithoutAFence), PLAIN),
    Mutant("R3", Parts(coordinator=coordinators.FencesInAnotherPartition), PLAIN),
    Mutant("R4", Parts(attempt=nodes.EndsBeforeTheIntentIsDurable), PLAIN),
    Mutant("R4", Parts(attempt=nodes.EndsWhateverTheCheckSays), DOUBT),
    Mutant("R4", Parts(attempt=nodes.IgnoresThatTheLogRefused), PLAIN),
    Mutant("R4", Parts(right=nodes.IgnoresItsDeadline), DOUBT),
    Mutant("R4", Parts(right=nodes.IgnoresThatItIsFenced), STEAL),
    Mutant("R4", Parts(right=nodes.IgnoresTheAgeOfItsIntent), SLOW),
    Mutant("R4", Parts(attempt=nodes.TriesAgainWithoutAVoid), SLOW),
    Mutant("R5", Parts(fold=folds.FactsAreFenced), PLAIN),
    Mutant("R5", Parts(fold=folds.PermissionsAreNotFenced), EARLY),
    Mutant("R5", Parts(fold=folds.FactsCountBehindAResolution), PLAIN),
    Mutant("R6", Parts(fold=folds.DoubtIsSilentlyFreed), PLAIN),
    Mutant("R6", Parts(fold=folds.DoubtIsForgotten), PLAIN),
    Mutant("R6", Parts(fold=folds.ResolveNeedsNoDoubt, coordinator=coordinators.ResolvesWhatIsNotInDoubt), DOUBT),
    Mutant("R6", Parts(fold=folds.VoidReturnsNothing), PLAIN),
    Mutant("R6", Parts(fold=folds.RetriesUnderTheSameNumber), DOUBT),
    Mutant("R6", Parts(fold=folds.OwnReportIsNoDoubt), DOUBT),
    Mutant("R6", Parts(fold=folds.ResolvesWhateverWasSaid), DOUBT),
    Mutant("R6", Parts(coordinator=coordinators.ResolvesWhatAPersonHolds), HOLD),
    Mutant("R7", Parts(held=nodes.KeepsWhatItGaveBack), STEAL),
    Mutant("R7", Parts(held=nodes.GivesBackWhatItBegan), STEAL),
    Mutant("R7", Parts(coordinator=coordinators.TakesBeforeTheShrink), STEAL),
    Mutant("R7", Parts(fold=folds.ShrinkNeedsNoLease), STEAL),
    Mutant("R9", Parts(fold=folds.RepetitionsCount), ECHO),
    Mutant("R9", Parts(right=nodes.NodeRepeatsNumbers), STEAL),
    Mutant("R10", Parts(coordinator=coordinators.ForgetsTheJournal), TAKEOVER),
    Mutant("R10", Parts(fold=folds.ReadsFramesTwice), PLAIN),
    Mutant("claim rule", Parts(attempt=nodes.NamesTheCopyBeforeItIsDurable), DEFER),
    Mutant("claim rule", Parts(coordinator=coordinators.planning(coordinators.LeasesCopiesThatNobodyNamed)), DEFER),
    Mutant("claim rule", Parts(coordinator=coordinators.planning(coordinators.LeasesADeferredUnitTwice)), DEFER),
    Mutant("claim rule", Parts(fold=folds.FreesWhatATierPassedOver), ORPHAN),
    Mutant("claim rule", Parts(fold=folds.NamesWhatHasEnded), DEFER),
    Mutant("claim rule", Parts(fold=folds.NamesOnlyTheFirstCopy), SPLIT),
    Mutant("claim rule", Parts(attempt=nodes.NamesTheCopyBeforeItIsDurable), SPLIT),
    Mutant("settled", Parts(fold=folds.ForgetsWhoIsSettled), SETTLE),
    Mutant("settled", Parts(fold=folds.FenceForgetsWhoIsSettled), SETTLE),
    Mutant("settled", Parts(fold=folds.IntentForgetsWhoIsSettled), SETTLE),
    Mutant("review", Parts(fold=folds.ReviewsAsOftenAsAsked), REVIEW),
    Mutant("review", Parts(fold=folds.EveryReleaseNamesItsCopy), replace(REVIEW, reviews=2)),
    Mutant("review", Parts(fold=folds.ReviewsWhatAFenceVoided), replace(REVIEW, fences=1, takeovers=0)),
    Mutant("CHECKPOINT", Parts(attempt=nodes.AsksUnderItsOwnNumber), ASK),
    Mutant("CHECKPOINT", Parts(fold=folds.ForgetsWhatItWasToAsk), ASK),
    Mutant("CHECKPOINT", Parts(attempt=nodes.CopyForgetsToAskBehindAnIntent), FORGET),
    Mutant("tag", Parts(tags=nodes.TagsAtOnce), TAG),
    Mutant("tag", Parts(tags=nodes.TagsWhatWasTriedWithout), TAG),
    Mutant("tag", Parts(tags=nodes.AsksTheGateAgainWhatIsTagged), TAG),
    Mutant("order_key", Parts(coordinator=coordinators.planning(coordinators.OrderIsForgotten)), ORDER),
    Mutant("low watermark", Parts(fold=folds.FoldWithALowThatPasses), PLAIN),
]
