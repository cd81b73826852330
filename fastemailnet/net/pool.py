"""Warm connections by target, bounded in number and in time; the way of a transaction from a route to its outcomes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from fastemailnet.delivery.broken_tls import BrokenTls
from fastemailnet.delivery.demand import Demand, Level, Refusal, Tried, demand
from fastemailnet.delivery.exchanger import Hop, Unroutable
from fastemailnet.delivery.pause import Bounds, Ending, Failure, Pauses
from fastemailnet.delivery.route import Route, Target
from fastemailnet.delivery.tls_report import Session, sessions
from fastemailnet.delivery.turns import Turns
from fastemailnet.envelope import Lane, TlsWish
from fastemailnet.net.connection import Connection, Release
from fastemailnet.net.dial import (
    Caller,
    ConnectError,
    connect,
    demand_extension,
    ending_of,
    outcome_of,
    refused,
    turned_away,
)
from fastemailnet.net.resolve import Resolver
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.classify import by_fault
from fastemailnet.smtp.session import Transaction

MAX_DELIVERIES = 10_000  # of one connection; time is the real bound
RESERVED_OF = 10  # one connection in so many is for transactional mail alone
MAX_SITES = 10_000  # targets that are remembered
NO_SINGLE_PEER = "which of several mail exchangers took this message cannot be told, so none is asked (RFC 1845)"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the connections to one target."""

    connections: int = 20
    idle_s: float = 60.0
    life_s: float = 300.0
    broken_tls_s: float = 259_200.0  # TLS that broke is not tried again for so long
    pause: Bounds = field(default_factory=Bounds)  # of a target that cannot be spoken to


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a transaction and over which connection. No outcomes: the end was withheld."""

    outcomes: Sequence[Outcome]
    host: str = ""
    ip: str = ""
    tls: str | None = None
    policy: str = ""  # where the protection that was demanded comes from
    certificate: str = ""  # SHA-256 of the peer's, hexadecimal
    sessions: Sequence[Session] = ()  # what was seen of TLS on the way, for reports
    passes_dsn: bool = False  # the next hop took the wishes for reports over (RFC 3461)

    def where(self) -> dict[str, str | int]:
        """The connection, for the ledger."""
        facts = {
            "host": self.host,
            "ip": self.ip,
            "tls": self.tls or "",
            "policy": self.policy,
            "certificate": self.certificate,
        }
        return {name: value for name, value in facts.items() if value}


def _is_single_peer(hops: Sequence[Hop]) -> bool:
    """Whether all connections reach one server: one host, with no more than one address of a family."""
    addresses = hops[0].addresses
    return len(hops) == 1 and len({":" in address for address in addresses}) == len(addresses)


@dataclass(frozen=True, slots=True)
class _Delivered:
    """A delivery, and what setting up its connection showed."""

    delivery: Delivery
    tried: tuple[Tried, ...]


@dataclass(slots=True)
class _Site:
    """The connections of one target: places taken and, most recent last, connections that wait. ``made``: in use or not."""

    busy: int = 0
    idle: list[Connection] = field(default_factory=list)
    made: list[Connection] = field(default_factory=list)
    waiting: Turns[tuple[Demand, asyncio.Future[None]]] = field(default_factory=Turns)

    def talks(self, due: Demand) -> bool:
        """Whether a connection is open that mail of this demand may use."""
        return any(one.is_open and due.is_served_by(one.demand, one.level) for one in self.made)


class Pool:
    """Delivers transactions. Each waits for its turn at the target; who waits is bounded by the caller's units in work."""

    def __init__(
        self, hostname: str, limits: Limits, resolver: Resolver | None = None, trust: Trust | None = None
    ) -> None:
        self.hostname = hostname
        self.caller = Caller(hostname, trust or Trust(), limits.idle_s)
        self.broken = BrokenTls(limits.broken_tls_s)
        self.pauses = Pauses(limits.pause)
        self.limits = limits
        self.resolver = resolver
        self.sites: dict[Target, _Site] = {}

    async def deliver(
        self,
        route: Route,
        domain: str,
        transaction: Transaction,
        release: Release,
        lane: Lane = Lane.STANDARD,
    ) -> Delivery:
        """Try the route's targets in order until one takes a connection, and run the transaction there.

        Lanes wait for connections by deficit round robin, and some are kept free for transactional mail.

        A transaction id means something to one peer only: where there are several, none is told it.
        """
        hops = await self._hops(route, domain)
        if isinstance(hops, Unroutable):
            return Delivery(_still_open(transaction, [by_fault(r.index, *hops.why) for r in transaction.recipients]))
        if not _is_single_peer(hops) and transaction.reached:
            return Delivery([Outcome(r.index, Kind.DEFERRED, NO_SINGLE_PEER) for r in transaction.recipients])
        if not _is_single_peer(hops):
            transaction = replace(transaction, transid="")
        seen: list[Session] = []
        failures: list[tuple[str, ConnectError]] = []
        for hop in hops:
            asked = self._demand(route, domain, hop, transaction.tls)
            try:
                if isinstance(asked, Refusal):
                    raise refused(hop, asked)
                done = await self._over(hop, route, asked, transaction, release, lane)
            except ConnectError as error:
                failures.append((hop.target.host, error))
                seen += _seen(route, domain, hop, asked, error.tried)
            else:
                seen += _seen(route, domain, hop, asked, done.tried)
                return replace(done.delivery, sessions=seen)
        return _failed(failures, transaction, seen)

    async def warm(self, route: Route, domain: str) -> None:
        """Have the MX answer and a connection at hand for a domain. Whatever fails here is met again, and told, by a delivery."""
        hops = await self._hops(route, domain)
        if isinstance(hops, Unroutable):
            return
        asked = self._demand(route, domain, hops[0], TlsWish.DEFAULT)
        if isinstance(asked, Refusal):
            return
        site = self._site(hops[0].target)
        if site.busy or site.idle or len(self.sites) >= MAX_SITES:
            return
        site.busy += 1
        connection: Connection | None = None
        try:
            connection = await self._connect(hops[0], route, asked)
        except ConnectError:
            pass
        finally:
            self._give_back(site, connection)

    async def close(self) -> None:
        """Close what is idle."""
        for site in self.sites.values():
            for connection in site.idle:
                connection.close()
            site.idle.clear()

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

    async def _connect(self, hop: Hop, route: Route, asked: Demand) -> Connection:
        site = self._site(hop.target)
        while site.idle and len(site.idle) + site.busy > self.limits.connections:
            site.idle.pop(0).close()  # made for another demand, and in the way now
        connection = await self._try(site, hop, route, asked)
        site.made = [*(one for one in site.made if one.is_open), connection]
        if connection.level is Level.NONE and any(one.trouble for one in connection.tried):
            self.broken.remember(hop.target, asked, asyncio.get_running_loop().time())
        return connection

    async def _try(self, site: _Site, hop: Hop, route: Route, due: Demand) -> Connection:
        """One try to connect, and what follows from it for others: who waits for a host that is paused now is turned away."""
        self._refuse(hop.target, due)
        begun = self.pauses.begin(hop.target, due)
        ending, failure = Ending.ABANDONED, Failure("")
        try:
            connection = await connect(hop, route, due, self.caller)
            ending = Ending.ANSWERED
            return connection
        except ConnectError as error:
            # With a connection that is open, the host only takes no more of them.
            ending = Ending.ANSWERED if site.talks(due) else ending_of(error)
            failure = Failure(error.text, error.fault)
            raise
        finally:
            self.pauses.end(begun, ending, failure, asyncio.get_running_loop().time())
            if ending is not Ending.ANSWERED:
                self._turn_away(site, hop.target)

    def _refuse(self, target: Target, due: Demand) -> None:
        now_s = asyncio.get_running_loop().time()
        refusal = self.pauses.refusal(target, due, now_s)
        if refusal is not None:
            raise turned_away(refusal, now_s)

    def _turn_away(self, site: _Site, target: Target) -> None:
        for due, turn in site.waiting.entries():
            try:
                self._refuse(target, due)
            except ConnectError as error:
                if not turn.done():
                    turn.set_exception(error)

    async def _over(
        self, hop: Hop, route: Route, due: Demand, transaction: Transaction, release: Release, lane: Lane
    ) -> _Delivered:
        site = self._site(hop.target)
        self._refuse(hop.target, due)
        await self._turn(site, lane, due)
        connection: Connection | None = None
        asked = False

        async def asking(reaches: tuple[int, ...]) -> bool:
            nonlocal asked
            asked = True
            return await release(reaches)

        try:
            connection = self._reusable(site, due, route.username)
            was_warm = connection is not None
            connection = connection or await self._connect(hop, route, due)
            demand_extension(connection, transaction)
            settled = await connection.deliver(transaction, asking)
            has_moved_nobody = all(outcome.kind is Kind.DEFERRED for outcome in settled.outcomes)
            if was_warm and not asked and not connection.is_open and has_moved_nobody:
                # The peer had closed a warm connection just then; nothing was begun, so a fresh one may do it.
                connection = await self._connect(hop, route, due)
                demand_extension(connection, transaction)
                settled = await connection.deliver(transaction, asking)
            return _delivered(hop, connection, due, settled.outcomes)
        finally:
            self._give_back(site, connection)

    def _site(self, target: Target) -> _Site:
        if target not in self.sites and len(self.sites) >= MAX_SITES:
            for known, site in list(self.sites.items()):
                if not site.busy and not any(connection.is_open for connection in site.idle):
                    del self.sites[known]
        return self.sites.setdefault(target, _Site())

    def _has_room(self, site: _Site, lane: Lane) -> bool:
        """Whether mail of this lane may take another connection of the target."""
        reserved = 0 if lane is Lane.TRANSACTIONAL else self.limits.connections // RESERVED_OF
        return site.busy < self.limits.connections - reserved

    async def _turn(self, site: _Site, lane: Lane, due: Demand) -> None:
        """Wait for one of the target's connections.

        Raises:
            ConnectError: the target is paused.
        """
        if self._has_room(site, lane) and not site.waiting.waiting[lane]:
            site.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        site.waiting.put(lane, (due, turn))
        try:
            await turn  # whoever gives back takes the place for it
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(site, None)
            raise

    def _reusable(self, site: _Site, due: Demand, username: str) -> Connection | None:
        """A connection that is good enough for the demand; the others stay until their time is over."""
        now_s = asyncio.get_running_loop().time()
        site.idle = [one for one in site.idle if one.is_open]
        fit = [one for one in site.idle if due.is_served_by(one.demand, one.level) and one.username == username]
        while fit:
            connection = fit.pop()
            site.idle.remove(connection)
            fresh = now_s - connection.used_s < self.limits.idle_s and now_s - connection.born_s < self.limits.life_s
            if connection.is_open and fresh and connection.deliveries < MAX_DELIVERIES:
                return connection
            connection.close()
        return None

    def _give_back(self, site: _Site, connection: Connection | None) -> None:
        if connection is not None and connection.is_open:
            site.idle.append(connection)
        site.busy -= 1
        while found := site.waiting.take(lambda lane: self._has_room(site, lane)):
            _, (_, turn) = found
            if not turn.done():
                site.busy += 1
                turn.set_result(None)


