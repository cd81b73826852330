"""A good, an expired, a wrong-name and a self-made certificate, and none at all, under each level of TLS."""

from pathlib import Path

import pytest

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.envelope import TlsWish
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind
from fastemailnet.smtp.extension import Capabilities
from tests.integration.smtp_world import Inbox, grant, route, scripted, transaction
from tests.integration.tls_world import Authority, Issued, mail_host

RELAYED, DEFERRED = Kind.RELAYED, Kind.DEFERRED


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.inbox = folder, Inbox()
        self.authority = Authority()
        self.pool = Pool("client.example.net", Limits(), trust=Trust(self.authority.trust(folder)))

    def issued(self, kind: str) -> Issued | None:
        match kind:
            case "good":
                return self.authority.issue("localhost")
            case "expired":
                return self.authority.issue("localhost", days=(-20, -1))
            case "not yet valid":
                return self.authority.issue("localhost", days=(1, 20))
            case "wrong name":
                return self.authority.issue("elsewhere.test")
            case "unknown authority":
                return Authority("Somebody").issue("localhost")
            case _:
                return None

    async def deliver(self, kind: str, tls: TlsPolicy, wish: TlsWish = TlsWish.DEFAULT) -> Delivery:
        issued = self.issued(kind)
        context = issued.server(self.folder) if issued is not None else None
        async with mail_host(self.inbox, context) as port:
            what = transaction()
            what = type(what)(what.reverse_path, what.recipients, what.content, tls=wish)
            delivery = await self.pool.deliver(route(port, tls, "localhost"), "b.org", what, grant)
            await self.pool.close()
        return delivery


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        ("good", ""),
        ("expired", "4.7.5"),
        ("not yet valid", "4.7.5"),
        ("wrong name", "4.7.5"),
        ("unknown authority", "4.7.5"),
        ("no TLS", "4.7.4"),
    ],
)
async def test_what_each_level_makes_of_a_certificate(tmp_path: Path, kind: str, required: str) -> None:
    is_offered = kind != "no TLS"
    for tls, is_encrypted, status in [
        (TlsPolicy.NONE, False, ""),
        (TlsPolicy.OPPORTUNISTIC, is_offered, ""),
        (TlsPolicy.ENCRYPT, is_offered, "" if is_offered else "4.7.4"),
        (TlsPolicy.REQUIRED, is_offered, required),
    ]:
        world = World(tmp_path)
        delivery = await world.deliver(kind, tls)
        outcome = delivery.outcomes[0]
        assert outcome.kind is (DEFERRED if status else RELAYED), (tls, outcome)
        assert outcome.reason.endswith(f"({status})" if status else "the end of data")
        assert bool(delivery.tls) is (is_encrypted and not status)
        assert len(world.inbox.taken) == (0 if status else 1)
        if delivery.tls:
            assert delivery.where()["policy"] == f"route {tls.value}"
            assert len(str(delivery.where()["certificate"])) == 64


@pytest.mark.parametrize(
    ("kind", "expected", "status"),
    [("good", RELAYED, ""), ("wrong name", DEFERRED, "4.7.5"), ("no TLS", Kind.BOUNCED, "(5.7.30)")],
)
async def test_a_sender_who_requires_tls_is_heard_before_the_route(
    tmp_path: Path, kind: str, expected: Kind, status: str
) -> None:
    world = World(tmp_path)
    delivery = await world.deliver(kind, TlsPolicy.OPPORTUNISTIC, TlsWish.REQUIRED)
    assert delivery.outcomes[0].kind is expected
    assert status in delivery.outcomes[0].reason
    assert len(world.inbox.taken) == (expected is RELAYED)


async def test_a_mail_that_requires_tls_comes_back_where_the_peer_would_not_require_it_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    monkeypatch.setattr(Capabilities, "of", classmethod(lambda cls, reply: Capabilities(pipelining=True)))
    delivery = await world.deliver("good", TlsPolicy.OPPORTUNISTIC, TlsWish.REQUIRED)
    assert delivery.outcomes[0].kind is Kind.BOUNCED
    assert delivery.outcomes[0].reason.endswith("(5.7.30)")
    assert world.inbox.taken == []


async def test_connections_are_shared_only_by_those_whom_they_are_good_enough_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    wrong = world.authority.issue("elsewhere.test").server(tmp_path)
    good = world.authority.issue("localhost").server(tmp_path)
    async with mail_host(world.inbox, wrong) as port:
        weak = await world.pool.deliver(route(port, TlsPolicy.ENCRYPT, "localhost"), "b.org", transaction(), grant)
        strong = await world.pool.deliver(route(port, TlsPolicy.REQUIRED, "localhost"), "b.org", transaction(), grant)
        assert (weak.outcomes[0].kind, strong.outcomes[0].kind) == (RELAYED, DEFERRED)
        await world.pool.close()
    async with mail_host(world.inbox, good) as port:
        for tls in (TlsPolicy.REQUIRED, TlsPolicy.ENCRYPT, TlsPolicy.OPPORTUNISTIC):
            await world.pool.deliver(route(port, tls, "localhost"), "b.org", transaction(), grant)
        door = next(door for (name, _), door in world.pool.doors.doors.items() if name.endswith(f":{port}"))
        assert len(door.idle) == 1
        await world.pool.close()


async def test_broken_tls_is_remembered_and_the_memory_ends(tmp_path: Path) -> None:
    world = World(tmp_path)
    heard: list[str] = []
    answers = {"EHLO": "250-scripted\r\n250 STARTTLS", "STARTTLS": "454 not now", "MAIL": "250 ok", "RCPT": "550 no"}
    async with scripted(answers, heard) as port:
        to = route(port, TlsPolicy.OPPORTUNISTIC)
        for _ in range(3):
            await world.pool.deliver(to, "b.org", transaction(), grant)
            await world.pool.close()
        assert heard.count("STARTTLS") == 1
        strict = await world.pool.deliver(route(port, TlsPolicy.ENCRYPT), "b.org", transaction(), grant)
        assert strict.outcomes[0].kind is DEFERRED
        assert heard.count("STARTTLS") == 2
        [target] = world.pool.broken.until_s
        assert world.pool.broken.until_s[target] > 3 * 86_400 - 60
        world.pool.broken.until_s[target] = 0.0
        await world.pool.deliver(to, "b.org", transaction(), grant)
        assert heard.count("STARTTLS") == 3
        await world.pool.close()
