"""A Dovecot that takes mail from who knows the password and relays it to a server of ours."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.integration.mail_peers import Peer, free_port, furnish, own, running, unpacked

USER, PASSWORD = "us@example.net", "a-secret-of-the-tests"
CONFIGURE = """\
protocols = submission
listen = 127.0.0.1
base_dir = /run/dovecot
state_dir = /run/dovecot-state
log_path = /srv/log/dovecot
hostname = localhost
ssl = required
ssl_cert = </srv/certificate.pem
ssl_key = </srv/certificate.pem
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mailbox gid=mailbox home=/srv/spool
}}
mail_location = maildir:/srv/spool/mail
submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
submission_relay_trusted = no
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""


@contextlib.contextmanager
def dovecot(folder: Path, certificate: bytes, relay_port: int) -> Iterator[Peer]:
    """``certificate``: key and chain in PEM; ``relay_port``: where it hands on what it took, on loopback."""
    server = unpacked("dovecot", "dovecot-submissiond", "dovecot-core")
    furnish(folder)
    port = free_port()
    own(folder, folder / "spool", "mailbox")
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "certificate.pem").chmod(0o600)
    (folder / "etc" / "dovecot").mkdir()
    text = CONFIGURE.format(password=PASSWORD, port=port, relay_port=relay_port)
    (folder / "etc" / "dovecot" / "dovecot.conf").write_text(text)
    with running(server, folder, port, "dovecot", "-F") as peer:
        yield peer
