"""A name server on loopback answers for the domains of the test."""

import asyncio

import pytest

from fastemailnet.delivery.exchanger import Hop, Rules, Unroutable
from fastemailnet.delivery.route import Route, RouteKind, Target, TlsPolicy
from fastemailnet.net import dns as net_dns
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.resolve import Resolver
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Kind
from fastemailnet.smtp.classify import Fault
from tests.integration.dns_world import naming, resolver
from tests.integration.smtp_world import Inbox, grant, only_door, transaction

ZONE = {
    "two.test. MX": ["20 second.test.", "10 first.test.", "30 third.test."],
    "first.test. A": ["192.0.2.1"],
    "second.test. AAAA": ["2001:db8::2"],
    "third.test. A": ["192.0.2.3"],
    "null.test. MX": ["0 ."],
    "local.test. MX": ["10 dead.test.", "20 live.test."],
    "dead.test. A": ["127.0.0.9"],
    "live.test. A": ["127.0.0.1"],
    "equal.test. MX": [f"10 mx{number}.test." for number in range(60)],
    **{f"mx{number}.test. A": [f"192.0.2.{number + 1}"] for number in range(60)},
    "bare.test. A": ["127.0.0.1"],
    "alias.test. CNAME": ["two.test."],
    "empty.test. TXT": ["nothing else"],
    "nowhere.test. MX": ["10 none.such.test."],
    "lame.test. MX": ["10 mx.broken.test."],
    "several.test. MX": ["10 dead2.test."],
    "dead2.test. A": ["127.0.0.9", "127.0.0.1"],
}
MX_ROUTE = Route(RouteKind.MX, tls=TlsPolicy.NONE)


async def test_hosts_come_by_preference_and_are_remembered() -> None:
    async with naming(ZONE) as (dns, server):
        way = resolver(dns)
        expected = [
            Hop(Target("first.test", 25), ("192.0.2.1",)),
            Hop(Target("second.test", 25), ("2001:db8::2",)),
            Hop(Target("third.test", 25), ("192.0.2.3",)),
        ]
        for _ in range(3):
            assert await way.hops("two.test") == expected
        way.plans.clear()
        assert await way.hops("two.test") == expected  # from the answers, which are remembered too
        assert await way.hops("alias.test") == expected
        assert len(server.asked) == 1 + 6 + 1


async def test_a_large_answer_comes_over_tcp_and_hosts_of_equal_preference_share_the_load() -> None:
    async with naming(ZONE) as (dns, server):
        firsts = set()
        for _ in range(20):
            found = await resolver(dns).hops("equal.test")
            assert isinstance(found, list)
            assert len(found) == 5
            firsts.add(found[0])
        assert len(firsts) > 1
        assert server.over_tcp == 1


@pytest.mark.parametrize(
    ("domain", "fault", "questions"),
    [
        ("null.test", Fault.NULL_MX, 1),
        ("gone.test", Fault.NO_DOMAIN, 1),
        ("empty.test", Fault.NO_DOMAIN, 3),
        ("nowhere.test", Fault.NO_ADDRESS, 3),
        ("broken.test", Fault.LOOK_UP, 1),
        ("silent.test", Fault.LOOK_UP, 1),
        ("lame.test", Fault.LOOK_UP, 3),
        ("a..b", Fault.NO_DOMAIN, 0),
        ("x" * 64 + ".test", Fault.NO_DOMAIN, 0),
        ("[not an address]", Fault.NO_DOMAIN, 0),
    ],
)
async def test_why_a_domain_has_no_host_is_remembered_as_well(domain: str, fault: Fault, questions: int) -> None:
    async with naming(ZONE) as (dns, server):
        way = resolver(dns)
        for _ in range(2):
            found = await way.hops(domain)
            assert isinstance(found, Unroutable)
            assert found.fault is fault
        assert len(set(server.asked)) == questions
        assert domain.startswith(("broken", "silent", "lame")) or len(server.asked) == questions


