"""The parts that a reader is shown, of mails as they should be and as they are."""

import pytest

from fastemailnet.message.mime import decode, parameters, parts

ALTERNATIVE = b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'


def multipart(kind: bytes, *pieces: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + piece + b"\r\n" for piece in pieces)
    return b"Content-Type: multipart/" + kind + b'; boundary="b"\r\n\r\npreamble\r\n' + body + b"--b--\r\nepilogue\r\n"


def part(content_type: bytes, body: bytes, more: bytes = b"") -> bytes:
    return b"Content-Type: " + content_type + b"\r\n" + more + b"\r\n" + body


def seen(raw: bytes) -> list[tuple[str, str]]:
    return [(found.content_type, found.text().strip()) for found in parts(raw)]


def test_pieces_stand_between_delimiter_lines() -> None:
    raw = multipart(b"mixed", part(b"text/plain", b"one"), part(b"text/html", b"<p>two"))
    assert seen(raw) == [("text/plain", "one"), ("text/html", "<p>two")]


def test_a_line_that_only_begins_like_the_delimiter_is_text() -> None:
    raw = multipart(b"mixed", part(b"text/plain", b"one\r\n--bb\r\n--b x\r\n --b\r\ntwo"))
    assert seen(raw) == [("text/plain", "one\r\n--bb\r\n--b x\r\n --b\r\ntwo")]


def test_a_missing_last_delimiter_is_the_end() -> None:
    raw = multipart(b"mixed", part(b"text/plain", b"one")).partition(b"\r\n--b--")[0]
    assert seen(raw) == [("text/plain", "one")]


@pytest.mark.parametrize(
    "declared", [b"multipart/mixed", b"multipart/mixed; boundary=", b"multipart/mixed; boundary=other"]
)
def test_without_a_delimiter_the_lines_are_shown_as_they_stand(declared: bytes) -> None:
    assert seen(b"Content-Type: " + declared + b"\r\n\r\nhello\r\n--b\r\n") == [("text/plain", "hello\r\n--b")]


def test_of_alternatives_the_page_is_shown_though_a_multipart_wraps_it() -> None:
    related = multipart(b"related", part(b"text/html", b"<p>rich"), part(b"image/png", b"x"))
    related = related.replace(b'"b"', b'"c"').replace(b"--b", b"--c")
    raw = multipart(b"alternative", part(b"text/plain", b"good words"), related)
    assert [kind for kind, _ in seen(raw)] == ["text/html", "image/png"]


def test_of_alternatives_an_empty_page_is_not_shown() -> None:
    raw = multipart(b"alternative", part(b"text/plain", b"plain"), part(b"text/html", b"<html><body> </body></html>"))
    assert seen(raw) == [("text/plain", "plain")]


def test_a_calendar_after_the_page_is_not_what_is_read() -> None:
    raw = multipart(b"alternative", part(b"text/html", b"<p>rich"), part(b"text/calendar", b"BEGIN:VCALENDAR"))
    assert seen(raw) == [("text/html", "<p>rich")]


def test_a_message_in_a_message_is_shown_with_its_subject() -> None:
    inner = b"Subject: =?utf-8?q?inn=C3=A9r?=\r\nFrom: x@y\r\n\r\ninside"
    assert seen(multipart(b"mixed", part(b"message/rfc822", inner))) == [
        ("text/plain", "innér"),
        ("text/plain", "inside"),
    ]


def test_a_part_of_a_digest_is_a_message() -> None:
    assert seen(multipart(b"digest", b"\r\nSubject: first\r\n\r\none")) == [
        ("text/plain", "first"),
        ("text/plain", "one"),
    ]


def test_a_header_without_its_empty_line_ends_where_no_field_can_be() -> None:
    raw = b"From: a@b\r\nContent-Transfer-Encoding: base64\r\naGVsbG8gdGhlcmU=\r\n\r\nZm9v\r\n"
    assert seen(raw)[0][1].startswith("hello there")


def test_a_broken_line_among_fields_does_not_end_them() -> None:
    assert seen(b"From: a@b\r\nbroken\r\nContent-Type: text/html\r\n\r\n<p>x") == [("text/html", "<p>x")]


def test_an_attachment_is_named_and_not_decoded() -> None:
    more = (
        b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename*0=in; filename*1=voice.pdf\r\n"
    )
    (found,) = parts(part(b"application/pdf", b"QUJD", more))
    assert (found.name, found.disposition, found.body, found.is_text) == ("invoice.pdf", "attachment", b"QUJD", False)


def test_a_page_may_declare_its_own_charset() -> None:
    assert seen(part(b"text/html", b'<meta charset="koi8-r"><p>\xf0\xd2\xc9\xd7\xc5\xd4')) == [
        ("text/html", '<meta charset="koi8-r"><p>Привет')
    ]


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        ("base64", b"aGVsbG8", b"hello"),
        ("base64", b"aG!VsbG8", b"hello"),
        ("base64", b"a", b""),
        ("quoted-printable", b"h=65l=\r\nlo=20=C3=A9", b"hello \xc3\xa9"),
        ("quoted-printable", b"hel= \t\r\nlo", b"hello"),
        ("quoted-printable", b"50% = =G1 =", b"50% = =G1 "),
        ("x-unknown", b"as it is", b"as it is"),
    ],
)
def test_transfer_encodings(encoding: str, body: bytes, text: bytes) -> None:
    assert decode(body, encoding) == text


def test_parameters() -> None:
    assert parameters('text/plain; Charset="utf-8"; name=a.txt ;x="a;b"') == {
        "charset": "utf-8",
        "name": "a.txt",
        "x": "a;b",
    }
    assert parameters("text/plain") == {}
