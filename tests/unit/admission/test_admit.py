"""Admission: what is refused and why, what is added, how a message becomes units."""

import pytest

from fastemailnet import ids
from fastemailnet.admission.admit import admit
from fastemailnet.admission.submission import AGE_MS, TRANSACTIONAL_AGE_MS, Admission, Limits, Submission
from fastemailnet.envelope import Lane, TlsWish

AT_MS = 1_700_000_000_123
RANDOM = b"0123456789"
PLAIN = b"From: shop@shop.example\r\nTo: ann@mail.example\r\nSubject: hello\r\n\r\nbody\r\n"


def admitted(message: bytes = PLAIN, *recipients: str, limits: Limits | None = None, **given: object) -> Admission:
    submission = Submission(message, "shop@shop.example", recipients or ("ann@mail.example",), **given)  # type: ignore[arg-type]
    return admit(submission, at_ms=AT_MS, random80=RANDOM, limits=limits or Limits("mta.shop.example"))


def test_one_recipient_is_one_unit_with_the_fields_that_were_missing():
    admission = admitted()
    (unit,) = admission.units
    assert not admission.problems
    assert unit.message == ids.message_id(AT_MS, RANDOM)
    assert admission.id == ids.to_text(unit.message)
    assert (
        unit.body
        == (
            f"X-FEN-Message: {admission.id}\r\n"
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
            f"Message-ID: <{admission.id}@mta.shop.example>\r\n"
        ).encode()
        + PLAIN
    )
    assert (unit.lane, unit.accepted_ms, unit.expires_ms) == (Lane.STANDARD, AT_MS, AT_MS + AGE_MS)
    assert (unit.reverse_path, unit.domain, unit.smtputf8) == ("shop@shop.example", "mail.example", False)


def test_recipients_are_split_by_domain_and_numbered_over_the_whole_message():
    admission = admitted(PLAIN, "a@One.example", "b@two.example", "c@one.example", "a@one.EXAMPLE", "A@one.example")
    found = {unit.domain: [(r.address, r.index) for r in unit.recipients] for unit in admission.units}
    assert found == {
        "one.example": [("a@one.example", 0), ("c@one.example", 2), ("A@one.example", 3)],
        "two.example": [("b@two.example", 1)],
    }
    assert len({unit.body for unit in admission.units}) == 1


def test_a_domain_in_another_script_travels_as_a_label_and_needs_no_smtputf8():
    (unit,) = admitted(PLAIN, "ann@b\u00fccher.example").units
    assert (unit.domain, unit.recipients[0].address, unit.smtputf8) == (
        "xn--bcher-kva.example",
        "ann@xn--bcher-kva.example",
        False,
    )


@pytest.mark.parametrize(
    ("message", "recipient"),
    [(PLAIN, "j\u00f6@mail.example"), (PLAIN.replace(b"hello", "h\u00e9".encode()), "ann@mail.example")],
)
def test_what_is_not_ascii_needs_smtputf8(message: bytes, recipient: str):
    (unit,) = admitted(message, recipient).units
    assert unit.smtputf8


def test_bcc_goes_and_a_last_line_is_ended():
    (unit,) = admitted(PLAIN.replace(b"Subject", b"Bcc: eve@mail.example\r\nSubject") + b"no end").units
    assert b"eve@mail.example" not in unit.body
    assert unit.body.endswith(b"\r\nno end\r\n")


@pytest.mark.parametrize(
    ("field", "lane"),
    [
        (b"X-FEN-Lane: transactional", Lane.TRANSACTIONAL),
        (b"x-fen-lane:BULK", Lane.BULK),
        (b"List-Unsubscribe: <https://shop.example/u>", Lane.BULK),
        (b"List-Id: <news.shop.example>", Lane.BULK),
        (b"Precedence: bulk", Lane.BULK),
        (b"Precedence: first-class", Lane.STANDARD),
        (b"X-List-Id: <news.shop.example>", Lane.STANDARD),
        (b"Subject: a\r\n List-Id: folded, so no field", Lane.STANDARD),
    ],
)
def test_the_message_chooses_its_lane(field: bytes, lane: Lane):
    message = PLAIN.replace(b"Subject: hello", field)
    assert admitted(message).units[0].lane is lane


