"""Who may use a connection of a site now: places, paces, and who waits for them.

A place is the right to have one connection in use. It is given where the site, and its provider if it has one, have one left below
what this node may open, and the pace of messages allows one more. Lanes wait by deficit round robin and tenants in turn; some places
are for transactional mail alone. Who would wait long is put off instead (``waiting``).

What this node may open is its part of the fleet's ceiling (``shares``), and no more than the site seems to bear (``caution``).
"""

import asyncio
from dataclasses import dataclass, field

from fastemailnet.delivery.caution import Caution
from fastemailnet.delivery.demand import Demand
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shaping.limits import pace_in_words
from fastemailnet.delivery.shares import What
from fastemailnet.delivery.terms import UNLIMITED, Terms
from fastemailnet.delivery.throttle import FOREVER_S
from fastemailnet.delivery.turns import Turns
from fastemailnet.delivery.waiting import LONG_S, Later, Line, PutOff, expected_s, judge, until_turn
from fastemailnet.envelope import Lane
from fastemailnet.net.connection import Connection
from fastemailnet.net.scope import Scope

STUCK_S = 10.0  # where nothing has moved for so long, nobody waits
SMOOTHING = 0.1  # of the mean time that a place is held
FIRST_HELD_S = 0.05  # what that is taken to be before the first
LOOK_EVERY_S = 1.0  # at the pace of new connections, while one waits for it: the node's part may change


class TurnIsFarError(Exception):
    """The turn of this mail is too far off to wait for it here. Never leaves this package."""

    def __init__(self, put_off: PutOff, text: str) -> None:
        super().__init__(text)
        self.put_off, self.text = put_off, text


@dataclass(frozen=True, slots=True)
class Claim:
    """On whose behalf a place is asked for."""

    lane: Lane = Lane.STANDARD
    tenant: str = ""
    delays_s: tuple[float, ...] = ()  # by which it may be put off, shortest first; none where it has to wait
    turn_s: float | None = None  # until its turn, if it was put off before
    patience_s: float = FOREVER_S  # the longest that it waits here
    throttle: Terms | None = None  # the door that it has to go through first


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """Who waits, and what it is turned away for if that host is paused."""

    claim: Claim
    target: Target
    due: Demand
    turn: asyncio.Future[None]

    @property
    def has_place(self) -> bool:
        """Whether its turn has come."""
        return self.turn.done() and not self.turn.cancelled() and self.turn.exception() is None


