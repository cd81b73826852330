"""Reports, read by the standard library and by a foreign bounce detector (flufl.bounce, which Mailman uses)."""

import email
import email.policy
from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage, Message

import pytest
from flufl.bounce import all_failures

from fastemailnet.message.dsn import Entry, Report, compose
from fastemailnet.message.validate import check

MAIL = b"From: News <news@a.example>\r\nTo: eva@b.example\r\nSubject: Sale\r\n\r\nbody of it\r\n"
FAILED = Entry("eva@b.example", "", "failed", (5, 1, 1), "reply to RCPT", "550 5.1.1 no such user", "mx.b.example")
EXPIRED = Entry("adam@b.example", "rfc822;Adam@c.example", "failed", (4, 4, 7), "expired; last: no answer", "", "")
REPORT = Report(
    "mta.a.example", "news@a.example", "01ABC", 1_700_000_000_000, 1_699_000_000_000, 1_701_000_000_000,
    "QQ+314", (FAILED, EXPIRED), MAIL, 0,
)  # fmt: skip


def parsed(report: Report) -> EmailMessage:
    raw = compose(report)
    assert not check(raw), "a report is a message that we would send"
    message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
    assert isinstance(message, EmailMessage)
    assert not [defect for part in message.walk() for defect in part.defects]
    return message


def fields(report: Report) -> Sequence[Message]:
    status = next(part for part in parsed(report).walk() if part.get_content_type().endswith("delivery-status"))
    if status.get_content_type() == "message/delivery-status":
        return status.get_payload()  # type: ignore[return-value]
    blocks = status.get_payload(decode=True) or status.get_payload()[0].as_bytes()  # type: ignore[index,union-attr]
    return [email.message_from_string(b) for b in blocks.decode().replace("\r\n", "\n").split("\n\n") if b]  # type: ignore[union-attr]


def test_it_is_a_report_of_three_parts() -> None:
    message = parsed(REPORT)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert (message["To"], message["Auto-Submitted"]) == ("news@a.example", "auto-replied")
    assert "mx.b.example said: 550 5.1.1 no such user" in " ".join(
        str(next(message.iter_parts()).get_content()).split()
    )


def test_its_fields_say_for_whom_and_why() -> None:
    of_message, eva, adam = fields(REPORT)
    assert (of_message["Reporting-MTA"], of_message["Original-Envelope-Id"]) == ("dns; mta.a.example", "QQ+314")
    assert of_message["Arrival-Date"] == "Fri, 03 Nov 2023 08:26:40 +0000"
    assert dict(eva.items()) == {
        "Final-Recipient": "rfc822; eva@b.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.b.example",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
        "Last-Attempt-Date": "Tue, 14 Nov 2023 22:13:20 +0000",
    }
    assert adam["Original-Recipient"] == "rfc822; Adam@c.example"
    assert (adam["Status"], adam["Remote-MTA"]) == ("4.4.7", None)
    assert adam["Diagnostic-Code"].startswith("x-fastemailnet; expired")


def test_a_foreign_detector_finds_who_failed_and_who_only_waits() -> None:
    _, permanent = all_failures(email.message_from_bytes(compose(REPORT)))
    assert permanent == {b"eva@b.example", b"Adam@c.example"}
    delayed = replace(REPORT, entries=(replace(FAILED, action="delayed", status=(4, 2, 2)),))
    temporary, permanent = all_failures(email.message_from_bytes(compose(delayed)))
    assert (temporary, permanent) == ({b"eva@b.example"}, set())
    assert fields(delayed)[1]["Will-Retry-Until"] == "Sun, 26 Nov 2023 12:00:00 +0000"


def test_the_whole_original_comes_back_where_it_may() -> None:
    full = replace(REPORT, returned_octets=len(MAIL))
    returned = list(parsed(full).iter_parts())[2]
    assert returned.get_content_type() == "message/rfc822"
    assert b"body of it" in compose(full)
    assert b"body of it" not in compose(replace(REPORT, returned_octets=len(MAIL) - 1))


def test_a_header_that_is_not_ascii_needs_no_eight_bit_path() -> None:
    report = replace(REPORT, original="From: a@b.example\r\nSubject: Grüße\r\n\r\nx\r\n".encode())
    assert compose(report).isascii()
    assert "Grüße" in list(parsed(report).iter_parts())[2].get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_an_address_that_is_not_ascii_makes_it_global() -> None:
    report = replace(REPORT, entries=(replace(FAILED, address="εύα@b.example"),))
    assert fields(report)[1]["Final-Recipient"] == "utf-8; εύα@b.example"
    assert b"message/global-delivery-status" in compose(report)


@pytest.mark.parametrize(
    "reply",
    [
        "550 " + "x" * 5_000,
        "550 a\r\nFinal-Recipient: rfc822; other@c.example",
        "550 \x1b[2J\x00ü",
        "550 " + "y z " * 900,
    ],
)
def test_what_a_peer_says_breaks_no_field(reply: str) -> None:
    _, eva = fields(replace(REPORT, entries=(replace(FAILED, reply=reply),)))
    assert eva.get_all("Final-Recipient") == ["rfc822; eva@b.example"]
    assert eva["Diagnostic-Code"].isascii()