def _delivered(hop: Hop, connection: Connection, due: Demand, outcomes: Sequence[Outcome]) -> _Delivered:
    tried, connection.tried = connection.tried, ()
    where = (hop.target.host, connection.ip, connection.tls, due.policy, connection.certificate)
    return _Delivered(Delivery(outcomes, *where, passes_dsn=connection.offers.dsn), tried)


def _seen(route: Route, domain: str, hop: Hop, asked: Demand | Refusal, tried: Sequence[Tried]) -> Iterable[Session]:
    """What is to be reported to the domain: of its own hosts alone."""
    if route.fixed_target() is not None:
        return ()
    return sessions(domain, hop.promise, asked if isinstance(asked, Demand) else None, tried)


def _failed(
    failures: Sequence[tuple[str, ConnectError]], transaction: Transaction, seen: Sequence[Session]
) -> Delivery:
    """The outcomes by the last host that may take the mail later, or by the last one where none will."""
    judged = [(host, [outcome_of(r.index, failure) for r in transaction.recipients]) for host, failure in failures]
    waiting = [one for one in judged if one[1][0].kind is Kind.DEFERRED]
    host, outcomes = (waiting or judged)[-1]
    return Delivery(_still_open(transaction, outcomes), host, sessions=seen)


def _still_open(transaction: Transaction, outcomes: list[Outcome]) -> list[Outcome]:
    """What an earlier end reached is not unsent because its peer cannot be found or spoken to now."""
    if not transaction.reached:
        return outcomes
    return [msgspec.structs.replace(one, kind=Kind.DEFERRED) for one in outcomes]
