"""Whatever the octets: a result, in bounded time, and none of the room's functions raises."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.message.dkim import canonical_body
from fastemailnet.message.prepare import prepare
from fastemailnet.message.text import FEATURE_NAMES, MAX_BODY_CHARACTERS, model_input, visible_text
from fastemailnet.message.validate import check, needs_smtputf8

TORTURE = Path(__file__).parents[3] / "shared" / "data" / "eml-torture"
MAX_S = 1.0
PIECES = [
    b"From: a@b\r\n", b"Subject: =?utf-8?q?=FF?=\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"\r\n",
    b"--b\r\n", b"--b--", b"Content-Type: text/html; charset=nonsense\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"QUJD=", b"<div style='", b"\xf0\x9f",
    b"Content-Type: message/rfc822\r\n", b"=\r\n=3", b"\xff\xfe", b"\n", b"<table>" * 50, b"&#99999999;", b"<a href=http://[",
    b"&#xD800;", b"Content-Type: multipart/alternative; boundary=\r\n", b"Content-Type: text/plain; charset=utf-7\r\n", b"+2AA-",
    b"www.http://", b"\x00",
    b"<style>.a{", b"@media x{", b"}}", b"<font color=#1", b"font-size:", b"rgba(1,2,3,.", b"From: \"<", b"=?x?b?", b"?=",
]  # fmt: skip
HTML = b"From: a@b.c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
PLAIN = b"From: a@b.c\r\n\r\n"
# Each of these takes a careless reader seconds, or its stack, or its memory.
LARGE = {
    "open elements": HTML + b"<div>" * 24_000,
    "open formatting": HTML + b"<b>" * 40_000,
    "links within links": HTML + b"<a href=http://x.y/>t<b>" * 6_000,
    "tables within tables": HTML + b"<table>" * 17_000,
    "only links": PLAIN + b"http://a " * 20_000,
    "only www": PLAIN + b"www.a " * 30_000,
    "quadratic codec": b"Content-Type: text/plain; charset=punycode\r\n\r\nabc-" + b"a9" * 150_000 + b"\xff",
    "delimiters": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b" * 300_000,
    "empty parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 50_000,
    "long style": HTML + b'<p style="' + b"display " * 20_000 + b'">x',
    "long sheet": HTML + b"<style>" + b".a{color:red}" * 8_000 + b"</style><p class=a>x" * 2,
    "classes": HTML + b"<style>.a{color:red}</style><p class='" + b"a " * 40_000 + b"'>x",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nx",
    "broken encoded words": b"Subject: " + b"=?utf-8?b?" * 20_000 + b"\r\n\r\nx",
    "mailboxes": b"From: " + b'"a" <' * 50_000 + b"\r\n\r\nx",
    "comments in From": b"From: " + b"(" * 100_000 + b"\r\n\r\nx",
    "parameters": b"Content-Type: text/plain; " + b'a="\\' * 50_000 + b"\r\n\r\nx",
    "combining marks": PLAIN + ("a" + "\u0301" * 200_000).encode(),
    "ligatures that expand": PLAIN + ("\ufdfa" * 200_000).encode(),
    "zero width": PLAIN + ("a\u200b" * 100_000).encode(),
    "mixed scripts": PLAIN + ("pаypаl" * 50_000).encode(),
    "messages within messages": b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
    "entities": HTML + b"&lt;" * 30_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * 300_000,
    "folds": b"X: a\r\n" + b" \r\n" * 300_000,
    "no line end": b"a" * 3_000_000,
    "only line ends": b"From: a@b\r\n\r\n" + b"\r\n" * 1_000_000,
    "only spaces": b"From: a@b\r\n\r\n" + b" " * 3_000_000,
    "only octets over 127": b"\xe2" * 1_000_000,
}  # fmt: skip


def read(raw: bytes) -> None:
    started = time.thread_time()  # of this thread, so that a busy machine does not matter
    text = visible_text(raw)
    assert len(text.body) <= MAX_BODY_CHARACTERS + 2
    assert len(text.features) == len(FEATURE_NAMES)
    assert all(0 <= value < 12 for value in text.features)
    model_input(text).encode()  # no lone surrogates: a tokeniser and the log must take it
    check(raw)
    needs_smtputf8(raw)
    prepare(raw, message_id="x", at_ms=0, domain="d.example")
    canonical_body(raw)
    assert time.thread_time() - started < MAX_S


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=25))
def test_made_up_messages(pieces: list[bytes]) -> None:
    read(b"".join(pieces))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_as_a_page(source: str) -> None:
    read(HTML + source.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", LARGE)
def test_size_and_nesting_are_bounded(name: str) -> None:
    read(LARGE[name])


def test_every_message_that_broke_a_parser_somewhere() -> None:
    for path in sorted(TORTURE.glob("*.eml")):
        read(path.read_bytes())
    read(b"")
