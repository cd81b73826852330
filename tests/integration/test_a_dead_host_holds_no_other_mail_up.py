"""A host that accepts and never greets: its mail waits after one cohort, mail to others passes, and all goes once it is back."""

import asyncio
import socket
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actors import build
from fastemailnet.delivery import retry
from fastemailnet.delivery.caution import START
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.gate import throttle_of
from fastemailnet.delivery.pause import Bounds
from fastemailnet.delivery.route import Target, TlsPolicy
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.delivery.terms import Ceilings, uniform
from fastemailnet.envelope import Lane
from fastemailnet.flashsync.frames import Intent, Outcome
from fastemailnet.net import dial, door
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.door import Claim
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import BounceClass, Kind
from tests.integration.smtp_world import Inbox, grant, route, transaction
from tests.integration.test_a_fleet_in_one_process import PATIENCE_S, House, house

BACKLOG = 300  # more than a node works on at once
COHORT = START
TIERS = (("defer.1m", 3_000), ("defer.5m", 3_000))


class Host:
    """Says one thing to whoever connects, or nothing, and then waits. ``greeted``: how many get a session of their own first."""

    def __init__(self, greeting: bytes = b"", greeted: int = 0) -> None:
        self.greeting, self.greeted = greeting, greeted
        self.tries = 0
        self.tried = asyncio.Event()
        self.peers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tries += 1
        self.tried.set()
        self.peers.append(writer)
        if self.tries <= self.greeted:
            await self.converse(reader, writer)
        elif self.greeting:
            writer.write(self.greeting)
            writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)  # the refusals come before this greeting
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 ok\r\n")

    async def start(self, stack: AsyncExitStack) -> int:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=BACKLOG)
        stack.callback(server.close)
        stack.callback(lambda: [writer.close() for writer in self.peers])
        return int(server.sockets[0].getsockname()[1])


async def deliver(pool: Pool, port: int, count: int, tls: TlsPolicy = TlsPolicy.NONE) -> list[Delivery]:
    one = (route(port, tls), "b.org", transaction(), grant, Claim(Lane.TRANSACTIONAL))
    return list(await asyncio.gather(*(pool.deliver(*one) for _ in range(count))))


def deferred(deliveries: list[Delivery]) -> Counter[bool]:
    """How many were tried (False) and how many met a pause (True); all wait as after a failure to connect."""
    outcomes = [delivery.outcomes[0] for delivery in deliveries]
    assert {(one.kind, one.bounce_class, one.status) for one in outcomes} == {
        (Kind.DEFERRED, BounceClass.NO_ANSWER_FROM_HOST, (4, 4, 1))
    }
    return Counter(one.reason.startswith("paused until") for one in outcomes)


