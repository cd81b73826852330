"""An OpenSMTPD that keeps what it is given. It offers neither PIPELINING nor CHUNKING."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.integration.mail_peers import Peer, free_port, furnish, running, unpacked

CONFIGURE = """\
{pki}
table anyone {{ "@" = mailbox }}
listen on 127.0.0.1 port {port} hostname localhost {tls}
action keep maildir "/srv/maildir" virtual <anyone>
match from any for any action keep
"""
PKI = 'pki here cert "/srv/certificate.pem"\npki here key "/srv/certificate.pem"'


@contextlib.contextmanager
def opensmtpd(folder: Path, certificate: bytes = b"") -> Iterator[Peer]:
    """``certificate``: key and chain in PEM, to offer STARTTLS with."""
    server = unpacked("opensmtpd", "opensmtpd")
    furnish(folder)
    port = free_port()
    if certificate:
        (folder / "certificate.pem").write_bytes(certificate)
        (folder / "certificate.pem").chmod(0o600)
    words = (PKI, "tls pki here") if certificate else ("", "")
    path = folder / "etc" / "smtpd.conf"
    path.write_text(CONFIGURE.format(port=port, pki=words[0], tls=words[1]))
    path.chmod(0o600)
    with running(server, folder, port, "smtpd", "-d") as peer:
        yield peer
