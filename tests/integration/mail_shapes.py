"""Mails that are hard to carry unchanged, signed, and the judgement of what a peer kept of them."""

import re

import dkim

from fastemailnet.delivery.route import Route
from fastemailnet.envelope import Recipient
from fastemailnet.message.dkim import DkimKey, Signer, dns_record, generate
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.outcome import Kind
from fastemailnet.smtp.session import Transaction
from tests.integration.mail_peers import Peer
from tests.integration.smtp_world import grant, only_door

KEYS = [DkimKey("example.net", "r1", generate("rsa")), DkimKey("example.net", "e1", generate("ed25519"))]
SIGNER = Signer(KEYS)
HEAD = (
    b"From: A <a@example.net>\r\nTo: b@example.org\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    b"Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
)
LONG = b"y" * 998 + b"\r\n"  # the longest line that there is (RFC 5321 section 4.5.3.1.6)
SHAPES = {
    "dots": b".\r\n..\r\n...\r\n. \r\n.a\r\n\r\n.\r\nQUIT\r\n.\r\n",
    "long lines": LONG + b"." + LONG[1:] + LONG * 5,
    "octets over 127": "Grüße aus Köln, 你好\r\n".encode() + bytes(range(128, 256)) + b"\r\n",
    "control characters": b"\t \x01\x02\x08\x0b\x1b\x7f\r\n",
    "form feed": b"one page\r\n\x0c\r\nanother\r\n",
    "white space at ends": b" \r\n\t\r\nword \t \r\n\r\n\r\n \r\n\r\n\r\n",
    "like an envelope": b"From someone\r\n>From x\r\nRCPT TO:<x@example.org>\r\nBDAT 5 LAST\r\n",
    "no body": b"",
    "one line": b"x\r\n",
    "large": b"".join(b".%d " % n + b"z" * (n % 90) + b"\r\n" for n in range(3_000)),  # in two chunks, or streamed
}
ADDED = {b"return-path", b"delivered-to", b"x-original-to", b"envelope-to", b"delivery-date", b"received"}


def signed(name: str) -> bytes:
    raw = HEAD + f"Subject: {name}\r\n\r\n".encode() + SHAPES[name]
    return SIGNER.sign(raw, at_s=1_767_225_600) + raw


async def deliver(route: Route, contents: list[bytes], offers: set[str]) -> list[Kind]:
    """Hand the mails to the peer as the engine does; what became of each. ``offers``: what it must be found to offer."""
    pool = Pool("client.example.net", Limits())
    kinds = []
    for content in contents:
        what = Transaction("a@example.net", [Recipient("b@example.org", 0)], content)
        delivery = await pool.deliver(route, "example.org", what, grant)
        assert len(delivery.outcomes) == 1, delivery
        assert delivery.outcomes[0].kind in (Kind.RELAYED, Kind.BOUNCED), delivery.outcomes
        kinds.append(delivery.outcomes[0].kind)
    [connection] = only_door(pool).idle  # all went over one
    found = {"pipelining": connection.offers.pipelining, "chunking": connection.offers.chunking}
    assert {name for name, is_offered in found.items() if is_offered} == offers
    await pool.close()
    return kinds


async def assert_keeps_every_shape(peer: Peer, route: Route, *offers: str) -> None:
    """What the peer kept is what was sent, octet by octet, below the fields that it put on top; and both signatures hold."""
    sent = {name: signed(name) for name in SHAPES}
    bare = HEAD + b"\r\nbare\nline end\r\n"
    kinds = await deliver(route, [bare, *sent.values(), bare], set(offers))
    assert kinds == [Kind.BOUNCED, *[Kind.RELAYED] * len(sent), Kind.BOUNCED]
    kept = peer.kept(len(sent))
    assert len(kept) == len(sent)
    for name, content in sent.items():
        [whole] = [one for one in kept if f"\r\nSubject: {name}\r\n".encode() in one]
        assert_is(whole, content, name)


def assert_is(whole: bytes, content: bytes, name: str) -> None:
    """What a peer kept is what was sent, below fields of its own; signatures hold, and would not over another body."""
    assert whole.endswith(content), (name, whole[:3_000])
    added = whole[: -len(content)]
    names = re.findall(rb"^([!-9;-~]+):", added, re.MULTILINE)
    assert {one.lower() for one in names} <= ADDED, added
    assert all(line[:1] in b" \t" or b":" in line for line in added.split(b"\r\n") if line), added
    assert verified(whole) == [True, True], name
    assert verified(whole + b"!\r\n") == [False, False]


def verified(mail: bytes) -> list[bool]:
    """dkimpy's judgement of each signature."""
    seen = dkim.DKIM(mail)

    def holds(index: int) -> bool:
        try:
            return bool(seen.verify(idx=index, dnsfunc=_record))
        except dkim.ValidationError:  # the body is another
            return False

    return [holds(index) for index in range(len(KEYS))]


def _record(name: bytes, timeout: int = 5) -> bytes:
    return {f"{key.selector}._domainkey.{key.domain}.".encode(): dns_record(key).encode() for key in KEYS}[name]
