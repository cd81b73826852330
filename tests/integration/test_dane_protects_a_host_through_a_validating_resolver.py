"""DANE over real DNSSEC and SMTP: TLSA records in a signed zone, read through a resolver that validates."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdatatype import TLSA

from fastemailnet.delivery.demand import Result
from fastemailnet.delivery.exchanger import Rules
from fastemailnet.delivery.route import Route, RouteKind, TlsPolicy
from fastemailnet.envelope import TlsWish
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.dns import Dns, Nameservers
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.resolve import Resolver
from fastemailnet.outcome import Kind
from fastemailnet.smtp.session import Transaction
from tests.integration.dnssec_world import Signed, validating
from tests.integration.smtp_world import Inbox, grant, transaction
from tests.integration.tls_world import Authority, mail_host

SOA = "@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 300 IN NS ns\nns 300 IN A 127.0.0.1\n"
DOMAINS = ("ee", "ta", "wrong", "unusable", "none", "forged")
RELAYED, DEFERRED = Kind.RELAYED, Kind.DEFERRED


def zone(origin: str, tlsa: dict[str, str], port: int) -> str:
    """Domains with a mail host each, and the TLSA records of some."""
    lines = [f"$ORIGIN {origin}\n{SOA}"]
    for name in DOMAINS:
        lines.append(f"{name} 300 IN MX 10 mx-{name}\nmx-{name} 300 IN A 127.0.0.1\n")
        if name in tlsa:
            lines.append(f"_{port}._tcp.mx-{name} 300 IN TLSA {tlsa[name]}\n")
    lines.append("alias 300 IN MX 10 mx-alias\nmx-alias 300 IN CNAME mx-ee\n")
    return "".join(lines)


@dataclass
class World:
    pool: Pool
    inbox: Inbox

    async def deliver(self, domain: str, wish: TlsWish = TlsWish.DEFAULT) -> Delivery:
        plain = transaction()
        what = Transaction(plain.reverse_path, plain.recipients, plain.content, tls=wish)
        return await self.pool.deliver(Route(RouteKind.MX, tls=TlsPolicy.OPPORTUNISTIC), domain, what, grant)


@contextlib.asynccontextmanager
async def world(folder: Path, *, is_trusted: bool = True) -> AsyncIterator[World]:
    authority, inbox = Authority(), Inbox()
    issued = authority.issue("mx-ta.signed.test")
    key = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    end, other = hashlib.sha256(key).hexdigest(), "00" * 32
    anchor = hashlib.sha512(authority.certificate.public_bytes(Encoding.DER)).hexdigest()
    tlsa = {
        "ee": f"3 1 1 {end}",
        "ta": f"2 0 2 {anchor}",
        "wrong": f"3 1 1 {other}",
        "unusable": f"1 1 1 {end}",
        "forged": f"3 1 1 {other}",
    }
    async with mail_host(inbox, issued.server(folder)) as port:
        signed = Signed("signed.test.", zone("signed.test.", tlsa, port))
        signed.forge(f"_{port}._tcp.mx-forged.signed.test.", TLSA, f"3 1 1 {end}")
        bogus = Signed("bogus.test.", zone("bogus.test.", tlsa, port))
        stranger = Signed("bogus.test.", zone("bogus.test.", tlsa, port))
        zones = {
            "signed.test.": signed.zone.to_text(relativize=False),
            "bogus.test.": bogus.zone.to_text(relativize=False),
            "plain.test.": zone("plain.test.", tlsa, port),
        }
        async with validating(folder, zones, [signed.anchor, stranger.anchor]) as name_port:
            dns = Dns(Nameservers(("127.0.0.1",), name_port, is_trusted=is_trusted))
            way = Resolver(dns, Rules(port, "client.example.net", allow_loopback=True), dane=True)
            pool = Pool("client.example.net", Limits(), way)
            try:
                yield World(pool, inbox)
            finally:
                await pool.close()


async def test_what_tlsa_records_make_of_a_delivery(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for domain, kind, policy, result in [
            ("ee.signed.test", RELAYED, "dane", ""),
            ("alias.signed.test", RELAYED, "dane", ""),
            ("ta.signed.test", RELAYED, "dane", ""),
            ("wrong.signed.test", DEFERRED, "", Result.FAILURE),
            ("unusable.signed.test", RELAYED, "dane unusable", ""),
            ("none.signed.test", RELAYED, "route opportunistic", ""),
            ("forged.signed.test", DEFERRED, "", Result.DNSSEC_INVALID),
            ("wrong.plain.test", RELAYED, "route opportunistic", ""),  # nobody vouches for these records
        ]:
            taken = len(w.inbox.taken)
            delivery = await w.deliver(domain)
            assert (domain, delivery.outcomes[0].kind, delivery.policy) == (domain, kind, policy), delivery
            assert [session.result for session in delivery.sessions] == [result], domain
            assert len(w.inbox.taken) - taken == (kind is RELAYED)
            assert kind is RELAYED or delivery.outcomes[0].reason.endswith(("(4.7.5)", "(4.4.3)"))
        bogus = await w.deliver("ee.bogus.test")
        assert bogus.outcomes[0].kind is DEFERRED
        assert bogus.outcomes[0].reason.endswith("(4.4.3)")


async def test_the_word_of_a_resolver_that_is_not_trusted_counts_for_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, is_trusted=False) as w:
        delivery = await w.deliver("wrong.signed.test")
        assert (delivery.outcomes[0].kind, delivery.policy) == (RELAYED, "route opportunistic")


@pytest.mark.parametrize(
    ("domain", "kind"),
    [("ee.signed.test", RELAYED), ("none.plain.test", Kind.BOUNCED), ("wrong.signed.test", DEFERRED)],
)
async def test_a_sender_who_requires_tls_is_served_by_dane(tmp_path: Path, domain: str, kind: Kind) -> None:
    async with world(tmp_path) as w:
        delivery = await w.deliver(domain, TlsWish.REQUIRED)
        assert delivery.outcomes[0].kind is kind
        assert kind is not Kind.BOUNCED or delivery.outcomes[0].reason.endswith("(5.7.10)")
