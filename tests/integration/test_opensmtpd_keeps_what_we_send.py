"""A real OpenSMTPD, which offers neither PIPELINING nor CHUNKING, so that all goes one by one: octets, signatures, TLS."""

from pathlib import Path

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.tls import Trust
from fastemailnet.outcome import Kind
from tests.integration.mail_shapes import assert_keeps_every_shape
from tests.integration.opensmtpd_peer import opensmtpd
from tests.integration.peer_tls import AUTHORITY, CERTIFICATES
from tests.integration.smtp_world import grant, route, transaction


async def test_opensmtpd_keeps_every_octet_and_the_signature(tmp_path: Path) -> None:
    with opensmtpd(tmp_path) as peer:
        await assert_keeps_every_shape(peer, route(peer.port))


async def test_opportunistic_mail_outlives_a_handshake_that_opensmtpd_breaks(tmp_path: Path) -> None:
    """OpenSMTPD 6.8 offers STARTTLS and fails in it where it was built with OpenSSL 3 (its issue 1171); newer ones do not."""
    with opensmtpd(tmp_path / "opensmtpd", CERTIFICATES["good"]) as peer:
        pool = Pool("client.example.net", Limits(), trust=Trust(AUTHORITY.trust(tmp_path)))
        where = [route(peer.port, tls, "localhost") for tls in (TlsPolicy.ENCRYPT, TlsPolicy.OPPORTUNISTIC)]
        strict, lenient = [await pool.deliver(one, "example.org", transaction("b@example.org"), grant) for one in where]
        await pool.close()
        is_broken = "EVP lib" in peer.log()
        assert strict.outcomes[0].kind is (Kind.DEFERRED if is_broken else Kind.RELAYED), strict
        assert strict.outcomes[0].reason.endswith("(4.7.5)" if is_broken else "the end of data")
        assert lenient.outcomes[0].kind is Kind.RELAYED
        assert bool(lenient.tls) is not is_broken
        count = 1 if is_broken else 2
        assert len(peer.kept(count)) == count
