"""Paces, connections and providers, over real sockets; and two nodes that share one site's connections by the coordinator."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise

from actors.sharing import Sharing
from fastemailnet.delivery.caution import START
from fastemailnet.delivery.retry import DEFAULT
from fastemailnet.delivery.shares import Answer, Key, Lender, Request, Shares, What
from fastemailnet.delivery.terms import Ceilings, Terms, uniform
from fastemailnet.delivery.throttle import Pace
from fastemailnet.envelope import Lane
from fastemailnet.net.clock import since_boot_s
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.door import Claim
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import BounceClass, Kind
from tests.integration.smtp_world import Inbox, grant, only_door, route, transaction

PATIENT = Claim(Lane.BULK)
HURRIED = Claim(Lane.BULK, delays_s=DEFAULT.delays_s)


class Clocked(Inbox):
    """Remembers when each mail came, and how many were there at once."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.inside = self.most = 0

    async def message(self, *given: object) -> object:  # type: ignore[override]
        self.times.append(asyncio.get_running_loop().time())
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            return await super().message(*given)  # type: ignore[arg-type]
        finally:
            self.inside -= 1


async def listening(stack: AsyncExitStack, inbox: Inbox) -> int:
    server = SmtpServer("127.0.0.1", 0, inbox)
    await server.start()
    stack.push_async_callback(server.close)
    return server.port


async def deliver(pool: Pool, ports: Sequence[int], count: int, claim: Claim) -> list[Delivery]:
    each = [pool.deliver(route(port), "b.org", transaction(), grant, claim) for _ in range(count) for port in ports]
    return list(await asyncio.gather(*each))


async def test_no_more_mails_have_come_than_the_pace_allows() -> None:
    inbox = Clocked()
    pool = Pool("client", Limits(), terms=uniform(Ceilings(20, Pace(20.0, 2.0))))
    async with AsyncExitStack() as stack:
        port = await listening(stack, inbox)
        begun = asyncio.get_running_loop().time()
        done = await deliver(pool, [port], 30, PATIENT)
        await pool.close()
    assert {one.outcomes[0].kind for one in done} == {Kind.RELAYED}
    for number, at in enumerate(inbox.times):
        assert at >= begun + (number + 1 - 2) / 20.0


async def test_whose_turn_is_far_off_is_put_off_as_far() -> None:
    inbox = Inbox()
    pool = Pool("client", Limits(), terms=uniform(Ceilings(20, Pace(1 / 60))))
    async with AsyncExitStack() as stack:
        port = await listening(stack, inbox)
        done = await deliver(pool, [port], 5, HURRIED)
        await pool.close()
    assert len(inbox.taken) == 1
    turns = sorted(one.put_off.turn_s for one in done if one.put_off is not None)
    assert len(turns) == 4
    assert all(50 <= after - before <= 70 for before, after in pairwise([0.0, *turns])), turns
    put_off = [one.outcomes[0] for one in done if one.put_off is not None]
    assert {(one.kind, one.bounce_class) for one in put_off} == {(Kind.DEFERRED, BounceClass.RATE_LIMITED)}
    assert "waits for its turn at 127.0.0.1" in put_off[0].reason


async def test_a_slow_site_keeps_few_in_the_node_and_puts_the_others_off() -> None:
    inbox = Inbox()
    inbox.wait_s = 0.5
    pool = Pool("client", Limits(), terms=uniform(Ceilings(2)))
    async with AsyncExitStack() as stack:
        port = await listening(stack, inbox)
        await deliver(pool, [port], 2, PATIENT)
        only_door(pool).held_s = inbox.wait_s  # as it is learned in the long run
        asked = asyncio.create_task(deliver(pool, [port], 100, HURRIED))
        await asyncio.sleep(0.1)
        inbox.wait_s = 0.0  # enough is seen
        done = await asked
        await pool.close()
    kinds = [one.outcomes[0].kind for one in done]
    assert kinds.count(Kind.RELAYED) == len(inbox.taken) - 2 < 70
    assert all(one.put_off for one in done if one.outcomes[0].kind is Kind.DEFERRED)


async def test_the_sites_of_a_provider_share_its_connections() -> None:
    inbox = Clocked()
    inbox.wait_s = 0.02
    above = Ceilings(3)

    def terms(_: str, hosts: Sequence[str]) -> Terms:
        return Terms(",".join(hosts), Ceilings(20), "big", above)

    pool = Pool("client", Limits(), terms=terms)
    async with AsyncExitStack() as stack:
        ports = [await listening(stack, inbox) for _ in range(3)]
        done = await deliver(pool, ports, 20, PATIENT)
        open_now = sum(len(door.idle) for door in pool.doors.doors.values())
        await pool.close()
    assert {one.outcomes[0].kind for one in done} == {Kind.RELAYED}
    assert inbox.most == 3
    assert open_now <= 3


async def test_a_site_that_wants_fewer_gets_fewer() -> None:
    """It refused more than one at once, and is given all over that one."""
    inbox = Inbox()
    pool = Pool("client", Limits(), terms=uniform(Ceilings(20)))
    async with AsyncExitStack() as stack:
        port = await listening(stack, inbox)
        await deliver(pool, [port], 1, PATIENT)
        caution = only_door(pool).caution
        assert caution.bears > START
        caution.refused(1)
        inbox.wait_s = 0.05
        await deliver(pool, [port], 4, PATIENT)
        assert len(only_door(pool).idle) == 1
        await pool.close()


async def test_nodes_share_a_site_s_connections() -> None:
    """One node that is busy alone gets all but one, two that are share; together they never have more than the fleet may."""
    lender = Lender(2, 1, since_boot_s())

    async def lend(request: Request) -> Answer | None:
        return lender.lend(request, since_boot_s())

    inbox = Inbox()
    inbox.wait_s = 0.02
    shares = [Shares(node, 2, since_boot_s()) for node in range(2)]
    pools = [Pool("client", Limits(), terms=uniform(Ceilings(8)), shares=one) for one in shares]
    asking = [asyncio.create_task(Sharing(p.doors, s, lend).run(1)) for p, s in zip(pools, shares, strict=True)]
    async with AsyncExitStack() as stack:
        server = SmtpServer("127.0.0.1", 0, inbox)
        port = await server.start()
        stack.push_async_callback(server.close)
        seen: list[int] = []

        async def send(pool: Pool) -> None:
            while True:
                await deliver(pool, [port], 1, PATIENT)
                seen.append(len(server.connections))

        async def until(*parts: float) -> None:
            """Until the nodes have these parts."""
            key = Key(f"127.0.0.1:{port}", What.CONNECTIONS)
            async with asyncio.timeout(60):
                while tuple(one.of(key, 8, since_boot_s()) for one in shares) != parts:  # noqa: ASYNC110  it has no event
                    await asyncio.sleep(0.01)

        senders = [asyncio.create_task(send(pools[0])) for _ in range(20)]
        await until(7, 1)
        senders += [asyncio.create_task(send(pools[1])) for _ in range(20)]
        await until(4, 4)
        assert max(seen) <= 8
        for task in (*senders, *asking):
            task.cancel()
        for pool in pools:
            await pool.close()
