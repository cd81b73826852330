import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import uvloop

from fastemailnet.delivery.caution import START
from fastemailnet.delivery.demand import PLAIN
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.terms import Ceilings, uniform
from fastemailnet.envelope import Lane
from fastemailnet.net.door import Claim
from fastemailnet.net.doors import Doors
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Kind, Reply
from tests.integration.smtp_world import CONTENT, Inbox, grant, only_door, route, transaction, withhold

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]
LARGE = (b"x" * 998 + b"\r\n") * 70  # flows before the release is asked


@contextlib.asynccontextmanager
async def listening(inbox: Inbox, port: int = 0) -> AsyncIterator[SmtpServer]:
    server = SmtpServer("127.0.0.1", port, inbox, hostname="mx.example.org")
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool("client.example.net", Limits(), terms=uniform(Ceilings(4)))
    yield made
    await made.close()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_mail_arrives_whole_with_its_facts(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scene() -> None:
        inbox, pool = Inbox(), Pool("client.example.net", Limits())
        async with listening(inbox) as server:
            delivery = await pool.deliver(
                route(server.port), "example.org", transaction("a@b.org", "nobody@b.org"), grant
            )
            await pool.close()
        assert [(o.recipient, o.kind) for o in delivery.outcomes] == [(0, Kind.RELAYED), (1, Kind.BOUNCED)]
        assert delivery.outcomes[1].reply == Reply(550, (5, 1, 1), "nobody here")
        assert inbox.taken == [("from@example.net", ["a@b.org"], CONTENT)]
        assert delivery.where() == {"host": "127.0.0.1", "ip": "127.0.0.1"}

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scene())


async def test_a_large_message_arrives_whole(pool: Pool) -> None:
    inbox, content = Inbox(), b".line that is long enough to be many octets\r\n" * 40_000
    async with listening(inbox) as server:
        delivery = await pool.deliver(route(server.port), "b.org", transaction(content=content), grant)
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert inbox.taken[0][2] == content


async def test_connections_are_reused_and_bounded(pool: Pool) -> None:
    inbox = Inbox()
    inbox.wait_s = 0.002
    async with listening(inbox) as server:
        most, made = 0, set()

        async def one() -> Kind:
            nonlocal most
            delivery = await pool.deliver(route(server.port), "b.org", transaction(), grant)
            most = max(most, len(server.connections))
            made.update(server.connections)
            return delivery.outcomes[0].kind

        kinds = await asyncio.gather(*(one() for _ in range(100)))
    assert set(kinds) == {Kind.RELAYED}
    assert len(inbox.taken) == 100
    assert most == len(made) == 4


async def test_some_connections_are_for_transactional_mail_alone() -> None:
    pool = Pool("client.example.net", Limits(), terms=uniform(Ceilings(10)))
    inbox = Inbox()
    inbox.wait_s = 0.05
    async with listening(inbox) as server:
        one = (route(server.port), "b.org", transaction(), grant)
        bulk = [asyncio.create_task(pool.deliver(*one, Claim(Lane.BULK))) for _ in range(40)]
        await asyncio.sleep(0)  # each of them has its place, or waits for one
        assert only_door(pool).site.busy == START - 1
        delivery = await pool.deliver(*one, Claim(Lane.TRANSACTIONAL))
        assert delivery.outcomes[0].kind is Kind.RELAYED
        assert sum(task.done() for task in bulk) < 31  # it did not wait for all of them
        await asyncio.gather(*bulk)
        assert START < len(server.connections) <= 10
    await pool.close()


async def test_a_withheld_end_leaves_no_mail_and_no_outcome(pool: Pool) -> None:
    inbox = Inbox()
    async with listening(inbox) as server:
        delivery = await pool.deliver(route(server.port), "b.org", transaction(), withhold)
        await asyncio.sleep(0.05)
        assert list(delivery.outcomes) == []
        assert inbox.taken == []
        assert not server.connections


