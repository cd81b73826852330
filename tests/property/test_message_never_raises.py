"""Whatever the octets: a result, in bounded time, and none of the rooms' functions raises."""

import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.message.prepare import prepare
from fastemailnet.message.text import MAX_BODY_CHARACTERS, model_input, visible_text
from fastemailnet.message.validate import check, needs_smtputf8

TORTURE = Path(__file__).parents[3] / "shared" / "data" / "eml-torture"
PIECES = [
    b"From: a@b\r\n", b"Subject: =?utf-8?q?=FF?=\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"\r\n", b"--b\r\n", b"--b--",
    b"Content-Type: text/html; charset=nonsense\r\n", b"Content-Transfer-Encoding: base64\r\n", b"QUJD=", b"<div style='", b"<a href=http://[",
    b"Content-Type: message/rfc822\r\n", b"=\r\n=3", b"\xff\xfe", b"\n", b"<table>" * 50, b"&#99999999;", b"Content-Type: multipart/x; boundary=\r\n",
]  # fmt: skip


def read(raw: bytes) -> None:
    started = time.perf_counter()
    text = visible_text(raw)
    assert len(text.body) <= MAX_BODY_CHARACTERS + 2
    model_input(text)
    check(raw)
    needs_smtputf8(raw)
    prepare(raw, message_id="x", at_ms=0, domain="d.example")
    assert time.perf_counter() - started < 2


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=25))
def test_made_up_messages(pieces: list[bytes]) -> None:
    read(b"".join(pieces))


def test_nesting_and_size_are_bounded() -> None:
    read(b"Content-Type: message/rfc822\r\n\r\n" * 5_000)
    read(b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000)
    read(b"Subject: " + b"=?utf-8?b?" * 20_000)
    read((b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 50_000))


def test_every_message_that_broke_a_parser_somewhere() -> None:
    for path in sorted(TORTURE.glob("*.eml")):
        read(path.read_bytes())