async def first_ends(fleet: House, count: int) -> list[Outcome]:
    """The ends of first attempts, once there are so many."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        ends = [frame for frame in fleet.frames() if isinstance(frame, Outcome) and frame.attempt == 1]
        if len(ends) >= count:
            return ends
        assert asyncio.get_running_loop().time() < deadline, len(ends)
        await asyncio.sleep(0.1)


async def test_mail_to_others_passes_and_the_host_is_sent_to_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "GREETING_TIMEOUT_S", 1.0)
    monkeypatch.setattr(build, "schedule", lambda settings: retry.Schedule(TIERS))
    stack, host, table = AsyncExitStack(), Host(), tmp_path / "routes.toml"
    port = await host.start(stack)
    table.write_text(f'["silent.example"]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n')
    given = {"ROUTE__TABLE": str(table), "DELIVERY__PAUSE_FIRST_S": "4", "DELIVERY__PAUSE_LONGEST_S": "4"}
    async with stack, house(tmp_path, **given) as fleet:
        for number in range(BACKLOG):
            fleet.accept(f"r{number}@silent.example", domain="silent.example")
        fleet.start_node("a")
        await host.tried.wait()
        fleet.accept("other@x.example")
        await fleet.until(lambda b: b["relayed"] == 1)
        assert host.tries <= 2 * COHORT  # the other mail waited for one cohort, not for all of them
        ends = await first_ends(fleet, BACKLOG + 1)
        assert Counter(kind for end in ends for kind in end.kinds) == {Kind.DEFERRED: BACKLOG, Kind.RELAYED: 1}
        assert host.tries <= 2 * COHORT
        assert sum(isinstance(frame, Intent) for frame in fleet.frames()) == 1  # of the other mail
        await stack.aclose()
        inbox = Inbox()
        back = SmtpServer("127.0.0.1", port, inbox)
        await back.start()
        try:
            await fleet.until(lambda b: b["relayed"] == BACKLOG + 1)
        finally:
            await back.close()
        assert len({names[0] for _, names, _ in inbox.taken}) == len(inbox.taken) == BACKLOG


async def test_what_is_said_of_a_refused_connection_tells_its_address_once() -> None:
    pool = Pool("client", Limits(), terms=uniform(Ceilings(4)))
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        reason = (await deliver(pool, port, 1))[0].outcomes[0].reason
    assert reason.startswith(f"cannot connect to 127.0.0.1 port {port}: ")
    assert "Errno" not in reason
    assert "refused" in reason or "Connect call failed" in reason
    assert "Error connecting" not in reason
    assert "waiting for the reply" not in reason


async def test_one_cohort_tries_then_one_mail_and_all_when_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "GREETING_TIMEOUT_S", 0.3)
    pool = Pool("client", Limits(pause=Bounds(0.5, 0.5)), terms=uniform(Ceilings(4)))
    async with AsyncExitStack() as stack:
        host = Host()
        port = await host.start(stack)
        assert deferred(await deliver(pool, port, 40)) == {False: 4, True: 36}
        assert deferred(await deliver(pool, port, 10)) == {True: 10}
        assert host.tries == 4
        await asyncio.sleep(0.6)
        assert deferred(await deliver(pool, port, 10)) == {False: 1, True: 9}
        assert host.tries == 5
    inbox = Inbox()
    back = SmtpServer("127.0.0.1", port, inbox)
    await back.start()
    await asyncio.sleep(0.6)
    [probe] = await deliver(pool, port, 1)
    assert probe.outcomes[0].kind is Kind.RELAYED
    await deliver(pool, port, 40)
    await pool.close()
    await back.close()
    assert len(inbox.taken) == 41


async def test_a_place_that_comes_behind_a_cancelled_probe_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "GREETING_TIMEOUT_S", 0.3)
    pool = Pool("client", Limits(pause=Bounds(0.1, 0.1)), terms=uniform(Ceilings(1)))
    async with AsyncExitStack() as stack:
        host = Host()
        port = await host.start(stack)
        await deliver(pool, port, 1)
        await asyncio.sleep(0.2)
        host.tried.clear()
        probe = asyncio.create_task(deliver(pool, port, 1))
        await host.tried.wait()
        await asyncio.sleep(0.05)  # the probe waits for a greeting now
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert deferred(await deliver(pool, port, 1)) == {False: 1}
        assert host.tries == 3


async def test_a_host_that_takes_some_connections_and_refuses_more_gets_its_mail_over_those() -> None:
    pool = Pool("client", Limits(), terms=uniform(Ceilings(4)))
    async with AsyncExitStack() as stack:
        host = Host(b"421 4.7.0 too many connections\r\n", greeted=1)
        port = await host.start(stack)
        await deliver(pool, port, 1)
        outcomes = [one.outcomes[0] for one in await deliver(pool, port, 12)]
        assert {one.kind for one in outcomes} == {Kind.RELAYED}
        assert 1 < host.tries < 12  # it was tried to have more, and then left at that
        await pool.close()


async def test_a_host_that_says_421_to_all_is_paused() -> None:
    pool = Pool("client", Limits(), terms=uniform(Ceilings(4)))
    async with AsyncExitStack() as stack:
        host = Host(b"421 4.3.2 not now\r\n")
        port = await host.start(stack)
        await deliver(pool, port, 8)
        assert host.tries == 4
        [late] = await deliver(pool, port, 1)
        assert late.outcomes[0].kind is Kind.DEFERRED
        assert "421" in late.outcomes[0].reason


async def test_mail_to_a_host_that_is_paused_takes_no_turn_of_its_tenant_s_throttle() -> None:
    pool, inbox = Pool("client", Limits(), terms=uniform(Ceilings(4))), Inbox()
    slow = Claim(delays_s=(15.0, 60.0), throttle=throttle_of("acme", parse_rate("60/h,max_burst=2")))
    async with AsyncExitStack() as stack:
        away = await Host(b"421 4.3.2 not now\r\n").start(stack)
        server = SmtpServer("127.0.0.1", 0, inbox)
        here = await server.start()
        kinds = []
        for port in (away, away, away, here, here):
            done = await pool.deliver(route(port), "b.org", transaction(), grant, slow)
            kinds.append((done.outcomes[0].kind, done.put_off is not None))
        assert kinds == [*[(Kind.DEFERRED, False)] * 3, (Kind.RELAYED, False), (Kind.DEFERRED, True)]
        await pool.close()
        await server.close()


async def test_tls_that_one_demand_cannot_have_pauses_no_other() -> None:
    pool, inbox = Pool("client", Limits(), terms=uniform(Ceilings(4))), Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    for _ in range(2):
        *_, last = await deliver(pool, port, 4, TlsPolicy.ENCRYPT)
    [plain] = await deliver(pool, port, 1)
    await pool.close()
    await server.close()
    assert last.outcomes[0].kind is Kind.DEFERRED
    assert last.outcomes[0].status == (4, 7, 4)
    assert last.outcomes[0].reason.startswith("paused until")
    assert plain.outcomes[0].kind is Kind.RELAYED


async def test_who_waits_for_a_host_that_stands_still_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "STUCK_S", 0.5)
    pool = Pool("client", Limits())
    async with AsyncExitStack() as stack:
        port = await Host().start(stack)
        patient = Claim(Lane.BULK, delays_s=(15.0, 60.0))
        mails = [(route(port), "b.org", transaction(), grant, patient) for _ in range(40)]
        tasks = [asyncio.create_task(pool.deliver(*mail)) for mail in mails]
        places = int(START) - 1  # one is for transactional mail
        while sum(task.done() for task in tasks) < 40 - places:  # noqa: ASYNC110  the pool has no event for it
            await asyncio.sleep(0.05)
        assert all(task.result().put_off is not None for task in tasks if task.done())
        reason = next(task.result() for task in tasks if task.done()).outcomes[0].reason
        assert "nothing has moved for" in reason
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.doors.of("b.org", [Hop(Target("127.0.0.1", port), ("127.0.0.1",))]).site.busy == 0
