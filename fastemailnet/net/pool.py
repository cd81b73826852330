"""Warm connections by target, bounded in number and in time; the way of a transaction from a route to its outcomes."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fastemailnet.delivery.route import Route, Target
from fastemailnet.net.connection import ConnectError, Connection, Release, connect
from fastemailnet.net.resolve import Resolver, Unroutable
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.classify import Phase, by_reply, by_silence
from fastemailnet.smtp.session import Transaction

MAX_DELIVERIES = 10_000  # of one connection; time is the real bound
MAX_TARGETS = 5  # that one attempt tries
MAX_LANES = 10_000  # targets that are remembered
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

    def where(self) -> dict[str, str | int]:
        """The connection, for the ledger."""
        facts = {"host": self.host, "ip": self.ip, "tls": self.tls or ""}
        return {name: value for name, value in facts.items() if value}


@dataclass(slots=True)
class _Lane:
    """The connections of one target: those in use and, most recent last, those that wait."""

    busy: int = 0
    idle: list[Connection] = field(default_factory=list)
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Pool:
    """Delivers transactions. Each waits for its turn at the target; who waits is bounded by the caller's units in work."""

    def __init__(self, hostname: str, limits: Limits, resolver: Resolver | None = None) -> None:
        self.hostname = hostname
        self.limits = limits
        self.resolver = resolver
        self.lanes: dict[Target, _Lane] = {}

    async def deliver(self, route: Route, domain: str, transaction: Transaction, release: Release) -> Delivery:
        """Try the route's targets in order until one takes a connection, and run the transaction there.

        A transaction id means something to one peer only: where there are several, none is told it.
        """
        targets = await self._targets(route, domain)
        if isinstance(targets, Unroutable):
            # What an earlier end reached is not unsent because its peer cannot be found now.
            kind = Kind.DEFERRED if transaction.reached else targets.kind
            return Delivery([Outcome(r.index, kind, targets.reason) for r in transaction.recipients])
        if len(targets) > 1 and transaction.reached:
            return Delivery([Outcome(r.index, Kind.DEFERRED, NO_SINGLE_PEER) for r in transaction.recipients])
        if len(targets) > 1:
            transaction = replace(transaction, transid="")
        failure = ConnectError("no target")
        for target in targets[:MAX_TARGETS]:
            try:
                return await self._over(target, route, transaction, release)
            except ConnectError as error:
                failure = error
        if failure.reply is not None:
            outcomes = [by_reply(r.index, Phase.CONNECT, failure.reply) for r in transaction.recipients]
        else:
            outcomes = [by_silence(r.index, Phase.CONNECT, failure.text) for r in transaction.recipients]
        return Delivery(outcomes, target.host)

    async def close(self) -> None:
        """Close what is idle."""
        for lane in self.lanes.values():
            for connection in lane.idle:
                connection.close()
            lane.idle.clear()

    async def _targets(self, route: Route, domain: str) -> list[Target] | Unroutable:
        fixed = route.fixed_target()
        if fixed is not None:
            return [fixed]
        assert self.resolver is not None, "an MX route needs a resolver"
        return await self.resolver.targets(domain)

    async def _over(self, target: Target, route: Route, transaction: Transaction, release: Release) -> Delivery:
        lane = self._lane(target)
        await self._turn(lane)
        connection: Connection | None = None
        asked = False

        async def asking(reaches: tuple[int, ...]) -> bool:
            nonlocal asked
            asked = True
            return await release(reaches)

        try:
            connection = self._reusable(lane)
            was_warm = connection is not None
            connection = connection or await connect(target, route, self.hostname, self.limits.idle_s)
            settled = await connection.deliver(transaction, asking)
            has_moved_nobody = all(outcome.kind is Kind.DEFERRED for outcome in settled.outcomes)
            if was_warm and not asked and not connection.is_open and has_moved_nobody:
                # The peer had closed a warm connection just then; nothing was begun, so a fresh one may do it.
                connection = await connect(target, route, self.hostname, self.limits.idle_s)
                settled = await connection.deliver(transaction, asking)
            return Delivery(settled.outcomes, target.host, connection.ip, connection.tls)
        finally:
            self._give_back(lane, connection)

    def _lane(self, target: Target) -> _Lane:
        if target not in self.lanes and len(self.lanes) >= MAX_LANES:
            for known, lane in list(self.lanes.items()):
                if not lane.busy and not any(connection.is_open for connection in lane.idle):
                    del self.lanes[known]
        return self.lanes.setdefault(target, _Lane())

    async def _turn(self, lane: _Lane) -> None:
        """Wait for one of the target's connections."""
        if lane.busy < self.limits.connections:
            lane.busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.waiting.append(turn)
        try:
            await turn  # whoever gives back hands its place over, so `busy` stays as it is
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(lane, None)
            raise

    def _reusable(self, lane: _Lane) -> Connection | None:
        now_s = asyncio.get_running_loop().time()
        while lane.idle:
            connection = lane.idle.pop()
            fresh = now_s - connection.used_s < self.limits.idle_s and now_s - connection.born_s < self.limits.life_s
            if connection.is_open and fresh and connection.deliveries < MAX_DELIVERIES:
                return connection
            connection.close()
        return None

    def _give_back(self, lane: _Lane, connection: Connection | None) -> None:
        if connection is not None and connection.is_open:
            lane.idle.append(connection)
        while lane.waiting:
            turn = lane.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        lane.busy -= 1
