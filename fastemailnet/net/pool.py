"""Warm connections by site, bounded in number and in time; the way of a transaction from a route to its outcomes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from fastemailnet.delivery.broken_tls import BrokenTls
from fastemailnet.delivery.demand import Demand, Level, Refusal, demand
from fastemailnet.delivery.exchanger import Hop, Unroutable
from fastemailnet.delivery.pause import Bounds, Ending, Failure, Pauses
from fastemailnet.delivery.route import Route, Target
from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.terms import Ceilings, TermsOf, uniform
from fastemailnet.delivery.tls_report import Session
from fastemailnet.envelope import Recipient, TlsWish
from fastemailnet.net.connection import Connection, Release
from fastemailnet.net.delivery import (
    Delivered,
    Delivery,
    asks_nobody,
    delivered,
    failed,
    far_off,
    reported,
    throttled,
    unroutable,
)
from fastemailnet.net.dial import (
    Caller,
    ConnectError,
    connect,
    demand_extension,
    ending_of,
    refused,
    turned_away,
)
from fastemailnet.net.door import Claim, Door, TurnIsFarError
from fastemailnet.net.doors import MAX_SHOWN, Doors
from fastemailnet.net.resolve import Resolver
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import BounceClass, Kind, Outcome
from fastemailnet.smtp.classify import SERVICE_CLOSING
from fastemailnet.smtp.session import Transaction

DEFAULT_CONNECTIONS = 20
MORE_TURNS = 2  # for mail whose connection was one too many
POLICY_SUBJECT = 7  # of an enhanced status code (RFC 3463): it is about us, not about one mailbox


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of connections. Those of a site that are not said here, and the number and pace of them, are its ``Terms``."""

    idle_s: float = 60.0  # the longest that any site allows
    life_s: float = 300.0
    broken_tls_s: float = 259_200.0  # TLS that broke is not tried again for so long
    pause: Bounds = field(default_factory=Bounds)  # of a target that cannot be spoken to


def _is_single_peer(hops: Sequence[Hop]) -> bool:
    """Whether all connections reach one server: one host, with no more than one address of a family."""
    addresses = hops[0].addresses
    return len(hops) == 1 and len({":" in address for address in addresses}) == len(addresses)


ANYBODY = Claim()
_Asked = tuple[Hop, Door, Route, Demand, Transaction, Release, Claim]


