"""Fast code against slow code that is plainly right, and what must stay as it was."""

import base64
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastemailnet.message.address import parse_recipient
from fastemailnet.message.dkim import canonical_body
from fastemailnet.message.header import split
from fastemailnet.message.prepare import prepare
from fastemailnet.message.validate import MAX_LINE_OCTETS, check
from fastemailnet.message.words import base64_octets

OCTETS = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"  ", b"\r\n\r\n", b":", b"\xff", b"xyz"]), max_size=40
).map(b"".join)
MIXED = st.lists(st.sampled_from([b"a", b" ", b"\r", b"\n", b"\r\n", b"\0", b":", b"b" * 500]), max_size=30).map(
    b"".join
)
FIELDS = st.lists(
    st.sampled_from(
        [
            b"Subject: s\r\n",
            b"To: a@b\r\n c@d\r\n",
            b"X-Bcc: keep\r\n",
            b"Received: r\r\n",
            b"DATE-X: 1\r\n",
            b"x-date: 2\r\n",
        ]
    ),
    max_size=6,
)


def canonical_by_lines(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4, word by word."""
    if not body:
        return b""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    if not lines[-1]:
        lines.pop()
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@settings(max_examples=500)
@given(OCTETS)
@example(b" ")
@example(b"\r\n" * 5_000)
def test_the_canonical_body_is_that_of_a_reader_line_by_line(body: bytes) -> None:
    assert canonical_body(body) == canonical_by_lines(body)


@settings(max_examples=500)
@given(OCTETS)
def test_a_canonical_body_stays_as_it_is(body: bytes) -> None:
    once = canonical_body(body)
    assert canonical_body(once) == once


@settings(max_examples=500)
@given(MIXED)
def test_the_header_ends_where_the_first_empty_line_is(raw: bytes) -> None:
    block, offset = split(raw)
    if raw.startswith((b"\n", b"\r\n")):
        assert block == b""
        return
    end = re.search(rb"\r?\n\r?\n", raw)
    assert (block, offset) == ((raw[: end.start()], end.end()) if end else (raw, len(raw)))


@settings(max_examples=500)
@given(MIXED)
def test_bare_line_ends_nul_and_long_lines_are_found_wherever_they_are(body: bytes) -> None:
    raw = b"From: a@b\r\n\r\n" + body
    said = " ".join(map(str, check(raw)))
    assert ("smuggling" in said) == bool(re.search(rb"(?<!\r)\n|\r(?!\n)", raw))
    assert ("NUL" in said) == (b"\0" in raw)
    assert ("line of" in said) == any(len(line) > MAX_LINE_OCTETS for line in raw.split(b"\r\n"))


@given(FIELDS, FIELDS, st.booleans(), st.booleans(), OCTETS)
def test_prepared_octets_are_the_submitted_ones_but_for_date_message_id_and_bcc(
    before: list[bytes], after: list[bytes], dated: bool, named: bool, body: bytes
) -> None:
    own = [b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"] * dated + [b"message-id: <x@y>\r\n"] * named
    kept = b"".join([*before, *own, b"From: a@b\r\n", *after])
    hidden = b"".join([b"bCC: q@r,\r\n\ts@t\r\n", *before, *own, b"From: a@b\r\n", *after, b"BCC: u@v\r\n"])
    end = b"" if body.endswith(b"\r\n") or not body else b"\r\n"
    prepared = prepare(hidden + b"\r\n" + body, message_id="01X", at_ms=0, domain="mx.example")
    added, sent = (
        prepared[: len(prepared) - len(kept) - 2 - len(body + end)],
        prepared[-len(kept) - 2 - len(body + end) :],
    )
    assert sent == kept + b"\r\n" + body + end
    assert (b"Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n" in added) != dated
    assert (b"Message-ID: <01X@mx.example>\r\n" in added) != named
    assert added.count(b"\r\n") == (not dated) + (not named)
    assert prepare(prepared, message_id="02Y", at_ms=1, domain="other.example") == prepared


@given(
    st.from_regex(
        r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[a-z0-9äßи]{1,10}){0,2}@([a-z0-9ü]{1,10}\.){1,3}[a-z]{2,6}",
        fullmatch=True,
    )
)
def test_an_address_is_the_same_once_parsed(text: str) -> None:
    address = parse_recipient(text)
    assert address.local == text.rpartition("@")[0]
    assert address.domain.isascii()
    assert parse_recipient(str(address)) == address


@given(st.binary(max_size=60), st.integers(0, 3), st.integers(0, 80))
def test_base64_survives_missing_padding_and_noise(octets: bytes, cut: int, at: int) -> None:
    letters = base64.b64encode(octets).rstrip(b"=")
    noisy = letters[:at] + b"\r\n!" * cut + letters[at:]
    assert base64_octets(noisy) == octets
