"""A message from the fields of a submission, read back by the standard library."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from fastemailnet.errors import MessageError
from fastemailnet.message.build import Attachment, build
from fastemailnet.message.validate import check, needs_smtputf8


def read(raw: bytes) -> EmailMessage:
    assert check(raw) == ()
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_text_and_html_are_alternatives() -> None:
    message = read(build("Jörg <j@example.org>", ["a@b.example", "c@d.example"], "Grüße " * 40, "Hallo ü", "<p>Hallo"))
    assert message["subject"].split() == ["Grüße"] * 40
    assert message["to"] == "a@b.example, c@d.example"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_long_lines_and_long_fields_become_sendable() -> None:
    message = read(build("a@b.example", ["c@d.example"], "s", "x" * 5_000, headers={"X-Long": "y" * 3_000}))
    assert message.get_content().strip() == "x" * 5_000


@pytest.mark.parametrize(
    "kind", ["application/pdf", "text/plain", "", "message/rfc822", "multipart/mixed", "image/svg+xml"]
)
def test_attachments_keep_their_octets(kind: str) -> None:
    content = bytes(range(256)) + b"\nbare\r"
    message = read(build("a@b.example", ["c@d.example"], "s", "t", attachments=[Attachment("fü.bin", kind, content)]))
    (attached,) = message.iter_attachments()
    assert isinstance(attached, EmailMessage)
    assert attached.get_payload(decode=True) == content
    assert attached.get_filename() == "fü.bin"


def test_without_visible_recipients_there_is_no_to() -> None:
    assert read(build("a@b.example", [], "s", "t"))["to"] is None


def test_domains_are_a_labels_and_names_encoded_words() -> None:
    raw = build("Jörg <j@bücher.example>", ["c@d.example"], "s", "t", headers={"Reply-To": "Ö <o@ö.example>"})
    assert raw.isascii()
    assert read(raw)["from"] == "Jörg <j@xn--bcher-kva.example>"
    assert read(raw)["reply-to"] == "Ö <o@xn--nda.example>"


def test_an_address_that_needs_smtputf8_says_so() -> None:
    raw = build("jörg@example.org", ["c@d.example"], "s", "t")
    assert "From: jörg@example.org\r\n".encode() in raw
    assert needs_smtputf8(raw)
    assert not needs_smtputf8(build("Jörg <j@example.org>", ["c@d.example"], "ü", "ü"))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"text": None}, "neither text nor html"),
        ({"subject": "x\r\nBcc: q@r"}, "Subject"),
        ({"sender": "a@b\nX: y"}, "From"),
        ({"subject": "\ud800"}, "Subject"),
        ({"sender": "a@ü..example"}, "From"),
        ({"text": "\ud800"}, "Unicode"),
        ({"headers": {"X-A": "b\r\nc"}}, "X-A"),
        ({"headers": {"Reply-To": "(c).@"}}, "Reply-To"),  # the grammar's answer is a TypeError
        ({"headers": {"Reply-To": '"a"' * 400}}, "1000 characters"),
        ({"headers": {"X-A": "b " * 6_000}}, "10000 characters"),
        ({"subject": "s " * 6_000}, "10000 characters"),
        ({"sender": '"a"' * 400 + "<a@b.example>"}, "1000 characters"),
        ({"headers": {"X B": "c"}}, "no name"),
        ({"headers": {"": "c"}}, "no name"),
        ({"headers": {"Bcc": "c@d"}}, "its own field"),
        ({"attachments": [Attachment("f", "bad", b"")]}, "type/subtype"),
        ({"attachments": [Attachment("f", "text/plain\r\nX: y", b"")]}, "type/subtype"),
        ({"attachments": [Attachment("f\r\nX: y", "text/plain", b"")]}, "name"),
        ({"attachments": [Attachment("\ud800", "text/plain", b"")]}, "name"),
    ],
)
def test_what_cannot_be_a_mail_is_refused(changed: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {"sender": "a@b.example", "to": ["c@d.example"], "subject": "s", "text": "t"}
    with pytest.raises(MessageError, match=says):
        build(**(given | changed))