def test_the_submission_wins_over_the_message_and_transactional_mail_expires_early():
    message = PLAIN.replace(b"Subject", b"X-FEN-Lane: bulk\r\nSubject")
    (unit,) = admitted(message, lane=Lane.TRANSACTIONAL).units
    assert (unit.lane, unit.expires_ms) == (Lane.TRANSACTIONAL, AT_MS + TRANSACTIONAL_AGE_MS)


def test_a_lane_in_the_body_is_no_wish():
    assert admitted(PLAIN + b"X-FEN-Lane: bulk\r\n").units[0].lane is Lane.STANDARD


def test_the_key_of_the_submission_wins_over_the_one_of_the_message():
    message = PLAIN.replace(b"Subject", b"X-FEN-Idempotency-Key: from-header\r\nSubject")
    assert admitted(message).units[0].idempotency_key == "from-header"
    assert admitted(message, idempotency_key="given").units[0].idempotency_key == "given"


@pytest.mark.parametrize(
    ("change", "what", "where", "limit"),
    [
        ({"message": PLAIN.replace(b"body\r\n", b"bo\ndy\r\n")}, "bare LF", "octet", ""),
        ({"message": PLAIN.replace(b"From: shop@shop.example\r\n", b"")}, "From", "header", "exactly one"),
        ({"recipients": ()}, "no recipient", "envelope", ""),
        ({"recipients": tuple(f"r{n}@mail.example" for n in range(1_001))}, "1001 recipients", "envelope", "1000"),
        ({"recipients": ("no at sign",)}, "without @", "no at sign", ""),
        ({"reverse_path": "a b@shop.example"}, "local part", "a b@shop.example", ""),
        ({"idempotency_key": "k" * 256}, "256 characters", "X-FEN-Idempotency-Key", "255"),
        ({"idempotency_key": "a\x07b"}, "control character", "X-FEN-Idempotency-Key", ""),
        ({"message": PLAIN.replace(b"Subject", b"X-FEN-Lane: express\r\nSubject")}, "'express'", "X-FEN-Lane", "bulk"),
    ],
)
def test_a_refusal_says_what_where_and_which_limit(change: dict[str, object], what: str, where: str, limit: str):
    given = {"message": PLAIN, "reverse_path": "shop@shop.example", "recipients": ("ann@mail.example",)} | change
    admission = admit(Submission(**given), at_ms=AT_MS, random80=RANDOM, limits=Limits())  # type: ignore[arg-type]
    assert not admission.units
    problem = admission.problems[0]
    assert what in problem.what
    assert where in problem.where
    assert limit in problem.limit


def test_the_limits_are_the_operators():
    limits = Limits(message_octets=10, recipients=1)
    assert admitted(limits=limits).problems[0].limit == "10 octets"
    two = admitted(PLAIN, "a@one.example", "b@one.example", limits=Limits(recipients=1))
    assert two.problems[0].limit == "1 recipients"


def test_the_null_reverse_path_is_admitted():
    submission = Submission(PLAIN, "", ("ann@mail.example",))
    assert admit(submission, at_ms=AT_MS, random80=RANDOM, limits=Limits()).units[0].reverse_path == ""


@pytest.mark.parametrize(
    ("fields", "given", "wish"),
    [
        (b"", TlsWish.DEFAULT, TlsWish.DEFAULT),
        (b"TLS-Required: No\r\n", TlsWish.DEFAULT, TlsWish.OPTIONAL),
        (b"TLS-Required: yes\r\n", TlsWish.DEFAULT, TlsWish.DEFAULT),
        (b"X-FEN-TLS: Required\r\n", TlsWish.DEFAULT, TlsWish.REQUIRED),
        (b"TLS-Required: no\r\nX-FEN-TLS: required\r\n", TlsWish.DEFAULT, TlsWish.REQUIRED),
        (b"TLS-Required: No\r\n", TlsWish.REQUIRED, TlsWish.REQUIRED),
    ],
)
def test_what_is_wanted_of_tls_stands_in_the_envelope_or_the_message(fields: bytes, given: TlsWish, wish: TlsWish):
    (unit,) = admitted(fields + PLAIN, tls=given).units
    assert unit.tls is wish
    assert unit.lane is Lane.STANDARD


def test_what_cannot_be_wanted_of_tls_is_refused():
    (problem,) = admitted(b"X-FEN-TLS: maybe\r\n" + PLAIN).problems
    assert "'maybe'" in str(problem)
    assert "required" in str(problem)
