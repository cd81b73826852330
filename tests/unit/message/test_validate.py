"""Each rule says what, where and which limit."""

import tracemalloc

import pytest

from fastemailnet.message.prepare import prepare
from fastemailnet.message.validate import Limits, check, needs_smtputf8

GOOD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nhello\r\n"


def test_a_good_message_has_no_problem() -> None:
    assert check(GOOD) == ()


@pytest.mark.parametrize(
    ("raw", "what", "where"),
    [
        (GOOD + b"a\nb\r\n", "LF without CR", "line 6"),
        (GOOD + b"a\rb\r\n", "CR without LF", "line 6"),
        (GOOD + b"a\n.\r\nMAIL FROM:<x@y>\r\n", "smuggling", "line 6"),
        (GOOD + b"\0\r\n", "NUL", "line 6"),
        (GOOD + b"y" * 999 + b"\r\n", "line of 999 octets", "line 6"),
        (b"To: b@example.org\r\n\r\nhello\r\n", "no From", "header"),
        (b"From: a@b\r\n" + GOOD, "2 From fields", "header"),
        (b"Subject: y\r\n" + GOOD, "2 Subject fields", "header"),
        (b"This is no header\r\n" + GOOD, "not a header field", "line 1"),
        (b"Received: x\r\n" * 51 + GOOD, "mail loop", "header"),
        (
            b"X: " + b"y" * 90 + b"\r\n" + b" z" * 400 + b"\r\n" + (b" " + b"z" * 900 + b"\r\n") * 120 + GOOD,
            "header block",
            "header",
        ),
        (b"", "no From", "header"),
    ],
)
def test_bad_messages(raw: bytes, what: str, where: str) -> None:
    text = " | ".join(map(str, check(raw)))
    assert what in text
    assert where in text


def test_limits_are_the_operator_s() -> None:
    (problem,) = check(GOOD, limits=Limits(message_octets=10))
    assert "limit: 10 octets" in str(problem)


def test_smtputf8_is_needed_for_raw_octets_in_the_header_only() -> None:
    assert not needs_smtputf8(GOOD + "ü\r\n".encode())
    assert needs_smtputf8("Subject: ü\r\n".encode() + GOOD)


def test_date_and_message_id_are_added_once_and_bcc_goes() -> None:
    raw = b"Bcc: secret@example.org,\r\n more@example.org\r\n" + GOOD
    once = prepare(raw, message_id="01X", at_ms=1_700_000_000_000, domain="mx.example")
    assert once.startswith(b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <01X@mx.example>\r\n")
    assert b"secret" not in once
    assert b"more@" not in once
    assert once.endswith(GOOD)
    assert prepare(once, message_id="02Y", at_ms=0, domain="mx.example") == once


def test_a_message_ends_in_crlf_once_prepared() -> None:
    assert prepare(GOOD + b"tail", message_id="x", at_ms=0, domain="d").endswith(b"tail\r\n")


def test_short_lines_take_no_more_than_the_message() -> None:
    raw = b"From: a@b.example\r\n\r\n" + b"ab\r\n" * 500_000
    tracemalloc.start()
    assert check(raw) == ()
    _, peak_octets = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_octets < len(raw)


@pytest.mark.parametrize(
    ("before", "size", "line"), [(b"", 999, 4), (b"x" * 998 + b"\r\n", 999, 5), (b"y\r\n" * 2_000, 5_000, 2_004)]
)
def test_the_first_line_over_the_limit_is_named(before: bytes, size: int, line: int) -> None:
    raw = b"From: a@b.example\r\nTo: x@y.example\r\n\r\n" + before
    assert check(raw + b"z" * 998 + b"\r\n") == ()
    (problem,) = check(raw + b"z" * size + b"\r\n" + b"z" * 2_000 + b"\r\n")
    assert (problem.what, problem.where) == (f"line of {size} octets", f"line {line}")
