"""Node machines with one rule taken out each: what an incarnation may hold, begin and end."""

import msgspec

from fastemailnet.delivery.gate import Ruling, Tags, Way
from fastemailnet.envelope import Asked, Position, Suspicion
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.lease import Held
from fastemailnet.flashsync.node import Release, Right, Standing
from fastemailnet.flashsync.unit import (
    AskRelease,
    Attempt,
    Effect,
    Event,
    IntentLogged,
    LogCopy,
    LogIntent,
    LogOutcome,
    State,
)
from tests.model.world import TIER


class NodeTrustsAnyEpoch(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return (frame.node, frame.incarnation) == (self.node, self.incarnation)


class NodeTakesLeasesOfOthers(Right):
    def may_hold(self, frame: f.Assign) -> bool:
        return frame.epoch == self.epoch


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


class IgnoresThatItIsFenced(Right):
    def may_end(self, intent_sent_ms: int, now_ms: int) -> Release:
        self.standing = Standing.HOLDING
        return super().may_end(intent_sent_ms, now_ms)


class IgnoresTheAgeOfItsIntent(Right):
    def may_end(self, intent_sent_ms: int, now_ms: int) -> Release:
        return super().may_end(now_ms, now_ms)


class TriesAgainWithoutAVoid(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if self.state is State.VOIDING:
            self.state = State.LEASED
            return effects[:1]
        return effects


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


class NodeRepeatsNumbers(Right):
    def numbered(self, frame: f.NodeFrame) -> f.NodeFrame:  # type: ignore[override]
        return replace_seq(frame)


def replace_seq(frame: f.NodeFrame) -> f.NodeFrame:
    """The frame as the first of its channel."""
    return msgspec.structs.replace(frame, seq=0)


class NamesTheCopyBeforeItIsDurable(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if effects and isinstance(effects[0], LogCopy):
            self.state = State.ENDING
            return [LogOutcome(self.intent, self.kinds, (Position(TIER, 0, 0),))]
        return effects


class AsksUnderItsOwnNumber(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if effects and isinstance(effects[0], LogIntent):
            return [LogIntent(Asked(self.number, (0,)))]
        return effects

    @property
    def transaction(self) -> int:
        return self.number


class CopyForgetsToAskBehindAnIntent(Attempt):
    def step(self, event: Event) -> list[Effect]:
        effects = super().step(event)
        if effects and isinstance(effects[0], LogCopy) and self.intent != f.NO_INTENT:
            return [LogCopy(None)]
        return effects


class TagsAtOnce(Tags):
    def way(self, ruling: Ruling, suspicion: Suspicion | None, tries: int) -> Way:
        way = super().way(ruling, suspicion, tries)
        return Way.TAGGED if way is Way.MARKED else way


class TagsWhatWasTriedWithout(Tags):
    def way(self, ruling: Ruling, suspicion: Suspicion | None, tries: int) -> Way:
        return super().way(ruling, suspicion, 0)


class AsksTheGateAgainWhatIsTagged(Tags):
    def way(self, ruling: Ruling, suspicion: Suspicion | None, tries: int) -> Way:
        return super().way(ruling, suspicion if ruling is Ruling.TAG else None, tries)
