"""MTA-STS over real DNS, HTTPS and SMTP on loopback: what each mode does, and what a broken policy does not."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from dns.rdatatype import TXT

from actors.build_delivery import resolver as resolver_of
from fastemailnet.config import load
from fastemailnet.delivery.answer import Answer, Found
from fastemailnet.delivery.demand import Result
from fastemailnet.delivery.route import Route, RouteKind
from fastemailnet.envelope import TlsWish
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.sts import StsPolicies
from fastemailnet.net.sts_file import PolicyFile
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind
from tests.integration.dns_world import NameServer, naming, resolver
from tests.integration.smtp_world import Inbox, grant, transaction
from tests.integration.tls_world import Authority, PolicyHost, mail_host, policy_host

ROUTE = Route(RouteKind.MX)


def policy(mode: str, *mx: str, max_age: int = 86_400) -> bytes:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in mx), f"max_age: {max_age}"]
    return "\r\n".join(lines).encode()


def zone(*domains: str) -> dict[str, list[str]]:
    """Domains that share one mail host, each with a policy of its own."""
    found = {"mx.test. A": ["127.0.0.1"]}
    for domain in domains:
        found[f"{domain}. MX"] = ["10 mx.test."]
        found[f"_mta-sts.{domain}. TXT"] = ['"v=STSv1; id=1;"']
        found[f"mta-sts.{domain}. A"] = ["127.0.0.1"]
    return found


@dataclass
class World:
    pool: Pool
    policies: StsPolicies
    names: NameServer
    host: PolicyHost
    inbox: Inbox
    wall_ms: int = 1_000_000_000_000

    async def deliver(self, domain: str = "a.test", wish: TlsWish = TlsWish.DEFAULT) -> Delivery:
        assert self.pool.resolver is not None
        self.pool.resolver.plans.clear()  # as if a plan's time were over
        return await self.pool.deliver(ROUTE, domain, replace(transaction(), tls=wish), grant)

    async def restart(self, path: Path) -> None:
        """As a process that starts anew: of the former one it has the file."""
        old = self.policies
        self.policies = StsPolicies(old.dns, old.trust, port=old.port, now=lambda: self.wall_ms, file=PolicyFile(path))
        assert self.pool.resolver is not None
        self.pool.resolver.sts = self.policies
        old.dns.known.clear()

    async def announce(self, number: int) -> None:
        self.names.zone["_mta-sts.a.test.", "TXT"] = [f'"v=STSv1; id={number};"']
        self.policies.dns.known.clear()


@contextlib.asynccontextmanager
async def world(
    folder: Path,
    body: bytes,
    *,
    mail: tuple[str, ...] | None = ("mx.test",),
    web: str = "mta-sts.a.test",
    **answer: str,
) -> AsyncIterator[World]:
    """One domain, one mail host with a certificate for the names given (None: no TLS), one policy host."""
    authority, inbox = Authority(), Inbox()
    host = PolicyHost(body, **answer)
    host.gate.set()
    context = authority.issue(*mail).server(folder) if mail else None
    async with (
        mail_host(inbox, context) as port,
        policy_host(host, authority.issue(web, "mta-sts.slow.test").server(folder)) as https,
        naming(zone("a.test")) as (dns, names),
    ):
        trust = Trust(authority.trust(folder))
        policies = StsPolicies(dns, trust, port=https)
        way = resolver(dns, port)
        way.sts = policies
        made = World(Pool("client.example.net", Limits(), way, trust), policies, names, host, inbox)
        policies.now_ms = lambda: made.wall_ms
        try:
            yield made
        finally:
            await made.pool.close()


def results(delivery: Delivery) -> list[tuple[str, str]]:
    return [(session.type, session.result) for session in delivery.sessions]


async def test_enforce_takes_a_host_of_the_policy_with_a_valid_certificate(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "*.test")) as w:
        delivery = await w.deliver()
        again = await w.deliver()
        assert w.host.asked == 1
    assert delivery.outcomes[0].kind is again.outcomes[0].kind is Kind.RELAYED
    assert delivery.where()["policy"] == "sts enforce"
    assert len(delivery.certificate) == 64
    assert results(delivery) == [("sts", "")]
    assert again.sessions == []  # the same connection


@pytest.mark.parametrize(
    ("mail", "mx", "status", "result"),
    [
        (("other.test",), "mx.test", "4.7.5", Result.HOST_MISMATCH),
        (None, "mx.test", "4.7.4", Result.NOT_SUPPORTED),
        (("mx.test",), "elsewhere.test", "4.7.0", Result.FAILURE),
    ],
)
async def test_enforce_defers_and_sends_nothing_where_the_host_is_not_what_it_should_be(
    tmp_path: Path, mail: tuple[str, ...] | None, mx: str, status: str, result: Result
) -> None:
    async with world(tmp_path, policy("enforce", mx), mail=mail) as w:
        delivery = await w.deliver()
    assert delivery.outcomes[0].kind is Kind.DEFERRED
    assert delivery.outcomes[0].reason.endswith(f"({status})")
    assert results(delivery) == [("sts", result)]
    assert w.inbox.taken == []


async def test_a_mail_that_requires_tls_comes_back_only_where_waiting_is_of_no_use(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "mx.test", "dead.test"), mail=None) as w:
        alone = await w.deliver(wish=TlsWish.REQUIRED)
        again = await w.deliver(wish=TlsWish.REQUIRED)  # the host is paused for it by now
        for one in (alone, again):
            assert (one.outcomes[0].kind, one.outcomes[0].enhanced) == (Kind.BOUNCED, (5, 7, 30))
        w.names.zone["a.test.", "MX"].append("20 dead.test.")  # may have TLS when it is back
        w.names.zone["dead.test.", "A"] = ["127.0.0.9"]
        w.policies.dns.known.clear()
        assert (await w.deliver(wish=TlsWish.REQUIRED)).outcomes[0].kind is Kind.DEFERRED
    async with world(tmp_path, policy("enforce", "mx.test"), status="500 Broken") as w:
        delivery = await w.deliver(wish=TlsWish.REQUIRED)
        assert (delivery.outcomes[0].kind, delivery.outcomes[0].enhanced) == (Kind.DEFERRED, (4, 4, 3))
        w.policies.troubles.clear()
        w.policies.dns.known["_mta-sts.a.test", TXT] = Answer(
            Found.FAILED, until_s=float("inf"), failure="NoNameservers"
        )
        delivery = await w.deliver(wish=TlsWish.REQUIRED)
        assert "NoNameservers" in delivery.outcomes[0].reason
        del w.names.zone["_mta-sts.a.test.", "TXT"]
        w.policies.dns.known.clear()
        assert (await w.deliver(wish=TlsWish.REQUIRED)).outcomes[0].enhanced == (5, 7, 10)


@pytest.mark.parametrize("mail", [("other.test",), None])
async def test_testing_delivers_as_if_there_were_no_policy_and_reports(
    tmp_path: Path, mail: tuple[str, ...] | None
) -> None:
    async with world(tmp_path, policy("testing", "mx.test"), mail=mail) as w:
        delivery = await w.deliver()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert results(delivery) == [("sts", Result.HOST_MISMATCH if mail else Result.NOT_SUPPORTED)]
    assert bool(delivery.tls) is bool(mail)


async def test_mode_none_is_no_policy(tmp_path: Path) -> None:
    async with world(tmp_path, policy("none"), mail=("other.test",)) as w:
        delivery = await w.deliver()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert results(delivery) == [("no-policy-found", "")]


@pytest.mark.parametrize(
    ("answer", "body", "result"),
    [
        ({"status": "404 Not Found"}, policy("enforce", "x.test"), Result.STS_FETCH),
        ({"status": "301 Moved", "headers": "Location: /elsewhere\r\n"}, b"", Result.STS_FETCH),
        ({"kind": "text/html"}, policy("enforce", "x.test"), Result.STS_INVALID),
        ({}, b"version: STSv2\nmode: enforce\nmx: x.test\nmax_age: 1", Result.STS_INVALID),
        ({}, policy("enforce", "x.test") + b"\nnote: " + b"x" * 70_000, Result.STS_INVALID),
        ({"web": "mta-sts.b.test"}, policy("enforce", "x.test"), Result.STS_WEBPKI),
    ],
)
async def test_a_policy_that_cannot_be_had_is_none_and_is_not_asked_for_again_at_once(
    tmp_path: Path, answer: dict[str, str], body: bytes, result: Result
) -> None:
    async with world(tmp_path, body, **answer) as w:
        delivery = await w.deliver()
        assert results(delivery)[0] == ("sts", result)
        asked = w.host.asked
        assert asked <= 1
        await w.deliver()
        assert w.host.asked == asked
        w.wall_ms += 300_001
        w.host.body, w.host.status, w.host.kind = policy("enforce", "x.test"), "200 OK", "text/plain"
        later = await w.deliver()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    is_had_now = answer.get("web") is None
    assert later.outcomes[0].kind is (Kind.DEFERRED if is_had_now else Kind.RELAYED)


async def test_a_host_that_never_answers_is_waited_for_no_longer_than_a_fetch_may_take(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "x.test")) as w:
        w.host.gate.clear()
        w.policies.fetch_s = 0.3
        delivery = await w.deliver()
        w.host.gate.set()
    assert delivery.outcomes[0].kind is Kind.RELAYED
    assert results(delivery) == [("sts", Result.STS_FETCH)]
    assert "within 0.3 s" in delivery.sessions[0].text


async def test_a_policy_without_end_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "x.test") + b"\nnote: ") as w:
        w.host.is_endless = True
        delivery = await w.deliver()
        w.host.is_endless = False
    assert results(delivery) == [("sts", Result.STS_INVALID)]
    assert "octets" in delivery.sessions[0].text


async def test_a_policy_outlives_its_record_and_its_host_until_its_time_is_over(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "x.test", max_age=1_000)) as w:
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        w.host.status = "500 Broken"
        await w.announce(2)
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED  # asked for the new one in vain
        assert w.host.asked == 2
        del w.names.zone["_mta-sts.a.test.", "TXT"]
        w.policies.dns.known.clear()
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED  # no record
        w.wall_ms += 1_000_001
        assert (await w.deliver()).outcomes[0].kind is Kind.RELAYED


async def test_a_policy_outlives_a_restart_until_its_time_is_over(tmp_path: Path) -> None:
    """RFC 8461 section 5.1: whoever can suppress the record and the host must not be able to lift the policy by a restart."""
    path = tmp_path / "nodes" / "a.sts"
    async with world(tmp_path, policy("enforce", "x.test", max_age=1_000)) as w:
        await w.restart(path)
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        w.host.status = "500 Broken"
        w.wall_ms += 999_000
        await w.restart(path)
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        del w.names.zone["_mta-sts.a.test.", "TXT"]
        await w.restart(path)
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        w.wall_ms += 1_001
        await w.restart(path)
        assert w.policies.kept == {}
        assert (await w.deliver()).outcomes[0].kind is Kind.RELAYED


def test_each_node_has_a_file_of_its_own(tmp_path: Path) -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    policies = [resolver_of(settings, name).sts for name in ("a", "b")]
    files = [one.file.path for one in policies if one is not None and one.file is not None]
    assert files == [tmp_path / "nodes" / "a.sts", tmp_path / "nodes" / "b.sts"]


async def test_a_policy_file_that_is_broken_is_made_anew_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.sts"
    async with world(tmp_path, policy("enforce", "x.test")) as w:
        for broken in (b"no database" * 100, None):
            path.unlink(missing_ok=True)
            path.write_bytes(broken) if broken else path.mkdir()
            caplog.clear()
            await w.restart(path)
            assert "fetched again" in caplog.text
            assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        assert "cannot be written" in caplog.text  # a folder stands in its place: memory alone
        path.rmdir()
        await w.restart(path)
        await w.deliver()
        with sqlite3.connect(path) as file:
            file.execute("INSERT INTO policy VALUES ('odd.test', '1', 'version: STSv1', 0)")
        file.close()
        caplog.clear()
        await w.restart(path)
        assert list(w.policies.kept) == ["a.test"]
        assert "odd.test is passed over: mode" in caplog.text
        caplog.clear()
        await w.restart(path)
        assert caplog.text == ""


async def test_another_id_brings_another_policy_and_half_a_life_a_fresh_one(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "x.test", max_age=1_000)) as w:
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED
        w.host.body = policy("enforce", "mx.test", max_age=1_000)
        assert (await w.deliver()).outcomes[0].kind is Kind.DEFERRED  # the id is the same
        await w.announce(2)
        assert (await w.deliver()).outcomes[0].kind is Kind.RELAYED
        w.wall_ms += 600_000
        w.host.body = policy("none", max_age=1_000)
        await w.deliver()
        await asyncio.wait(w.policies.fetching.values())
        assert w.host.asked == 3
        assert (await w.deliver()).policy == "route opportunistic"


async def test_a_connection_that_is_good_enough_for_a_neighbour_is_not_for_who_enforces(tmp_path: Path) -> None:
    async with world(tmp_path, policy("enforce", "mx.test"), mail=("other.test",)) as w:
        w.names.zone["b.test.", "MX"] = ["10 mx.test."]
        w.names.names.add("b.test.")
        for domain, kind in [("b.test", Kind.RELAYED), ("a.test", Kind.DEFERRED)] * 2:
            assert (await w.deliver(domain)).outcomes[0].kind is kind
        assert len(w.inbox.taken) == 2


async def test_the_broken_policy_of_one_domain_leaves_its_neighbours_on_the_same_host_alone(tmp_path: Path) -> None:
    """One domain's broken MTA-STS blocks its neighbours (kumomta #484)."""
    async with world(tmp_path, policy("enforce", "elsewhere.test")) as w:
        w.names.zone.update({tuple(key.split()): texts for key, texts in zone("a.test", "slow.test", "b.test").items()})
        del w.names.zone["_mta-sts.b.test.", "TXT"]
        w.names.names.update(name for name, _ in w.names.zone)
        for _ in range(2):
            assert (await w.deliver("a.test")).outcomes[0].kind is Kind.DEFERRED
            assert (await w.deliver("b.test")).outcomes[0].kind is Kind.RELAYED
        w.host.gate.clear()
        slow = asyncio.create_task(w.deliver("slow.test"))
        w.host.waited = asyncio.Event()
        await asyncio.wait_for(w.host.waited.wait(), 20)
        assert (await w.deliver("b.test")).outcomes[0].kind is Kind.RELAYED
        assert not slow.done()
        w.host.gate.set()
        assert (await slow).outcomes[0].kind is Kind.DEFERRED  # by its own policy now
        assert len(w.inbox.taken) == 3
