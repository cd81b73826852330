"""What comes back in the forms that the world has for it, written anew; and that nothing that comes in raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.message.dsn import Entry, Report, compose
from fastemailnet.message.feedback import MAX_OCTETS, Reported, read_feedback

NAME = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
ORIGINAL = f"X-FEN-Message: {NAME}\r\nFrom: news@a.example\r\nSubject: Sale\r\n\r\nx\r\n".encode()
ENTRY = Entry("eva@b.example", "", "failed", (5, 1, 1), "", "550 5.1.1 no such user", "mx.b.example")
OURS = compose(Report("mta.b.example", "n@a.example", "R1", 0, 0, 0, "", (ENTRY,), ORIGINAL, 0))

POSTFIX_LIKE = b"""\
From: MAILER-DAEMON@mx.b.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: b-01hzzzzzzzzzzzzzzzzzzzzzzz-3@bounce.a.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.b.example

Final-Recipient: rfc822; eva@b.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 <eva@b.example>: mailbox
    is full

Final-Recipient: rfc822; adam@b.example
Action: delayed (still trying)
Status: 4.4.1

--B--
"""
COMPLAINT = b"""\
From: <fbl@provider.example>
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an abuse report.
--B
Content-Type: message/feedback-report

Feedback-Type: %s
User-Agent: Loop/1.0
Version: 1
Original-Mail-From: <b-01hzzzzzzzzzzzzzzzzzzzzzzz-0@bounce.a.example>
Original-Rcpt-To: <eva@b.example>

--B
Content-Type: message/rfc822

X-FEN-Message: 01HZZZZZZZZZZZZZZZZZZZZZZZ
Subject: Sale

x
--B--
"""
EXIM_LIKE = b"""\
From: Mail Delivery System <Mailer-Daemon@mx.b.example>
X-Failed-Recipients: eva@b.example
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  eva@b.example
    host mx.b.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<eva@b.example>:
    550 5.1.1 User unknown
------ This is a copy of the message's headers. ------
X-FEN-Message: 01HZZZZZZZZZZZZZZZZZZZZZZZ
"""
QMAIL_LIKE = b"""\
From: MAILER-DAEMON@mx.b.example
Subject: failure notice

Hi. This is the program that delivers mail at mx.b.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<eva@b.example>:
Sorry, no mailbox here by that name. (#5.1.1)
192.0.2.1 said: 550
    5.1.1 no mailbox

--- Below this line is a copy of the message.
> X-FEN-Message: 01HZZZZZZZZZZZZZZZZZZZZZZZ
"""


def test_our_own_reports_are_read() -> None:
    found = read_feedback(OURS)
    assert found is not None
    assert found.reported == (Reported("eva@b.example", "failed", (5, 1, 1), "550 5.1.1 no such user"),)
    assert (found.is_complaint, found.source, found.names) == (False, "mta.b.example", (NAME,))


def test_each_recipient_of_a_report_is_one() -> None:
    found = read_feedback(POSTFIX_LIKE)
    assert found is not None
    assert found.reported == (
        Reported("eva@b.example", "failed", (5, 2, 2), "552 5.2.2 <eva@b.example>: mailbox is full"),
        Reported("adam@b.example", "delayed", (4, 4, 1), ""),
    )
    assert "b-01hzzzzzzzzzzzzzzzzzzzzzzz-3@bounce.a.example" in found.addresses


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out", "Abuse"])
def test_a_complaint_names_who_complains_and_about_what(kind: str) -> None:
    found = read_feedback(COMPLAINT % kind.encode())
    assert found is not None
    assert found.is_complaint
    assert found.reported == (Reported("eva@b.example", kind.lower(), None, ""),)
    assert (found.source, found.names) == ("Loop/1.0", (NAME,))
    assert "b-01hzzzzzzzzzzzzzzzzzzzzzzz-0@bounce.a.example" in found.addresses


@pytest.mark.parametrize("kind", [b"not-spam", b"auth-failure"])
def test_not_every_feedback_is_a_complaint(kind: bytes) -> None:
    assert read_feedback(COMPLAINT % kind) is None


@pytest.mark.parametrize("octets", [EXIM_LIKE, QMAIL_LIKE])
def test_a_bounce_without_structure_is_read_for_its_reply(octets: bytes) -> None:
    found = read_feedback(octets)
    assert found is not None
    (reported,) = found.reported
    assert (reported.action, reported.status, found.names) == ("failed", (5, 1, 1), (NAME,))
    assert reported.reply.startswith("550 5.1.1")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"From: eva@b.example\r\nAuto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\nBack on Monday. 550 Main St.\r\n",
        b"From: MAILER-DAEMON@b.example\r\nSubject: hello\r\n\r\nno code in here, 2024-05-01, 1550 bytes, 5.1.1\r\n",
        b"From: eva@b.example\r\nSubject: Re: Sale\r\n\r\n550 5.1.1 is what I got\r\n",
    ],
)
def test_what_reports_nothing_is_nothing(octets: bytes) -> None:
    assert read_feedback(octets) is None


def test_a_status_that_is_none_is_not_kept() -> None:
    found = read_feedback(POSTFIX_LIKE.replace(b"Status: 5.2.2", b"Status: 5.999.2"))
    assert found is not None
    assert found.reported[0].status is None


SAMPLES = [OURS, POSTFIX_LIKE, COMPLAINT % b"abuse", EXIM_LIKE, QMAIL_LIKE]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 1_500), st.binary(max_size=12)), max_size=8))
def test_nothing_that_comes_in_raises(sample: bytes, cuts: list[tuple[int, bytes]]) -> None:
    octets = sample
    for at, insert in cuts:
        octets = octets[:at] + insert + octets[at + len(insert) // 2 :]
    read_feedback(octets)


@given(st.binary(max_size=2_000))
def test_neither_does_noise(octets: bytes) -> None:
    assert read_feedback(octets) is None or True


def test_a_flood_is_read_as_far_as_the_limit() -> None:
    assert read_feedback(EXIM_LIKE + b"x" * (2 * MAX_OCTETS)) is not None
    parts = b"--B\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n\n" * 3_000
    found = read_feedback(b"From: x\nContent-Type: multipart/report; boundary=B\n\n" + parts)
    assert found is not None
    assert len(found.reported) <= 1_000


def test_what_nests_deeper_than_any_mail_says_nothing() -> None:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000))
    assert read_feedback(b"From: mailer-daemon@x.example\r\n" + b"".join(parts)) is None