async def test_a_release_that_fails_costs_the_connection_only(pool: Pool) -> None:
    inbox = Inbox()

    async def fail(reaches: tuple[int, ...]) -> bool:
        raise RuntimeError("no log")

    async with listening(inbox) as server:
        with pytest.raises(RuntimeError, match="no log"):
            await pool.deliver(route(server.port), "b.org", transaction(content=LARGE), fail)
        delivery = await pool.deliver(route(server.port), "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert len(inbox.taken) == 1


async def test_a_cancelled_delivery_gives_its_place_back(pool: Pool) -> None:
    inbox = Inbox()
    async with listening(inbox) as server:
        asked = asyncio.Event()

        async def never(reaches: tuple[int, ...]) -> bool:
            asked.set()
            await asyncio.Event().wait()
            return True

        tasks = [
            asyncio.create_task(pool.deliver(route(server.port), "b.org", transaction(content=LARGE), never))
            for _ in range(6)
        ]
        await asked.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        kinds = await asyncio.gather(
            *(pool.deliver(route(server.port), "b.org", transaction(), grant) for _ in range(8))
        )
    assert [delivery.outcomes[0].kind for delivery in kinds] == [Kind.RELAYED] * 8
    assert len(inbox.taken) == 8


async def test_a_place_that_comes_with_the_cancellation_goes_to_the_next() -> None:
    target = Target("host", 25)
    door = Doors(uniform(Ceilings(1)), Shares(0, 1, 0.0)).of("b.org", [Hop(target, ("192.0.2.1",))])
    await door.enter(Claim(), target, PLAIN)
    second = asyncio.create_task(door.enter(Claim(), target, PLAIN))
    await asyncio.sleep(0)
    door.leave(None)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.wait_for(door.enter(Claim(), target, PLAIN), 1.0)


async def test_a_warm_connection_that_died_is_replaced(pool: Pool) -> None:
    inbox = Inbox()
    async with listening(inbox) as server:
        await pool.deliver(route(server.port), "b.org", transaction(), grant)
        port = server.port
    async with listening(inbox, port) as server:
        delivery = await pool.deliver(route(port), "b.org", transaction(), grant)
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert len(inbox.taken) == 2


async def test_no_reply_to_the_end_is_in_doubt(pool: Pool) -> None:
    inbox = Inbox()
    inbox.reply = None
    async with listening(inbox) as server:
        delivery = await pool.deliver(route(server.port), "b.org", transaction("a@b.org", "nobody@b.org"), grant)
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.IN_DOUBT, Kind.BOUNCED]


async def test_a_refused_connection_defers_and_never_asks(pool: Pool) -> None:
    async with listening(Inbox()) as server:
        port = server.port

    async def never(reaches: tuple[int, ...]) -> bool:
        raise AssertionError("asked without a connection")

    delivery = await pool.deliver(route(port), "b.org", transaction(), never)
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.DEFERRED]
    assert "connect" in delivery.outcomes[0].reason


async def test_a_greeting_of_5xx_condemns_the_connection_not_the_mail(pool: Pool) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 not you\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    delivery = await pool.deliver(route(port), "b.org", transaction(), grant)
    server.close()
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert delivery.outcomes[0].reply == Reply(554, (5, 7, 1), "not you")


async def test_idle_connections_close_themselves() -> None:
    pool, inbox = Pool("client", Limits(idle_s=0.5)), Inbox()
    async with listening(inbox) as server:
        await pool.deliver(route(server.port), "b.org", transaction(), grant)
        assert len(server.connections) == 1
        async with asyncio.timeout(30):
            while server.connections:  # noqa: ASYNC110  the server has no event for it
                await asyncio.sleep(0.02)


async def test_after_a_quiet_while_a_server_that_left_costs_no_doubt() -> None:
    """The peer takes octets and drops the connection, as one that timed out just now does."""
    pool, inbox = Pool("client", Limits()), Inbox()
    async with listening(inbox) as server:
        await pool.deliver(route(server.port), "b.org", transaction(), grant)
        [client] = only_door(pool).idle
        client.used_s -= 10  # it has been quiet for ten seconds
        [peer] = server.connections
        peer.data_received = lambda data: peer.transport.abort()  # type: ignore[method-assign, union-attr] # leaves
        delivery = await pool.deliver(route(server.port), "b.org", transaction(), grant)
        await pool.close()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert len(inbox.taken) == 2


async def test_releases_are_asked_once_and_awaited(pool: Pool) -> None:
    inbox = Inbox()
    answered: list[bool] = []

    def slow(_: int) -> Callable[[], Awaitable[bool]]:
        async def release(reaches: tuple[int, ...]) -> bool:
            await asyncio.sleep(0.01)
            assert len(inbox.taken) == len(answered)
            answered.append(True)
            return True

        return release

    async with listening(inbox) as server:
        for number in range(3):
            await pool.deliver(route(server.port), "b.org", transaction(), slow(number))
    assert len(answered) == len(inbox.taken) == 3


async def test_what_a_route_ignores_is_not_offered() -> None:
    pool = Pool("client.example.net", Limits())
    async with listening(Inbox()) as server:
        way = replace(route(server.port), ignores=("pipelining", "chunking"))
        delivery = await pool.deliver(way, "b.org", transaction(), grant)
        [connection] = only_door(pool).idle
        await pool.close()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert (connection.offers.pipelining, connection.offers.chunking, connection.offers.eight_bit) == (
        False,
        False,
        True,
    )
