"""Certificates of every kind, and what each level of TLS is to make of a peer that shows them."""

from pathlib import Path

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind
from tests.integration.mail_peers import Peer
from tests.integration.smtp_world import grant, route, transaction
from tests.integration.tls_world import Authority

AUTHORITY = Authority()
CERTIFICATES = {
    "good": AUTHORITY.issue("localhost").pem(),
    "expired": AUTHORITY.issue("localhost", days=(-20, -1)).pem(),
    "wrong name": AUTHORITY.issue("elsewhere.test").pem(),
}


async def assert_levels(peer: Peer, kind: str, folder: Path) -> None:
    """Only ``required`` looks at the certificate; only ``none`` leaves the mail open to read; nothing refused arrives."""
    relayed = 0
    for tls in TlsPolicy:
        pool = Pool("client.example.net", Limits(), trust=Trust(AUTHORITY.trust(folder)))
        content = f"From: a@example.net\r\nSubject: {tls.value}\r\n\r\nx\r\n".encode()
        where = route(peer.port, tls, "localhost")
        delivery = await pool.deliver(where, "example.org", transaction("b@example.org", content=content), grant)
        await pool.close()
        [outcome] = delivery.outcomes
        if tls is TlsPolicy.REQUIRED and kind != "good":
            assert outcome.kind is Kind.DEFERRED, (tls, outcome)
            assert outcome.reason.endswith("(4.7.5)"), outcome.reason
            continue
        assert outcome.kind is Kind.RELAYED, (tls, outcome)
        assert (delivery.tls or "").startswith("TLSv1.3" if tls is not TlsPolicy.NONE else ""), delivery
        assert bool(delivery.tls) is (tls is not TlsPolicy.NONE)
        relayed += 1
    assert len(peer.kept(relayed)) == relayed
