"""One unit's way through a node, from lease to outcome: the shell of the ``unit`` machine.

    take ▸ bring a large body in ▸ examine ▸ sign ▸ deliver ▸ (INTENT durable ▸ end written) ▸ reply ▸ OUTCOME durable

A crash between any two of these leaves what the journal says: nothing (the unit is leased again), an INTENT (in doubt), or an
OUTCOME. Nothing here decides: the machine says what to do next, the session what the peer answered, the examiner what may be sent.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

import msgspec

from actors.bodies import Bodies
from actors.burial import bury, bury_untold, end_place
from actors.claims import claim_of
from actors.clock import monotonic_ms, wall_ms
from actors.ends import dead, in_order, said, short, shown_by
from actors.evidence import TURN, acceptance, evidence
from actors.examine import Examined, Examiner, Look, Signed, unjudged
from actors.journal import Journal
from actors.leases import Taken
from actors.poison import DEAD_STRIKES, UNTOLD_STRIKES, Blame, look_into
from actors.reports import Reporter, with_header
from actors.shaping import Shaping
from actors.stations import Stations
from actors.suppressions import Suppressions
from fastemailnet import ids
from fastemailnet.admission.reading import Gap, Malformed
from fastemailnet.delivery.gate import Ruling, Tags, Way, marked, tries_before
from fastemailnet.delivery.retry import DEFAULT, Retry, Schedule, next_try
from fastemailnet.delivery.review import SCORES, to_text
from fastemailnet.delivery.route import Route, Routes
from fastemailnet.delivery.shaping.policy import Site
from fastemailnet.delivery.split import by_destination
from fastemailnet.delivery.tls_report import encode_sessions
from fastemailnet.delivery.waiting import PutOff
from fastemailnet.envelope import SEVERAL, Asked, Unit, encode_unit
from fastemailnet.errors import BlobAltered, BlobError
from fastemailnet.flashsync import unit as u
from fastemailnet.flashsync.frames import NO_INTENT, Deferral, Intent, Void
from fastemailnet.flashsync.frames import Outcome as OutcomeFrame
from fastemailnet.flashsync.node import Standing
from fastemailnet.ledger.fact import Flag
from fastemailnet.lifecycle import OUTCOME_EVENTS, Event, State
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.door import Claim
from fastemailnet.net.pool import Pool
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.session import Transaction

AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Attempts:
    """Works on the units of one incarnation."""

    journal: Journal
    examiner: Examiner
    pool: Pool
    routes: Routes
    stations: Stations
    blame: Blame
    bodies: Bodies
    suppressions: Suppressions
    shaping: Shaping
    reporter: Reporter
    schedule: Schedule = DEFAULT

    async def warm(self, domain: str) -> None:
        """Make a destination ready that comes soon."""
        route = self.routes.of(domain)
        site = await self.shaping.site_of(route, domain)
        if self.shaping.suspended(domain, site, "", "") is None:
            await self.pool.warm(self.shaping.routed(route, site), domain)

    async def work(self, taken: Taken) -> None:
        """Bring one unit to the end of one attempt, or to where the right of this incarnation ended."""
        match taken.unit:
            case Unit() if taken.strikes >= UNTOLD_STRIKES:
                await bury_untold(self.journal, taken, taken.unit)
            case Unit():
                await _Attempt(self, taken, taken.unit).run()
            case Malformed():
                await bury(self.journal, taken, taken.unit)
            case Gap():
                await end_place(self.journal, taken, ())
            case _:
                assert_never(taken.unit)


class _Attempt:
    """The state of one attempt."""

    def __init__(self, shop: Attempts, taken: Taken, unit: Unit) -> None:
        self.shop = shop
        self.taken = taken
        first = u.named_by(taken.asked, unit.recipients)
        self.recipients = tuple(recipient.index for recipient in unit.recipients)
        unit = msgspec.structs.replace(unit, recipients=u.left_of(unit.recipients, taken.settled))
        self.unit = unit  # as its record says, for those whom no attempt in doubt has ended
        self.whole = unit  # with its body
        self.machine = u.Attempt(number=taken.attempt, asked=taken.asked, expires_ms=unit.expires_ms, first=first)
        self.life = shop.stations.move(State.IDLE, Event.ARRIVED)
        self.asked = taken.asked or Asked(taken.attempt, ())
        self.host = self.asked.host or shop.pool.hostname
        self.signed = Signed(b"", 0)
        self.content_sha256 = b""
        self.where: dict[str, str | int] = {}
        self.sessions = ""
        self.flags = Flag(0)
        self.passes_dsn = False
        self.throttle = shop.examiner.throttle(unit) if taken.asked is None else None

    async def run(self) -> None:
        """The whole way; where the right of the incarnation ends on it, the unit goes back to the fleet."""
        self.move(Event.STARTED)
        await self.go()
        if self.machine.state is not u.State.DONE:
            self.move(Event.RETURNED)

    async def go(self) -> None:
        """Examine, sign and deliver, as far as each allows the next."""
        unit = self.unit
        if self.machine.is_expired(wall_ms()):
            await self.expire()
            return
        if self.taken.strikes >= DEAD_STRIKES:
            await self.give_up(f"{self.taken.strikes} processes ended over it")
            return
        if unit.domain == SEVERAL:
            await self.split()
            return
        route = self.shop.routes.of(unit.domain)
        if not await self.may_begin(route) or not await self.bring_in():
            return
        where, with_text = (self.taken.place, self.taken.strikes), self.shop.examiner.reads(unit)
        seen = await look_into(*where, self.whole.body, self.shop.blame, with_text=with_text)
        if seen is None:
            await self.give_up(f"{self.taken.strikes} processes ended over it, and one that looked into it apart")
            return
        examined = await self.examine(seen)
        if not await self.passes(examined, route):
            return
        self.move(Event.VALID)
        with self.shop.blame.looking(self.taken.place):
            self.signed = self.shop.examiner.sign(self.whole, self.asked.before)
        self.content_sha256 = hashlib.sha256(self.signed.content).digest()
        self.flags |= Flag.DKIM if self.shop.examiner.signer is not None else Flag(0)
        self.move(Event.SCHEDULED)
        while self.machine.state is u.State.LEASED and self.may_go_on():
            site = await self.shop.shaping.site_of(route, unit.domain)
            stopped = self.stopped(site)
            if len(stopped) == len(unit.recipients):
                await self.end(in_order(unit, stopped), self.shop.shaping.turn(unit, site))
                return
            way = self.shop.shaping.routed(route, site)
            delivery = await self.shop.pool.deliver(
                way, unit.domain, self.transaction(stopped), self.release, self.claim()
            )
            if self.machine.state in (u.State.LEASED, u.State.SENT) and delivery.outcomes:
                self.describe(delivery)
                if delivery.put_off is None:
                    await self.shop.shaping.heard(unit.domain, site, unit.tenant, delivery.outcomes)
                await self.end(in_order(unit, [*stopped, *delivery.outcomes]), delivery.put_off)
            elif self.machine.state is u.State.LEASED and self.machine.is_expired(wall_ms()):
                await self.expire()
            elif self.machine.state is u.State.LEASED:
                await asyncio.sleep(AGAIN_S)  # the end was withheld; what is left of the right may allow another try

    async def may_begin(self, route: Route) -> bool:
        """Whether it is worth looking at the mail now; one that is suspended, or whose turn is far off, is put off at once."""
        unit = self.unit
        site = await self.shop.shaping.site_of(route, unit.domain)
        suspended = self.shop.shaping.put_off(unit, site)
        if suspended is not None:
            await self.end(*suspended)
            return False
        return not await self.is_far(route)

    async def is_far(self, route: Route) -> bool:
        """Whether its turn is far off; then it is put off."""
        unit = self.unit
        far = await self.shop.pool.far_turn(route, unit.domain, unit.recipients, self.claim())
        if far is not None:
            self.where.update(far.where())
            await self.end(far.outcomes, far.put_off)
        return far is not None

    async def examine(self, seen: Look) -> Examined:
        """Whether it is a message, and what the gate says of it."""
        if self.taken.asked is not None:
            return unjudged(seen)
        unit = self.unit
        return await self.shop.examiner.examine(seen, unit.lane, unit.released, unit.tenant, unit.suspicion)

    async def passes(self, examined: Examined, route: Route) -> bool:
        """Whether the gate lets this attempt go on. What it found goes with the copies of the unit."""
        unit, attempt = self.unit, self.taken.attempt
        if examined.ruling in (Ruling.INVALID, Ruling.HOLD, Ruling.REJECT):
            await self.refuse(examined)
            return False
        way = Tags().way(examined.ruling, unit.suspicion, tries_before(attempt, unit.put_off))
        self.where["gate"] = said(examined, way)
        if way is Way.MARKED:
            found, now_ms = examined.suspicion(examined.required), wall_ms()
            await self.finish(marked(unit, attempt, found, f"goes on {way.value}: {examined.reason}", now_ms), now_ms)
            return False
        if examined.ruling is Ruling.THROTTLE and unit.suspicion is None:
            self.unit = msgspec.structs.replace(unit, suspicion=examined.suspicion())
            self.throttle = self.shop.examiner.throttle(self.unit)
            return not await self.is_far(route)
        return True

    async def bring_in(self) -> bool:
        """Have the body here. One that is not to be had now is waited for, as a peer would be; an altered one is never sent."""
        try:
            self.whole = await self.shop.bodies.bring_in(self.unit)
        except BlobAltered as error:
            await self.give_up(str(error))
        except BlobError as error:
            await self.end_all(Kind.DEFERRED, str(error))
        return self.machine.state is u.State.LEASED

    async def give_up(self, reason: str) -> None:
        """Keep the record for people, then end it."""
        whole = encode_unit(self.unit)
        at = await self.shop.journal.keep(dead(self.taken, self.unit.message, (reason,), whole, wall_ms()))
        await self.end_all(Kind.DEAD, f"{reason}; kept as {at}")

    def stopped(self, site: Site) -> list[Outcome]:
        """Who is not written to now: those on the suppression list, and the others where their mail is suspended."""
        listed = self.shop.suppressions.stopped(self.unit, self.asked.reached, wall_ms())
        return [*listed, *self.shop.shaping.stopped(self.unit, site, self.asked.reached, listed)]

    def transaction(self, stopped: Sequence[Outcome]) -> Transaction:
        """What is to be transmitted to those who are not stopped, under the name by which a peer that remembers can be asked."""
        unit = self.unit
        transid = ids.transaction_id(unit.message, self.machine.first, self.machine.transaction, self.host)
        names = {outcome.recipient for outcome in stopped}
        recipients = [recipient for recipient in unit.recipients if recipient.index not in names]
        path = self.shop.reporter.reverse_path(unit)
        more = (transid, self.asked.reached, unit.tls, unit.reporting)
        return Transaction(path, recipients, self.signed.content, unit.smtputf8, *more)

    def claim(self) -> Claim:
        """On whose behalf a connection is asked for."""
        return claim_of(self.unit, self.taken.place.stream, self.shop.schedule, self.throttle, wall_ms())

    def may_go_on(self) -> bool:
        """Whether this incarnation still has its right."""
        return self.shop.journal.right.standing is Standing.HOLDING

    def move(self, event: Event) -> None:
        """One step of the life cycle."""
        self.life = self.shop.stations.move(self.life, event)

    async def refuse(self, examined: Examined) -> None:
        """The gate says no: invalid, rejected or held."""
        kind = Kind.HELD if examined.ruling is Ruling.HOLD else Kind.REJECTED
        what = "invalid message" if examined.ruling is Ruling.INVALID else f"{kind.value} by the spam gate"
        if examined.scores is not None:
            self.where[SCORES] = to_text(examined.scores)
        await self.end_all(kind, f"{what}: {examined.reason}")

    async def expire(self) -> None:
        """Too late to send."""
        await self.end_all(Kind.EXPIRED, "expired before it could be sent")

    async def end_all(self, kind: Kind, reason: str) -> None:
        """The same outcome for every recipient, before the point of no return."""
        await self.end([Outcome(recipient.index, kind, reason) for recipient in self.unit.recipients])

    def describe(self, delivery: Delivery) -> None:
        """Keep what the ledger is told about the connection."""
        self.where.update(delivery.where())
        self.passes_dsn = delivery.passes_dsn
        self.sessions = encode_sessions(delivery.sessions)
        if delivery.tls is not None:
            self.flags |= Flag.TLS
        if self.shop.routes.of(self.unit.domain).is_sandbox:
            self.flags |= Flag.SANDBOX

    # ---- the point of no return

    async def release(self, reaches: tuple[int, ...] = ()) -> bool:
        """Make the INTENT durable and say whether the end may be written: now, in the caller's turn of the loop (R4)."""
        at_ms, sent_ms = wall_ms(), monotonic_ms()
        (effect,) = self.machine.step(u.AskRelease(reaches, at_ms, self.host, self.signed.before))
        if not isinstance(effect, u.LogIntent):
            return False
        right = self.shop.journal.right
        position = await self.shop.journal.ask(self.intent(effect, at_ms))
        if position is None:
            self.machine.step(u.Refused())
            return False
        effects = self.machine.step(u.IntentLogged(position, right.may_end(sent_ms, monotonic_ms())))
        if u.WriteEnd() in effects:
            self.move(Event.END_ALLOWED)
            return True
        await self.shop.journal.tell(Void(*self.who(), position))
        self.machine.step(u.Logged())
        return False

    def who(self) -> tuple[int, int, int, str, int]:
        """Lease, offset, attempt, node and incarnation: how every frame of this attempt begins."""
        right = self.shop.journal.right
        return self.taken.lease, self.taken.place.offset, self.taken.attempt, right.node, right.incarnation

    def intent(self, effect: u.LogIntent, at_ms: int) -> Intent:
        """The INTENT of this attempt."""
        return Intent(*self.who(), at_ms, self.unit.message, self.recipients, effect.asked)

    # ---- the end

    async def end(self, outcomes: Sequence[Outcome], put_off: PutOff | None = None) -> None:
        """Record the outcomes of an attempt, and who is to be tried again."""
        now_ms = wall_ms()
        if put_off is not None:
            self.where[TURN] = now_ms + round(put_off.turn_s * 1_000)
        await self.finish(
            next_try(self.unit, self.taken.attempt, short(outcomes), now_ms, self.shop.schedule, put_off), now_ms
        )

    async def finish(self, retry: Retry, now_ms: int) -> None:
        """Tell the sender and the ledger, and record."""
        # What goes on at once, tagged, is not delayed.
        heard = [one for one in retry.outcomes if one.kind is not Kind.DEFERRED or retry.due_ms > now_ms]
        about = (self.taken.attempt, heard, str(self.where.get("host", "")))
        report = partial(self.shop.reporter.report, passes_dsn=self.passes_dsn, now_ms=now_ms)
        over = partial(self.shop.blame.over, self.taken.place)
        written = await with_header(self.shop.bodies, self.whole, lambda unit: over(lambda: report(unit, *about)))
        retry = replace(retry, copies=tuple(written.noted(copy, now_ms) for copy in retry.copies))
        proof = evidence(
            self.unit,
            self.taken.attempt,
            retry.outcomes,
            at_ms=now_ms,
            content_sha256=self.content_sha256,
            flags=self.flags,
            where=self.where,
            sessions=self.sessions,
            next_ms=retry.due_ms if retry.copies else 0,
        )
        await self.record(retry, proof, now_ms, written.units)

    async def split(self) -> None:
        """Make one unit for each destination of this one. Nothing was tried yet: the ledger learns only that it was accepted."""
        now_ms = wall_ms()
        await self.record(by_destination(self.unit, now_ms), acceptance(self.unit), now_ms)

    async def record(self, retry: Retry, proof: bytes, now_ms: int, reports: tuple[bytes, ...] = ()) -> None:
        """The copies for those to be tried again first, then the OUTCOME that names them (claim rule)."""
        kinds = u.of_all([outcome.kind for outcome in retry.outcomes], self.taken.settled)
        effects = self.machine.step(u.Ended(kinds))
        deferrals: list[Deferral] = []
        if isinstance(effects[0], u.LogCopy):
            deferrals = await self.defer(retry, effects[0].asked)
            effects = self.machine.step(u.CopyLogged(tuple(deferral.copy for deferral in deferrals)))
        for effect in effects:
            assert isinstance(effect, u.LogOutcome)
            await self.log_outcome(effect, deferrals, proof, reports, now_ms)

    async def defer(self, retry: Retry, asked: Asked | None) -> list[Deferral]:
        """Make the copies durable in their tier."""
        source = self.taken.source
        copies = [
            msgspec.structs.replace(one, source=source, asked=u.still_asked(asked, (r.index for r in one.recipients)))
            for one in retry.copies
        ]
        with suppress(BlobError):  # it was read from a record, so a record takes it again
            copies = list(await self.shop.bodies.put_out(copies))
        places = await self.shop.journal.copy(retry.tier, copies)
        return [
            Deferral(at, source, copy.attempt, retry.due_ms, len(copy.recipients))
            for at, copy in zip(places, copies, strict=True)
        ]

    async def log_outcome(
        self, effect: u.LogOutcome, deferrals: Sequence[Deferral], proof: bytes, reports: tuple[bytes, ...], now_ms: int
    ) -> None:
        """Append the OUTCOME, as a fact behind an INTENT or as a permission without one."""
        first = deferrals[0] if deferrals else None
        more = tuple(deferrals[1:])
        who = (*self.who(), now_ms)
        frame = OutcomeFrame(*who, effect.intent, effect.kinds, first, proof, more=more, reports=reports)
        if effect.intent != NO_INTENT:
            await self.shop.journal.tell(frame)
        elif await self.shop.journal.ask(frame) is None:
            self.machine.step(u.Refused())
            return
        self.machine.step(u.Logged())
        self.move(OUTCOME_EVENTS[shown_by(effect.kinds)])
        self.move(Event.COMPLETED)
