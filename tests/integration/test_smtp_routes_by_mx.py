"""A small name server on loopback answers for the domains of the test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from fastemailnet.delivery.route import Route, RouteKind, Target, TlsPolicy
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.resolve import Resolver, Unroutable
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Kind
from tests.integration.smtp_world import Inbox, grant, transaction

ZONE = {
    "two.test.": ["20 second.test.", "10 first.test.", "30 third.test."],
    "null.test.": ["0 ."],
    "local.test.": ["10 127.0.0.9.", "20 127.0.0.1."],
    "equal.test.": [f"10 mx{i}.test." for i in range(12)],
    "none.test.": [],
}


class NameServer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # datagrams
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text()
        self.asked.append(name)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name == "broken.test.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in ZONE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif ZONE[name]:
            answer.answer.append(dns.rrset.from_text(name, 300, "IN", "MX", *ZONE[name]))
        self.transport.sendto(answer.to_wire(), addr)


@contextlib.asynccontextmanager
async def naming(smtp_port: int = 25) -> AsyncIterator[tuple[Resolver, NameServer]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield Resolver(smtp_port, ["127.0.0.1"], port), server
    finally:
        transport.close()


async def test_hosts_come_by_preference_and_are_remembered() -> None:
    async with naming() as (resolver, server):
        for _ in range(3):
            found = await resolver.targets("two.test")
            assert found == [Target(f"{name}.test", 25) for name in ("first", "second", "third")]
        assert server.asked == ["two.test."]


async def test_hosts_of_equal_preference_share_the_load() -> None:
    async with naming() as (resolver, _):
        firsts = set()
        for _ in range(20):
            resolver.known.clear()
            found = await resolver.targets("equal.test")
            assert isinstance(found, list)
            assert len(found) == 12
            firsts.add(found[0])
        assert len(firsts) > 1


async def test_domains_that_take_no_mail_bounce_and_failures_defer() -> None:
    async with naming() as (resolver, server):
        for domain, kind in [("null.test", Kind.BOUNCED), ("gone.test", Kind.BOUNCED), ("broken.test", Kind.DEFERRED)]:
            for _ in range(2):
                found = await resolver.targets(domain)
                assert isinstance(found, Unroutable)
                assert found.kind is kind
        assert server.asked.count("gone.test.") == 1


async def test_a_domain_without_mx_and_a_literal_are_hosts_themselves() -> None:
    async with naming() as (resolver, server):
        assert await resolver.targets("none.test") == [Target("none.test", 25)]
        assert await resolver.targets("[127.0.0.1]") == [Target("[127.0.0.1]", 25)]
        assert server.asked == ["none.test."]


async def test_the_next_host_is_tried_where_the_first_is_dead() -> None:
    inbox = Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    async with naming(port) as (resolver, _):
        pool = Pool("client.example.net", Limits(), resolver)
        delivery = await pool.deliver(Route(RouteKind.MX, tls=TlsPolicy.NONE), "local.test", transaction(), grant)
        bounced = await pool.deliver(Route(RouteKind.MX), "null.test", transaction(), grant)
        literal = await pool.deliver(Route(RouteKind.MX), "[127.0.0.1]", transaction(), grant)
        await pool.close()
    await server.close()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert delivery.host == "127.0.0.1"
    assert bounced.outcomes[0].kind is Kind.BOUNCED
    assert literal.outcomes[0].kind is Kind.RELAYED
    assert len(inbox.taken) == 2


async def test_a_destination_is_made_ready_before_its_mail_comes() -> None:
    inbox = Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    ZONE["soon.test."] = ["10 127.0.0.1."]
    async with naming(port) as (resolver, names):
        pool = Pool("client", Limits(), resolver)
        route = Route(RouteKind.MX, port=port, tls=TlsPolicy.NONE)
        await pool.warm(route, "soon.test")
        await pool.warm(route, "soon.test")
        [site] = pool.sites.values()
        assert (len(site.idle), site.busy, names.asked) == (1, 0, ["soon.test."])
        delivery = await pool.deliver(route, "soon.test", transaction(), grant)
        assert delivery.outcomes[0].kind is Kind.RELAYED
        assert len(server.connections) == 1
        await pool.warm(route, "none.such.test")
        await pool.close()
    await server.close()
