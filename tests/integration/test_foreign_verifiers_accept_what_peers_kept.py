"""Our signatures on mail that real servers kept, judged as its recipient would have it judged: by rspamd and by OpenDKIM."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fastemailnet.message.dkim import dns_record
from tests.integration.dns_world import naming
from tests.integration.exim_peer import exim
from tests.integration.haraka_peer import haraka
from tests.integration.mail_peers import Peer
from tests.integration.mail_shapes import KEYS, SHAPES, deliver, signed
from tests.integration.opensmtpd_peer import opensmtpd
from tests.integration.postfix_peer import postfix
from tests.integration.rspamd_peer import rspamd, symbols
from tests.integration.smtp_world import route

Start = Callable[[Path], AbstractContextManager[Peer]]
PEERS: dict[str, tuple[Start, set[str]]] = {
    "Postfix": (postfix, {"pipelining", "chunking"}),
    "Exim": (exim, {"pipelining", "chunking"}),
    "Haraka": (haraka, {"pipelining"}),
    "OpenSMTPD": (opensmtpd, set()),
}
OPENDKIM = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin")
STRING_CHARACTERS = 250  # of one string in a TXT record
SIGNATURE = re.compile(rb"^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*", re.MULTILINE | re.IGNORECASE)
NAMES = [f"{key.domain}:s={key.selector}" for key in KEYS]
# rspamd 3.4 takes a form feed for white space, which it is not (RFC 6376 section 2.8): mail with page breaks fails there.
NOT_FOR_RSPAMD = {"form feed"}


@pytest.fixture(scope="module", params=PEERS)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The mails by their shapes, as one server wrote them down."""
    start, offers = PEERS[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as peer:
        asyncio.run(deliver(route(peer.port), [signed(name) for name in SHAPES], offers))
        mails = peer.kept(len(SHAPES))
    return {name: mail for mail in mails for name in SHAPES if f"\r\nSubject: {name}\r\n".encode() in mail}


def text(record: str) -> str:
    """A TXT record as a zone has it."""
    parts = (record[at : at + STRING_CHARACTERS] for at in range(0, len(record), STRING_CHARACTERS))
    return " ".join(f'"{part}"' for part in parts)


async def test_rspamd_allows_what_a_server_kept_and_rejects_another_body(
    kept: dict[str, bytes], tmp_path: Path
) -> None:
    assert kept.keys() == SHAPES.keys()
    zone = {f"{key.selector}._domainkey.{key.domain}. TXT": [text(dns_record(key))] for key in KEYS}
    async with naming(zone) as (dns, _):
        with rspamd(tmp_path / "rspamd", dns.servers.port) as judge:
            for name, mail in kept.items():
                if name not in NOT_FOR_RSPAMD:
                    assert await symbols(judge, mail) == {"R_DKIM_ALLOW": NAMES}, (name, judge.log())
                    assert await symbols(judge, mail + b"!\r\n") == {"R_DKIM_REJECT": NAMES}, name
            forged = kept["one line"].replace(b"From: A", b"From: B")
            assert await symbols(judge, forged) == {"R_DKIM_REJECT": NAMES}
        await asyncio.sleep(0.1)  # the name server hears that its client is gone


@pytest.mark.skipif(OPENDKIM is None, reason="NOT RUN: needs the package opendkim")
def test_opendkim_accepts_what_a_server_kept_and_no_other_body(kept: dict[str, bytes], tmp_path: Path) -> None:
    keys, settings = tmp_path / "keys", tmp_path / "opendkim.conf"
    keys.write_text("".join(f"{key.selector}._domainkey.{key.domain} {dns_record(key)}\n" for key in KEYS))
    settings.write_text(f"TestDNSData file:{keys}\nMode v\nSocket local:{tmp_path}/socket\nSyslog no\n")

    def said(mail: bytes) -> str:
        file = tmp_path / "mail.eml"
        file.write_bytes(mail)
        command = [str(OPENDKIM), "-x", str(settings), "-v", "-t", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stderr + done.stdout

    for name, mail in kept.items():
        first = SIGNATURE.search(mail)
        assert first is not None
        # It speaks of the first signature alone: so the second is shown to it without the first.
        for selector, one in (("r1", mail), ("e1", mail.replace(first[0], b"", 1))):
            assert re.search(rf"verification \(s={selector}.*\) succeeded", answer := said(one)), (name, answer)
            assert re.search(rf"verification \(s={selector}.*\) failed", answer := said(one + b"!\r\n")), (name, answer)
