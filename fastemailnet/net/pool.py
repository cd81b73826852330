"""Warm connections by target, bounded in number and in time; the way of a transaction from a route to its outcomes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fastemailnet.delivery.route import Route, Target
from fastemailnet.delivery.turns import Turns
from fastemailnet.envelope import Lane
from fastemailnet.net.connection import ConnectError, Connection, Release, connect
from fastemailnet.net.resolve import Resolver, Unroutable
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.classify import Phase, by_reply, by_silence
from fastemailnet.smtp.session import Transaction

MAX_DELIVERIES = 10_000  # of one connection; time is the real bound
RESERVED_OF = 10  # one connection in so many is for transactional mail alone
MAX_TARGETS = 5  # that one attempt tries
MAX_SITES = 10_000  # targets that are remembered
NO_SINGLE_PEER = "which of several mail exchangers took this message cannot be told, so none is asked (RFC 1845)"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the connections to one target."""

    connections: int = 20
    idle_s: float = 60.0
    life_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a transaction and over which connection. No outcomes: the end was withheld."""

    outcomes: Sequence[Outcome]
    host: str = ""
    ip: str = ""
    tls: str | None = None
    passes_dsn: bool = False  # the next hop took the wishes for reports over (RFC 3461)

    def where(self) -> dict[str, str | int]:
        """The connection, for the ledger."""
        facts = {"host": self.host, "ip": self.ip, "tls": self.tls or ""}
        return {name: value for name, value in facts.items() if value}


@dataclass(slots=True)
class _Site:
    """The connections of one target: those in use and, most recent last, those that wait."""

    busy: int = 0
    idle: list[Connection] = field(default_factory=list)
    waiting: Turns[asyncio.Future[None]] = field(default_factory=Turns)


class Pool:
    """Delivers transactions. Each waits for its turn at the target; who waits is bounded by the caller's units in work."""

    def __init__(self, hostname: str, limits: Limits, resolver: Resolver | None = None) -> None:
        self.hostname = hostname
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
        targets = await self._targets(route, domain)
        if isinstance(targets, Unroutable):
            # What an earlier end reached is not unsent because its peer cannot be found now.
            kind = Kind.DEFERRED if transaction.reached else targets.kind
            return Delivery([targets.outcome(r.index, kind) for r in transaction.recipients])
        if len(targets) > 1 and transaction.reached:
            return Delivery([Outcome(r.index, Kind.DEFERRED, NO_SINGLE_PEER) for r in transaction.recipients])
        if len(targets) > 1:
            transaction = replace(transaction, transid="")
        failure = ConnectError("no target")
        for target in targets[:MAX_TARGETS]:
            try:
                return await self._over(target, route, transaction, release, lane)
            except ConnectError as error:
                failure = error
        if failure.reply is not None:
            outcomes = [by_reply(r.index, Phase.CONNECT, failure.reply) for r in transaction.recipients]
        else:
            outcomes = [by_silence(r.index, Phase.CONNECT, failure.text) for r in transaction.recipients]
        return Delivery(outcomes, target.host)

    async def warm(self, route: Route, domain: str) -> None:
        """Have the MX answer and a connection at hand for a domain. Whatever fails here is met again, and told, by a delivery."""
        targets = await self._targets(route, domain)
        if isinstance(targets, Unroutable):
            return
        site = self._site(targets[0])
        if site.busy or site.idle or len(self.sites) >= MAX_SITES:
            return
        site.busy += 1
        connection: Connection | None = None
        try:
            connection = await connect(targets[0], route, self.hostname, self.limits.idle_s)
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

    async def _targets(self, route: Route, domain: str) -> list[Target] | Unroutable:
        fixed = route.fixed_target()
        if fixed is not None:
            return [fixed]
        assert self.resolver is not None, "an MX route needs a resolver"
        return await self.resolver.targets(domain)

    async def _over(
        self, target: Target, route: Route, transaction: Transaction, release: Release, lane: Lane
    ) -> Delivery:
        site = self._site(target)
        await self._turn(site, lane)
        connection: Connection | None = None
        asked = False

        async def asking(reaches: tuple[int, ...]) -> bool:
            nonlocal asked
            asked = True
            return await release(reaches)

        try:
            connection = self._reusable(site)
            was_warm = connection is not None
            connection = connection or await connect(target, route, self.hostname, self.limits.idle_s)
            settled = await connection.deliver(transaction, asking)
            has_moved_nobody = all(outcome.kind is Kind.DEFERRED for outcome in settled.outcomes)
            if was_warm and not asked and not connection.is_open and has_moved_nobody:
                # The peer had closed a warm connection just then; nothing was begun, so a fresh one may do it.
                connection = await connect(target, route, self.hostname, self.limits.idle_s)
                settled = await connection.deliver(transaction, asking)
            return Delivery(settled.outcomes, target.host, connection.ip, connection.tls, connection.offers.dsn)
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

    async def _turn(self, site: _Site, lane: Lane) -> None:
        """Wait for one of the target's connections."""
        if self._has_room(site, lane) and not site.waiting.waiting[lane]:
            site.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        site.waiting.put(lane, turn)
        try:
            await turn  # whoever gives back takes the place for it
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(site, None)
            raise

    def _reusable(self, site: _Site) -> Connection | None:
        now_s = asyncio.get_running_loop().time()
        while site.idle:
            connection = site.idle.pop()
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
            _, turn = found
            if not turn.done():
                site.busy += 1
                turn.set_result(None)