class Pool:
    """Delivers transactions. Each waits for its turn at the site; who waits is bounded by the caller's units in work."""

    def __init__(
        self,
        hostname: str,
        limits: Limits,
        resolver: Resolver | None = None,
        trust: Trust | None = None,
        terms: TermsOf | None = None,
        shares: Shares | None = None,
    ) -> None:
        """``terms``: of each site; ``shares``: what this node may use of them, all without it."""
        self.hostname = hostname
        self.caller = Caller(hostname, trust or Trust(), limits.idle_s)
        self.broken = BrokenTls(limits.broken_tls_s)
        self.pauses = Pauses(limits.pause)
        self.limits = limits
        self.resolver = resolver
        self.doors = Doors(terms or uniform(Ceilings(DEFAULT_CONNECTIONS)), shares or Shares(0, 1, 0.0))

    async def deliver(
        self,
        route: Route,
        domain: str,
        transaction: Transaction,
        release: Release,
        claim: Claim = ANYBODY,
    ) -> Delivery:
        """Try the route's targets in order until one takes a connection, and run the transaction there.

        A transaction id means something to one peer only: where there are several, none is told it.
        """
        hops = await self._hops(route, domain)
        if isinstance(hops, Unroutable):
            return unroutable(transaction, hops)
        if not _is_single_peer(hops) and transaction.reached:
            return asks_nobody(transaction)
        if not _is_single_peer(hops):
            transaction = replace(transaction, transid="")
        seen: list[Session] = []
        failures: list[tuple[str, ConnectError]] = []
        door = self.doors.of(domain, hops)
        has_turn = claim.throttle is None
        for hop in hops:
            asked = self._demand(route, domain, hop, transaction.tls)
            try:
                if isinstance(asked, Refusal):
                    raise refused(hop, asked)
                self._refuse(hop.target, asked)  # before it takes a turn of its throttle that it can make no use of
                if not has_turn:
                    await self.doors.take_turn(claim)
                    has_turn = True
                done = await self._at(hop, door, route, asked, transaction, release, claim)
            except TurnIsFarError as error:
                recipients = transaction.recipients
                return far_off(error, recipients) if has_turn else throttled(error, claim, recipients)
            except ConnectError as error:
                failures.append((hop.target.host, error))
                seen += reported(route, domain, hop, asked, error.tried)
            else:
                seen += reported(route, domain, hop, asked, done.tried)
                return replace(done.delivery, sessions=seen)
        return failed(failures, transaction, seen)

    async def far_turn(
        self, route: Route, domain: str, recipients: Sequence[Recipient], claim: Claim
    ) -> Delivery | None:
        """What becomes of mail whose turn is too far off to begin with it; None where it may begin."""
        hops = await self._hops(route, domain)
        if isinstance(hops, Unroutable):
            return None
        try:
            self.doors.refuse_far(claim)
        except TurnIsFarError as error:
            return throttled(error, claim, recipients)
        try:
            self.doors.of(domain, hops).refuse_far(claim)
        except TurnIsFarError as error:
            return far_off(error, recipients)
        return None

    async def warm(self, route: Route, domain: str) -> None:
        """Have the MX answer and a connection at hand for a domain. Whatever fails here is met again, and told, by a delivery."""
        hops = await self._hops(route, domain)
        if isinstance(hops, Unroutable):
            return
        asked = self._demand(route, domain, hops[0], TlsWish.DEFAULT)
        if isinstance(asked, Refusal):
            return
        door = self.doors.of(domain, hops)
        if not door.enter_idle():
            return
        connection: Connection | None = None
        try:
            connection = await self._connect(hops[0], door, route, asked)
        except (ConnectError, TurnIsFarError):
            pass
        finally:
            door.leave(connection)

    def status(self) -> dict[str, dict[str, str]]:
        """For people: ``sites`` where mail waits, ``paused`` hosts, each with what it waits for."""
        standing = self.pauses.standing(asyncio.get_running_loop().time())
        paused = {str(target): f"for {left_s:.0f} s yet, after: {text}" for target, (left_s, text) in standing.items()}
        return {"sites": self.doors.status(), "paused": dict(islice(paused.items(), MAX_SHOWN))}

    async def close(self) -> None:
        """Close what is idle."""
        self.doors.close()

    async def _hops(self, route: Route, domain: str) -> list[Hop] | Unroutable:
        fixed = route.fixed_target()
        if fixed is not None:
            return [Hop(fixed, (fixed.host.strip("[]").removeprefix("IPv6:"),))]
        assert self.resolver is not None, "an MX route needs a resolver"
        return await self.resolver.hops(domain)

    def _demand(self, route: Route, domain: str, hop: Hop, wish: TlsWish) -> Demand | Refusal:
        """How the host must be spoken to."""
        asked = demand(route, domain, hop.target.host, hop.promise, wish)
        if isinstance(asked, Refusal):
            return asked
        return self.broken.lowered(hop.target, asked, asyncio.get_running_loop().time())

    async def _connect(self, hop: Hop, door: Door, route: Route, asked: Demand, claim: Claim = ANYBODY) -> Connection:
        await door.may_connect(claim)
        for scope in door.scopes:
            scope.trim()  # what was made for another demand or host, and is in the way now
        connection = await self._try(door, hop, route, asked)
        door.made = [*(one for one in door.made if one.is_open), connection]
        if connection.level is Level.NONE and any(one.trouble for one in connection.tried):
            self.broken.remember(hop.target, asked, asyncio.get_running_loop().time())
        return connection

    async def _try(self, door: Door, hop: Hop, route: Route, due: Demand) -> Connection:
        """One try to connect, and what follows from it for others: who waits for a host that is paused now is turned away."""
        self._refuse(hop.target, due)
        begun = self.pauses.begin(hop.target, due)
        ending, failure = Ending.ABANDONED, Failure("")
        try:
            connection = await connect(hop, route, due, self.caller)
            ending = Ending.ANSWERED
            return connection
        except ConnectError as error:
            ending = ending_of(error)
            if self.doors.talk(hop.target, due):
                ending, error.is_one_too_many = Ending.ANSWERED, True
                door.caution.refused(door.site.open_count() - 1)
            failure = Failure(error.text, error.fault)
            raise
        finally:
            self.pauses.end(begun, ending, failure, asyncio.get_running_loop().time())
            if ending is not Ending.ANSWERED:
                self._turn_away(hop.target)

    def _refuse(self, target: Target, due: Demand) -> None:
        now_s = asyncio.get_running_loop().time()
        refusal = self.pauses.refusal(target, due, now_s)
        if refusal is not None:
            raise turned_away(refusal, now_s)

    def _turn_away(self, target: Target) -> None:
        for waiter in self.doors.waiters(target):
            try:
                self._refuse(target, waiter.due)
            except ConnectError as error:
                if not waiter.turn.done():
                    waiter.turn.set_exception(error)

    async def _at(self, *delivery: *_Asked) -> Delivered:
        """Over one host, at last over one of the connections that it takes."""
        for _ in range(MORE_TURNS):
            try:
                return await self._over(*delivery)
            except ConnectError as error:
                if not error.is_one_too_many:
                    raise
        return await self._over(*delivery)

    async def _over(
        self,
        hop: Hop,
        door: Door,
        route: Route,
        due: Demand,
        transaction: Transaction,
        release: Release,
        claim: Claim,
    ) -> Delivered:
        self._refuse(hop.target, due)
        await door.enter(claim, hop.target, due)
        entered_s = asyncio.get_running_loop().time()
        connection: Connection | None = None
        asked = False

        async def asking(reaches: tuple[int, ...]) -> bool:
            nonlocal asked
            asked = True
            return await release(reaches)

        try:
            connection = self._reusable(door, hop.target, due)
            while True:
                was_warm = connection is not None
                connection = connection or await self._connect(hop, door, route, due, claim)
                demand_extension(connection, transaction)
                settled = await connection.deliver(transaction, asking)
                has_moved_nobody = all(outcome.kind is Kind.DEFERRED for outcome in settled.outcomes)
                if not was_warm or asked or connection.is_open or not has_moved_nobody:
                    _heed(door, settled.outcomes)
                    return delivered(hop, connection, due, settled.outcomes)
                connection = None  # the peer had closed it just then; nothing was begun, so a fresh one may do it
        finally:
            door.leave(connection, entered_s, claim.lane)

    def _reusable(self, door: Door, target: Target, due: Demand) -> Connection | None:
        """A connection to the host that is good enough for the demand; the others stay until their time is over."""
        now_s = asyncio.get_running_loop().time()
        door.idle = [one for one in door.idle if one.is_open]
        fit = [one for one in door.idle if one.target == target and due.is_served_by(one.demand, one.level)]
        idle_s = min(self.limits.idle_s, door.terms.idle_s)
        while fit:
            connection = fit.pop()
            door.idle.remove(connection)
            fresh = now_s - connection.used_s < idle_s and now_s - connection.born_s < self.limits.life_s
            if connection.is_open and fresh and connection.deliveries < door.terms.deliveries:
                return connection
            connection.close()
        return None


def _heed(door: Door, outcomes: Sequence[Outcome]) -> None:
    """What the replies say about how many connections the site bears."""
    replies = [outcome.reply for outcome in outcomes if outcome.bounce_class is BounceClass.RATE_LIMITED]
    about_us = any(
        reply.code == SERVICE_CLOSING or (reply.enhanced is not None and reply.enhanced[1] == POLICY_SUBJECT)
        for reply in replies
        if reply is not None
    )
    if about_us:
        door.caution.slowed()
    elif any(outcome.kind is Kind.RELAYED for outcome in outcomes):
        door.caution.succeeded(door.terms.ceilings.connections)