@dataclass(eq=False, slots=True)
class Door:
    """The connections of one site, and who waits for one. ``idle``: most recent last; ``made``: in use or not."""

    terms: Terms
    scopes: tuple[Scope, ...]  # the site, and its provider
    idle: list[Connection] = field(default_factory=list)
    made: list[Connection] = field(default_factory=list)
    waiting: Turns[Waiter] = field(default_factory=Turns)
    later: dict[Lane, Later] = field(default_factory=lambda: {lane: Later() for lane in Lane})
    overdue: dict[Lane, Later] = field(
        default_factory=lambda: {lane: Later() for lane in Lane}
    )  # put off at their turn
    coming: int = 0  # places that are given, whose mail has not yet taken one of the idle connections
    held_s: float = FIRST_HELD_S
    timer: asyncio.TimerHandle | None = None
    caution: Caution = field(init=False)  # the site's

    def __post_init__(self) -> None:
        self.caution = self.site.caution = self.site.caution or Caution()

    @property
    def site(self) -> Scope:
        """The narrowest scope."""
        return self.scopes[0]

    def bind(self, terms: Terms) -> None:
        """What holds from now on."""
        if terms != self.terms or self.site.ceilings is not self.terms.ceilings:
            self.terms = terms
            self.site.ceilings = terms.ceilings
            if terms.of_provider is not None:
                self.scopes[-1].ceilings = terms.of_provider
            self.pass_on(asyncio.get_running_loop().time())

    def talks(self, target: Target, due: Demand) -> bool:
        """Whether a connection to the host is open that mail of this demand may use."""
        return any(
            one.is_open and one.target == target and due.is_served_by(one.demand, one.level) for one in self.made
        )

    # ---- places

    async def enter(self, claim: Claim, target: Target, due: Demand) -> None:
        """Have a place, now or when it is one's turn.

        Raises:
            TurnIsFarError: that would be long, or is.
            ConnectError: the host is paused meanwhile (set by whoever pauses it).
        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._is_free(claim.lane, now_s):
            self._come(claim, now_s)
            self._take(claim.lane, now_s)
            return
        self.refuse_far(claim)
        self._come(claim, now_s)
        waiter = Waiter(claim, target, due, loop.create_future())
        self.waiting.put(claim.lane, waiter, claim.tenant)
        for scope in self.scopes:
            scope.crowd[self] = None
        self.pass_on(now_s)  # those before it may have been turned away
        timer = loop.call_later(claim.patience_s, self._tire, waiter) if claim.patience_s < FOREVER_S else None
        try:
            await waiter.turn  # whoever gives back takes the place for it
        except BaseException:
            if waiter.has_place:
                self.leave(None, lane=claim.lane)
            else:
                self.waiting.withdraw(claim.lane, waiter, claim.tenant)
                self.pass_on(loop.time())
            raise
        finally:
            self.coming -= waiter.has_place
            if timer is not None:
                timer.cancel()

    def _come(self, claim: Claim, now_s: float) -> None:
        """Whoever was put off is here."""
        if claim.turn_s is not None:
            turn_s = now_s + claim.turn_s
            self._uncount(claim.lane, turn_s)
            for scope in self.scopes:
                scope.come(turn_s)

    def _tire(self, waiter: Waiter) -> None:
        """Whoever has waited so long comes again, or is too old by now: what it waits for is not what it was told."""
        if not waiter.turn.done():
            delay_s = min(waiter.claim.delays_s, default=0.0)
            waiter.turn.set_exception(TurnIsFarError(PutOff(delay_s, delay_s), self._told()))

    def enter_idle(self) -> bool:
        """Take a place ahead of mail that comes soon, if nothing is open here and nobody is kept from it."""
        now_s = asyncio.get_running_loop().time()
        if self.site.open_count() or self._wait_s(Lane.BULK, now_s) > 0:
            return False
        for scope in self.scopes:
            scope.move(1, now_s)
        return True

    def leave(self, connection: Connection | None, entered_s: float | None = None, lane: Lane = Lane.STANDARD) -> None:
        """Give the place back, with a connection that may be used again. ``lane``: of the mail that had it."""
        now_s = asyncio.get_running_loop().time()
        for scope in self.scopes:
            scope.move(-1, now_s)
            scope.urgent.add(-int(lane is Lane.TRANSACTIONAL), now_s)
        if entered_s is not None:
            # A host that stood still for a while is not slow for all who come after: one mail counts for twice the mean at most.
            self.held_s += SMOOTHING * (min(now_s - entered_s, 2 * self.held_s) - self.held_s)
        if connection is not None and connection.is_open:
            self._rest(connection)
        self.pass_on(now_s)

    def _rest(self, connection: Connection) -> None:
        """Keep a connection for who is next, if anybody may be."""
        if any(scope.busy >= scope.places() for scope in self.scopes):
            connection.close()
            return
        self.idle.append(connection)
        for scope in self.scopes:
            scope.resting[self] = None

    def pass_on(self, now_s: float) -> None:
        """Give what is free of the provider and of the site, which may have doors of several providers."""
        for scope in reversed(self.scopes):
            scope.pass_on(now_s)

    def give_one(self, now_s: float) -> bool:
        """Give a place to who is next, if there is one; whether that was done."""
        while found := self.waiting.take(lambda lane: self._wait_s(lane, now_s) <= 0):
            if not found[1].turn.done():
                self._take(found[0], now_s)
                self.coming += 1
                found[1].turn.set_result(None)
                return True
        if not self.waiting:
            for scope in self.scopes:
                scope.crowd.pop(self, None)
        self._arm(now_s)
        return False

    def _take(self, lane: Lane, now_s: float) -> None:
        for scope in self.scopes:
            scope.move(1, now_s)
            scope.urgent.add(int(lane is Lane.TRANSACTIONAL), now_s)
            scope.entered += 1
            scope.messages.spend(scope.pace(What.MESSAGE_RATE), now_s)

    def _is_free(self, lane: Lane, now_s: float) -> bool:
        return self.waiting.is_empty(lane) and self._wait_s(lane, now_s) <= 0

    def _wait_s(self, lane: Lane, now_s: float) -> float:
        return max(scope.wait_s(lane, now_s) for scope in self.scopes)

    def _arm(self, now_s: float) -> None:
        """Wake up when a pace allows the next one, or to see whether anything moves."""
        if self.timer is not None or not self.waiting:
            return
        wait_s = min(self._wait_s(lane, now_s) for lane in Lane if not self.waiting.is_empty(lane))
        self.timer = asyncio.get_running_loop().call_later(min(wait_s, STUCK_S), self._ring)

    def _ring(self) -> None:
        self.timer = None
        now_s = asyncio.get_running_loop().time()
        if now_s - self.site.moved_s >= STUCK_S:
            self._send_away(now_s)
        self.pass_on(now_s)

    def _send_away(self, now_s: float) -> None:
        """Nothing moves, and that is not for a pace: who can come again does not hold a place of the node's for it."""
        stuck = [lane for lane in Lane if self._wait_s(lane, now_s) == FOREVER_S]
        for waiter in self.waiting.entries():
            if waiter.claim.lane in stuck and waiter.claim.delays_s and not waiter.turn.done():
                delay_s = waiter.claim.delays_s[0]
                text = f"{self._told()}; nothing has moved for {STUCK_S:.0f} s"
                waiter.turn.set_exception(TurnIsFarError(PutOff(delay_s, delay_s), text))

    # ---- putting off

    def refuse_far(self, claim: Claim) -> None:
        """Raise TurnIsFarError where a mail's turn is too far off to wait for it here."""
        now_s = asyncio.get_running_loop().time()
        if not claim.delays_s or self._is_free(claim.lane, now_s):
            return
        line = self._line(claim, now_s)
        # What is throttled is in no hurry: all of it would come for the next turn, and be put off once a minute until it expires.
        is_urgent = claim.lane is Lane.TRANSACTIONAL and claim.throttle is None
        put_off = judge(line, claim.turn_s, claim.delays_s, is_urgent=is_urgent)
        if put_off is None:
            return
        self._count(claim, put_off, now_s)
        text = f"{line.here} wait, {self._later_count(claim.lane, now_s)} come again later"
        raise TurnIsFarError(put_off, f"{self._told()}; {text}")

    def _line(self, claim: Claim, now_s: float) -> Line:
        """What stands before who comes."""
        lane = claim.lane
        here, later = len(self.waiting.waiting[lane]), self.later[lane]
        part, places = self.waiting.part_of(lane), self._places_per_s(now_s)
        paced = min(scope.pace_per_s() for scope in self.scopes) * part
        per_s = min(paced, places * part)
        most_per_s = min(*(scope.most_per_s() * part for scope in self.scopes), places * part)
        first_s = max(scope.turn_s(lane, now_s) for scope in self.scopes)
        here_s = expected_s(first_s, here, per_s)
        before = self._later_count(lane, now_s)
        if claim.turn_s is not None:
            before = later.before_gap(now_s + here_s, per_s, max(claim.turn_s, LONG_S))

        def lasts_s(mails: int) -> float:
            return expected_s(0.0, mails, per_s)

        return Line(
            here,
            here_s,
            expected_s(0.0, here, paced),
            soon_s=lasts_s(later.soon(now_s)),
            overdue_s=lasts_s(self.overdue[lane].count(now_s)),
            before_s=lasts_s(before),
            haste=per_s / most_per_s if most_per_s else 1.0,
        )

    def _count(self, claim: Claim, put_off: PutOff, now_s: float) -> None:
        """Remember when who is put off has its turn. Who keeps the one that it has of another node is counted there."""
        turn_s, at_s = now_s + put_off.turn_s, now_s + (claim.turn_s or 0.0)
        was_here = claim.turn_s is not None and self._uncount(claim.lane, at_s)
        if claim.turn_s is not None and put_off.turn_s > claim.turn_s:
            self.overdue[claim.lane].put(turn_s)
        elif was_here or put_off.turn_s != claim.turn_s:
            self.later[claim.lane].put(turn_s)
        for scope in self.scopes:
            if claim.turn_s is not None:
                scope.come(at_s)
            scope.later.put(turn_s)

    def _places_per_s(self, now_s: float) -> float:
        """Mails a second for which there are places, judging by those before and by how long none has moved."""
        still_s = now_s - self.site.moved_s if self.site.busy else 0.0
        return min(scope.places_per_s(max(self.held_s, still_s)) for scope in self.scopes)

    def later_count(self, now_s: float) -> int:
        """How many were put off and are to come again."""
        return sum(self._later_count(lane, now_s) for lane in Lane)

    def _later_count(self, lane: Lane, now_s: float) -> int:
        return self.later[lane].count(now_s) + self.overdue[lane].count(now_s)

    def _uncount(self, lane: Lane, turn_s: float) -> bool:
        return self.overdue[lane].come(turn_s) or self.later[lane].come(turn_s)

    def status(self, now_s: float) -> str:
        """What happens here, in a line for people."""
        wide = [scope for scope in self.scopes if scope.ceilings.connections < UNLIMITED]
        parts = [f"{scope.busy} of {scope.places():g} connections in use" for scope in wide]
        paces = [pace for scope in self.scopes if (pace := scope.pace(What.MESSAGE_RATE)) is not None]
        rate = f"; at most {pace_in_words(min(pace.per_s for pace in paces))}" if paces else ""
        used = f"{', '.join(parts)}; " if parts else ""
        return f"{used}{len(self.waiting)} wait, {self.later_count(now_s)} come again later{rate}"

    def _told(self) -> str:
        """What a mail waits for, for people."""
        parts = []
        for scope in self.scopes:
            pace, most = scope.ceilings.messages, scope.ceilings.connections
            limits = [f"{scope.places():g} of {most} connections"] if most < UNLIMITED else []
            limits += [pace_in_words(pace.per_s)] if pace is not None else []
            parts.append(f"{scope.name} ({', '.join(limits)})")
        return f"waits for its turn at {' of '.join(parts)}"

    # ---- connecting

    async def may_connect(self, claim: Claim) -> None:
        """Wait until the pace of new connections allows one.

        Raises:
            TurnIsFarError: that would be long.
        """
        loop = asyncio.get_running_loop()
        while (wait_s := self._connect_wait_s(loop.time())) > 0:
            if wait_s > LONG_S and claim.delays_s:
                turn_s = claim.delays_s[0] if wait_s == FOREVER_S else wait_s  # a part of nothing does not last
                text = f"waits for the pace of new connections to {self.site.name}"
                for scope in self.scopes:
                    scope.to_connect.put(loop.time() + turn_s)
                raise TurnIsFarError(until_turn(turn_s, claim.delays_s), text)
            await asyncio.sleep(min(wait_s, LOOK_EVERY_S))
        for scope in self.scopes:
            scope.connected += 1
            scope.connects.spend(scope.pace(What.CONNECTION_RATE), loop.time())

    def _connect_wait_s(self, now_s: float) -> float:
        return max(scope.connects.wait_s(scope.pace(What.CONNECTION_RATE), now_s) for scope in self.scopes)
