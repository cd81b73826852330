"""One attempt of one unit in a node process: the production machines of the unit and of the session, and what goes between."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from fastemailnet import ids
from fastemailnet.delivery.retry import Retry, Schedule, next_try
from fastemailnet.delivery.split import by_destination
from fastemailnet.envelope import SEVERAL, Asked, Position, Unit
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync import unit as u
from fastemailnet.flashsync.lease import Lease
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.classify import Phase, by_silence
from fastemailnet.smtp.exchange import (
    AskRelease,
    Await,
    Effect,
    Lost,
    Released,
    Replied,
    Settled,
    Start,
    Transaction,
    Withheld,
    Write,
)
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import ReplyParser
from fastemailnet.smtp.session import Session
from tests.simulation.clock import MS, SECOND
from tests.simulation.peer import Connection, Harm
from tests.simulation.worker import Incarnation

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN = 200 * MS
ISOLATE_STRIKES = 2
TIERS = (("defer.1m", 2_000), ("defer.5m", 3_000), ("defer.20m", 4_000))  # time that passes idly shows nothing


class Job:
    """The state of one attempt."""

    def __init__(self, owner: Incarnation, lease: Lease, place: Position, unit: Unit) -> None:
        self.owner, self.lease, self.place, self.unit = owner, lease, place, unit
        self.process = owner.process
        self.world: World = owner.world
        self.attempt = lease.attempt or unit.attempt
        self.source = unit.source or place
        self.machine = u.Attempt(number=self.attempt, asked=lease.asked or unit.asked, expires_ms=unit.expires_ms)
        self.session: Session | None = None
        self.parser = ReplyParser()
        self.connection: Connection | None = None
        self.settled: Settled | None = None
        self.is_asking = False
        self.deadline = 0
        self.process.later(1 * MS + self.world.random.randrange(4 * MS), self.examine)

    @property
    def who(self) -> tuple[int, int, int, str, int]:
        """How every frame of this attempt begins."""
        right = self.owner.right
        return self.lease.lease, self.place.offset, self.attempt, right.node, right.incarnation

    def examine(self) -> None:
        """Look into the message; a poisonous one kills the process that does."""
        if self.machine.is_expired(self.process.clock.now_ms):
            self.end_all(Kind.EXPIRED)
        elif self.unit.domain == SEVERAL:
            self.record(by_destination(self.unit, self.process.clock.now_ms))
        elif self.world.is_poison(self.unit):
            if self.lease.strikes < ISOLATE_STRIKES:
                self.world.say(f"{self.process.name} dies over {self.place}")
                self.world.crash(self.process, blamed=self.place)
            else:
                self.end_all(Kind.DEAD)
        elif self.world.is_spam(self.unit):
            self.end_all(Kind.REJECTED)
        else:
            self.deliver()

    def end_all(self, kind: Kind) -> None:
        """The same outcome for every recipient, before the point of no return."""
        self.end([Outcome(recipient.index, kind, "") for recipient in self.unit.recipients])

    # ---- the transaction

    def deliver(self) -> None:
        """Connect and begin."""
        if not self.owner.holds:
            self.owner.finished(self.place)
            return
        harm = self.world.harm(self.unit)
        if harm is Harm.REFUSE:
            self.end([by_silence(r.index, Phase.CONNECT, "refused") for r in self.unit.recipients])
            return
        self.connection = Connection(self.world.host, harm, self.world.network_delay())
        self.connection.client = self
        self.parser, self.settled = ReplyParser(), None
        offers = self.world.host.offers
        capabilities = Capabilities("PIPELINING" in offers, "CHUNKING" in offers, checkpoint=self.world.host.remembers)
        asked = self.machine.asked
        transid = ids.transaction_id(self.unit.message, self.unit.recipients[0].index, self.machine.transaction, "fen")
        reached = asked.reached if asked else ()
        what = Transaction("a@fen.example", self.unit.recipients, self.unit.body, transid=transid, reached=reached)
        self.session = Session(what, capabilities)
        self.perform(self.session.step(Start()))

    def perform(self, effects: list[Effect]) -> None:
        """What the session wants."""
        assert self.connection is not None
        for effect in effects:
            match effect:
                case Write(octets):
                    self.world.clock.after(self.connection.delay, self.connection.receive, octets)
                case Await(seconds):
                    self.deadline = self.process.clock.now + int(seconds * SECOND)
                    self.process.later(int(seconds * SECOND), self.timed_out, self.deadline)
                case AskRelease(reaches):
                    self.deadline = 0
                    self.is_asking = True
                    if self.connection.harm is Harm.RESET_BEFORE:
                        self.connection.drop()
                    self.release(reaches)
                case Settled():
                    self.settled = effect
                    self.deadline = 0
        if self.settled is not None and not self.is_asking:
            self.over(self.settled)

    def heard(self, octets: bytes) -> None:
        """Octets of the peer reach this machine."""
        self.process.later(0, self._heard, self.session, octets)

    def lost(self, failure: str) -> None:
        """The connection ended."""
        self.process.later(0, self._lost, self.session, failure)

    def timed_out(self, deadline: int) -> None:
        """No reply in time."""
        if deadline == self.deadline:
            self._lost(self.session, "time-out")

    def _heard(self, session: Session, octets: bytes) -> None:
        if session is self.session and self.settled is None:
            for reply in self.parser.feed(octets):
                if self.settled is None:
                    self.deadline = 0
                    self.perform(session.step(Replied(reply)))

    def _lost(self, session: Session | None, failure: str) -> None:
        if session is not None and session is self.session and self.settled is None:
            self.perform(session.step(Lost(failure)))

    # ---- the point of no return

    def release(self, reaches: tuple[int, ...]) -> None:
        """Make the INTENT durable."""
        sent_ms = self.process.clock.now_ms
        (effect,) = self.machine.step(u.AskRelease(reaches, sent_ms))
        if not isinstance(effect, u.LogIntent):
            self.decided(False)
            return
        recipients = tuple(recipient.index for recipient in self.unit.recipients)
        intent = f.Intent(*self.who, sent_ms, self.unit.message, recipients, effect.asked)
        self.owner.ask(intent, lambda position: self.released(position, sent_ms))

    def released(self, position: int | None, sent_ms: int) -> None:
        """The log has answered: may the end be written, in this very turn?"""
        if position is None:
            self.machine.step(u.Refused())
            self.decided(False)
            return
        release = self.owner.right.may_end(sent_ms, self.process.clock.now_ms)
        if u.WriteEnd() in self.machine.step(u.IntentLogged(position, release)):
            self.decided(True)
        else:
            self.owner.tell(f.Void(*self.who, position), self.voided)

    def voided(self, _: int | None) -> None:
        """The VOID is durable."""
        self.machine.step(u.Logged())
        self.decided(False)

    def decided(self, is_granted: bool) -> None:
        """Write the end, or close the connection without."""
        assert self.session is not None
        assert self.connection is not None
        self.is_asking = False
        if self.settled is not None:
            self.over(self.settled)
            return
        effects = self.session.step(Released() if is_granted else Withheld())
        if is_granted:
            self.world.judge.end_written(self)
            if self.connection.harm is Harm.RESET_WITHIN:
                effects = [effect for effect in effects if not isinstance(effect, Write)]
                self.connection.drop()
        else:
            self.connection.is_open = False
        self.perform(effects)

    # ---- the end

    def over(self, settled: Settled) -> None:
        """The transaction is over."""
        if self.machine.state in (u.State.LEASED, u.State.SENT) and settled.outcomes:
            self.end(settled.outcomes)
        elif self.machine.state is u.State.LEASED and self.machine.is_expired(self.process.clock.now_ms):
            self.end_all(Kind.EXPIRED)
        elif self.machine.state is u.State.LEASED:
            self.process.later(AGAIN, self.deliver)
        else:
            self.owner.finished(self.place)

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """The attempt has a result for each recipient."""
        self.record(next_try(self.unit, self.attempt, outcomes, self.process.clock.now_ms, Schedule(TIERS)))

    def record(self, retry: Retry) -> None:
        """The copies first, then the OUTCOME that names them (claim rule)."""
        (effect,) = self.machine.step(u.Ended(tuple(outcome.kind for outcome in retry.outcomes)))
        if isinstance(effect, u.LogCopy):
            copies = [self.copy(one, effect.asked) for one in retry.copies]
            where = (retry.tier, 0)
            self.world.store.append(self.process, where, copies, None, lambda at: self.copied(retry, copies, at))
        else:
            self.log(effect, [])

    def copy(self, unit: Unit, asked: Asked | None) -> Unit:
        """The copy as it stands in the tier."""
        still = u.still_asked(asked, (recipient.index for recipient in unit.recipients))
        return msgspec.structs.replace(unit, source=self.source, asked=still)

    def copied(self, retry: Retry, copies: Sequence[Unit], at: int | None) -> None:
        """The copies are durable."""
        assert at is not None
        places = [Position(retry.tier, 0, at + number) for number in range(len(copies))]
        (effect,) = self.machine.step(u.CopyLogged(tuple(places)))
        self.log(
            effect,
            [
                f.Deferral(place, self.source, copy.attempt, retry.due_ms, len(copy.recipients))
                for place, copy in zip(places, copies, strict=True)
            ],
        )

    def log(self, effect: u.Effect, deferrals: Sequence[f.Deferral]) -> None:
        """Append the OUTCOME."""
        assert isinstance(effect, u.LogOutcome)
        first = deferrals[0] if deferrals else None
        frame = f.Outcome(*self.who, self.process.clock.now_ms, effect.intent, effect.kinds, first)
        frame = msgspec.structs.replace(frame, more=tuple(deferrals[1:]))
        append = self.owner.ask if effect.intent == f.NO_INTENT else self.owner.tell
        append(frame, self.logged)

    def logged(self, position: int | None) -> None:
        """The OUTCOME is durable, or was refused."""
        self.machine.step(u.Logged() if position is not None else u.Refused())
        self.owner.finished(self.place)
