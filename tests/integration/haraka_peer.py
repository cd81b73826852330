"""A Haraka that keeps what it is given. It offers PIPELINING and no CHUNKING."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.mail_peers import ROOT, Peer, answering, free_port

INSTALL_S = 300
GROUP = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]  # RFC 7919
KEEP = """\
const fs = require('fs');
exports.hook_rcpt = (next) => next(OK);
exports.hook_queue = (next, connection) => {
  const name = connection.transaction.uuid;
  const file = fs.createWriteStream(`maildir/tmp/${name}`);
  file.once('close', () => fs.rename(`maildir/tmp/${name}`, `maildir/new/${name}`, () => next(OK)));
  connection.transaction.message_stream.pipe(file);
};
"""


@contextlib.contextmanager
def haraka(folder: Path, certificate: bytes = b"") -> Iterator[Peer]:
    """``certificate``: key and chain in PEM, to offer STARTTLS with."""
    command = [ROOT / "tools" / "haraka.sh"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        pytest.skip(f"NOT RUN: Haraka could not be had: {done.stderr.strip()[-200:]}")
    home = Path(done.stdout.strip()) / "node_modules" / "Haraka"
    shutil.copytree(home / "config", folder / "config")
    for name in ("plugins", "maildir/new", "maildir/tmp", "log"):
        (folder / name).mkdir(parents=True)
    port = free_port()
    (folder / "plugins" / "keep.js").write_text(KEEP)
    (folder / "config" / "plugins").write_text("tls\nkeep\n" if certificate else "keep\n")
    (folder / "config" / "me").write_text("localhost\n")
    settings = folder / "config" / "connection.ini"
    # By itself it breaks lines over 992 octets, and with them a signature; RFC 5321 allows 1,000 with CRLF, a stuffed dot not counted.
    settings.write_text(settings.read_text().replace("data_line_length=992", "data_line_length=1001"))
    (folder / "config" / "smtp.ini").write_text(f"listen=127.0.0.1:{port}\n")
    if certificate:
        (folder / "config" / "tls_key.pem").write_bytes(certificate)
        (folder / "config" / "tls_cert.pem").write_bytes(certificate)
        (folder / "config" / "dhparams.pem").write_bytes(subprocess.check_output(GROUP))  # it would search for a minute
    with answering(Peer(port, folder), ["node", str(home / "bin" / "haraka"), "-c", str(folder)], cwd=folder) as peer:
        yield peer
