"""A real Dovecot as a smarthost: STARTTLS, AUTH, BDAT, and the same octets behind it."""

from pathlib import Path

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind
from tests.integration.dovecot_peer import PASSWORD, USER, dovecot
from tests.integration.mail_shapes import SHAPES, assert_is, signed
from tests.integration.peer_tls import AUTHORITY, CERTIFICATES
from tests.integration.smtp_world import Inbox, grant, only_door, route, transaction


async def test_dovecot_passes_every_octet_and_the_signature_on(tmp_path: Path) -> None:
    inbox = Inbox()
    behind = SmtpServer("127.0.0.1", 0, inbox, hostname="behind.example")
    with dovecot(tmp_path / "dovecot", CERTIFICATES["good"], await behind.start()) as peer:
        pool = Pool("client.example.net", Limits(), trust=Trust(AUTHORITY.trust(tmp_path)))
        where = route(peer.port, TlsPolicy.REQUIRED, "localhost", username=USER, password=PASSWORD)
        for name in SHAPES:
            what = transaction("b@example.org", content=signed(name))
            delivery = await pool.deliver(where, "example.org", what, grant)
            assert delivery.outcomes[0].kind is Kind.RELAYED, (name, delivery, peer.log())
            assert_is(inbox.taken[-1][2], what.content, name)
        assert len(inbox.taken) == len(SHAPES)
        [connection] = only_door(pool).idle  # all went over one
        assert (connection.offers.pipelining, connection.offers.chunking) == (True, True)
        await pool.close()
    await behind.close()


async def test_dovecot_takes_nothing_from_who_does_not(tmp_path: Path) -> None:
    inbox = Inbox()
    behind = SmtpServer("127.0.0.1", 0, inbox, hostname="behind.example")
    with dovecot(tmp_path / "dovecot", CERTIFICATES["good"], await behind.start()) as peer:
        pool = Pool("client.example.net", Limits(), trust=Trust(AUTHORITY.trust(tmp_path)))
        for password in ("guessed", ""):
            auth = {"username": USER, "password": password} if password else {}
            where = route(peer.port, TlsPolicy.REQUIRED, "localhost", **auth)
            delivery = await pool.deliver(where, "example.org", transaction("b@example.org"), grant)
            assert delivery.outcomes[0].kind is Kind.DEFERRED, delivery
            assert delivery.outcomes[0].reply is not None
            assert delivery.outcomes[0].reply.code in (530, 535), delivery
        assert inbox.taken == []
        await pool.close()
    await behind.close()