async def test_what_is_asked_already_is_waited_for() -> None:
    async with naming(ZONE) as (dns, server):
        way = resolver(dns)
        await asyncio.gather(*(way.hops("bare.test") for _ in range(50)))
        assert sorted(server.asked) == [("bare.test", kind) for kind in ("A", "AAAA", "MX")]


async def test_answers_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_dns, "MAX_ANSWERS", 10)
    async with naming(ZONE) as (dns, _):
        for number in range(30):
            await dns.mx(f"d{number}.test")
        assert len(dns.known) == 10
        assert ("d29.test", net_dns.MX) in dns.known


async def test_a_host_that_waits_for_no_answer_keeps_no_other_from_theirs() -> None:
    async with naming(ZONE) as (dns, _):
        slow = asyncio.create_task(resolver(dns).hops("silent.test"))
        assert isinstance(await resolver(dns).hops("bare.test"), list)
        assert not slow.done()
        await slow


async def test_loopback_is_no_mail_host_unless_allowed() -> None:
    async with naming(ZONE) as (dns, _):
        way = resolver(dns, allow_loopback=False)
        for domain in ("bare.test", "local.test", "[127.0.0.1]", "[IPv6:::1]", "[IPv6:::ffff:127.0.0.1]"):
            found = await way.hops(domain)
            assert isinstance(found, Unroutable)
            assert found.fault is Fault.LOOP


async def test_the_next_host_and_the_next_address_are_tried_where_the_first_is_dead() -> None:
    inbox = Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    async with naming(ZONE) as (dns, _):
        pool = Pool("client.example.net", Limits(), resolver(dns, port))
        delivery = await pool.deliver(MX_ROUTE, "local.test", transaction(), grant)
        bounced = await pool.deliver(MX_ROUTE, "null.test", transaction(), grant)
        literal = await pool.deliver(MX_ROUTE, "[127.0.0.1]", transaction(), grant)
        several = await pool.deliver(MX_ROUTE, "several.test", transaction(), grant)
        await pool.close()
    await server.close()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert (delivery.host, delivery.ip) == ("live.test", "127.0.0.1")
    assert bounced.outcomes[0].kind is Kind.BOUNCED
    assert bounced.outcomes[0].reason.endswith("(5.1.10)")
    assert literal.outcomes[0].kind is Kind.RELAYED
    assert several.outcomes[0].kind is Kind.RELAYED
    assert len(inbox.taken) == 3


async def test_a_load_test_connects_elsewhere_under_the_names_of_the_hosts() -> None:
    inbox = Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    async with naming(ZONE) as (dns, _):
        way = Resolver(dns, Rules(25, "client.example.net"), redirect=("127.0.0.1", port))
        pool = Pool("client.example.net", Limits(), way)
        delivery = await pool.deliver(MX_ROUTE, "two.test", transaction(), grant)
        bounced = await pool.deliver(MX_ROUTE, "null.test", transaction(), grant)
        await pool.close()
    await server.close()
    assert (delivery.outcomes[0].kind, delivery.host) == (Kind.RELAYED, "first.test")
    assert bounced.outcomes[0].kind is Kind.BOUNCED
    assert len(inbox.taken) == 1


async def test_a_destination_is_made_ready_before_its_mail_comes() -> None:
    inbox = Inbox()
    server = SmtpServer("127.0.0.1", 0, inbox)
    port = await server.start()
    async with naming(ZONE) as (dns, names):
        pool = Pool("client", Limits(), resolver(dns, port))
        route = Route(RouteKind.MX, port=port, tls=TlsPolicy.NONE)
        await pool.warm(route, "bare.test")
        await pool.warm(route, "bare.test")
        door = only_door(pool)
        assert (len(door.idle), door.site.busy, len(names.asked)) == (1, 0, 3)
        delivery = await pool.deliver(route, "bare.test", transaction(), grant)
        assert delivery.outcomes[0].kind is Kind.RELAYED
        assert len(server.connections) == 1
        await pool.warm(route, "none.such.test")
        await pool.close()
    await server.close()
