"""An Exim that keeps what it is given. CHUNKING is offered, or not."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.integration.mail_peers import Peer, free_port, furnish, own, running, unpacked

CONFIGURE = """\
primary_hostname = localhost
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = /srv/spool
log_file_path = /srv/log/exim-%s
acl_smtp_rcpt = accept
acl_smtp_data = accept
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
chunking_advertise_hosts = {chunking}
{tls}
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /srv/maildir
  maildir_format
  user = mailbox
"""
TLS = "tls_certificate = /srv/certificate.pem\ntls_advertise_hosts = *\n"
NO_TLS = "tls_advertise_hosts =\n"


@contextlib.contextmanager
def exim(folder: Path, *, chunking: str = "*", certificate: bytes = b"") -> Iterator[Peer]:
    """``chunking``: the hosts that it is offered to; ``certificate``: key and chain in PEM, to offer STARTTLS with."""
    server = unpacked("exim", "exim4-daemon-light")
    furnish(folder)
    port = free_port()
    for name in ("log", "spool"):
        own(folder, folder / name, "Debian-exim")
    if certificate:
        path = folder / "certificate.pem"
        path.write_bytes(certificate)
        path.chmod(0o600)
        own(folder, path, "Debian-exim")
    (folder / "etc" / "exim4").mkdir()
    text = CONFIGURE.format(port=port, chunking=chunking, tls=TLS if certificate else NO_TLS)
    (folder / "etc" / "exim4" / "exim4.conf").write_text(text)
    with running(server, folder, port, "exim4", "-bdf") as peer:
        yield peer
