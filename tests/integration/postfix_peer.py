"""A Postfix that keeps what it is given."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.integration.mail_peers import Peer, free_port, furnish, own, running, unpacked

MAIN = """\
compatibility_level = 3.6
queue_directory = /srv/queue
data_directory = /srv/data
myhostname = localhost
mydestination =
mynetworks =
virtual_mailbox_domains = example.org
virtual_mailbox_base = /srv
virtual_mailbox_maps = static:maildir/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /srv/log/postfix
maillog_file_prefixes = /srv/log
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def postfix(folder: Path, certificate: bytes = b"") -> Iterator[Peer]:
    """``certificate``: key and chain in PEM, to offer STARTTLS with."""
    server = unpacked("postfix", "postfix")
    furnish(folder)
    port, config = free_port(), folder / "etc" / "postfix"
    for path in (config, folder / "queue"):
        path.mkdir()
    own(folder, folder / "data", "postfix")
    uid = (folder / "maildir" / "new").stat().st_uid
    main = MAIN.format(uid=uid)
    if certificate:
        (folder / "certificate.pem").write_bytes(certificate)
        (folder / "certificate.pem").chmod(0o600)
        main += "smtpd_tls_received_header = yes\nsmtpd_tls_security_level = may\nsmtpd_tls_chain_files = /srv/certificate.pem\n"
    (config / "main.cf").write_text(main)
    (config / "master.cf").write_text(MASTER.format(port=port))
    with running(server, folder, port, "postfix", "start-fg") as peer:
        yield peer
