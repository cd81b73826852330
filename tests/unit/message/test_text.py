"""What a person sees, and what was hidden from that person."""

import base64
import math

import pytest

from fastemailnet.message.text import (
    FEATURE_NAMES,
    MAX_BODY_CHARACTERS,
    MAX_COUNT,
    ScoringText,
    model_input,
    visible_text,
)

FROM = b"From: =?utf-8?q?K=C3=B6ln_Shop?= <news@shop.example>\r\n"
HEAD = FROM + b"To: b@example.org\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"


def feature(text: ScoringText, name: str) -> float:
    return text.features[FEATURE_NAMES.index(name)]


def html(body: str) -> ScoringText:
    return visible_text(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + body.encode())


def test_headers_and_encodings_are_decoded() -> None:
    body = base64.encodebytes("Grüße aus Köln".encode("iso-8859-1"))
    raw = HEAD + b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body
    text = visible_text(raw)
    assert (text.subject, text.sender, text.body) == ("Grüße", "Köln Shop shop.example", "Grüße aus Köln")


def test_of_alternatives_the_rich_one_is_read() -> None:
    raw = (
        HEAD + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\nepilogue\r\n"
    )
    assert visible_text(raw).body == "rich"


def test_nested_messages_are_read() -> None:
    raw = HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n"
    assert "inside" in visible_text(raw).body


@pytest.mark.parametrize(
    "style",
    ["display:none", "visibility: hidden", "font-size:0", "opacity:0", "max-height:0", "color:#fff", "left:-9999px"],
)
def test_hidden_text_is_dropped_and_counted(style: str) -> None:
    text = html(f'<p>seen</p><div style="{style}">{"innocent words " * 20}</div>')
    assert text.body == "seen"
    assert feature(text, "hidden_characters") > 5
    assert any("hidden from the reader" in signal for signal in text.signals)


def test_zero_width_characters_and_lookalikes_are_undone_and_counted() -> None:
    text = visible_text(HEAD + b"\r\n" + "Ver\u200bify your p\u0430ssword".encode())
    assert text.body == "Verify your password"
    assert feature(text, "invisible_characters") > 0
    assert feature(text, "lookalikes") > 0


def test_honest_cyrillic_stays_as_it_is() -> None:
    text = visible_text(HEAD + b"\r\n" + "Привет, как дела".encode())
    assert text.body == "Привет, как дела"
    assert feature(text, "lookalikes") == 0


@pytest.mark.parametrize(
    ("href", "shown", "name"),
    [
        ("http://evil.example/x", "www.bank.example", "mismatched_links"),
        ("http://192.0.2.7/x", "here", "ip_links"),
        ("http://xn--pypal-4ve.example/", "here", "punycode_links"),
        ("https://login-bank.pages.dev/", "here", "free_hosting_links"),
        ("http://bank.example@evil.example/", "here", "at_links"),
        ("https://t.example/r?url=https://evil.example", "here", "redirect_links"),
    ],
)
def test_link_tricks_are_counted_and_named(href: str, shown: str, name: str) -> None:
    text = html(f'<a href="{href}">{shown}</a>')
    assert feature(text, name) > 0
    assert text.signals
    assert name in model_input(text)


def test_an_honest_link_raises_nothing() -> None:
    text = html('<a href="https://shop.example/orders/1">https://shop.example/orders/1</a>')
    assert text.signals == ()
    assert feature(text, "foreign_links") == 0


def test_a_link_that_is_named_by_its_address_counts_once_and_a_bare_address_too() -> None:
    assert feature(html('<a href="https://shop.example/1">https://shop.example/1</a>'), "links") == math.log1p(1)
    assert feature(html("<p>go to www.evil.example now"), "links") == math.log1p(1)
    assert visible_text(HEAD + b"\r\nhttps://evil.example/x").hosts == ("evil.example",)


def test_the_sender_and_subject_are_read_as_they_look() -> None:
    raw = "From: Pay\u200bPal <a@evil.example>\r\nSubject: V\u0435rify\r\n\r\nx".encode()
    text = visible_text(raw)
    assert (text.sender, text.subject) == ("PayPal evil.example", "Verify")
    assert feature(text, "invisible_characters") == feature(text, "lookalikes") == math.log1p(1)


@pytest.mark.parametrize("name", ["PayPal Service", "service@paypal.com", "www.bank.example"])
def test_a_borrowed_name_is_told(name: str) -> None:
    text = visible_text(f'From: "{name}" <a@evil.example>\r\n\r\nx'.encode())
    assert feature(text, "false_names") > 0
    assert "evil.example" in text.signals[0]


@pytest.mark.parametrize(
    ("answers", "strange"),
    [
        ("", 0),
        ("Reply-To: help@mail.shop.example\r\n", 0),
        ("Reply-To: Shop <shop.help@free.example>\r\n", math.log1p(1)),
    ],
)
def test_answers_that_leave_the_sender_are_marked(answers: str, strange: float) -> None:
    text = visible_text(f"From: Shop <news@shop.example>\r\n{answers}Subject: s\r\n\r\nhello".encode())
    assert feature(text, "strange_answers") == strange
    assert ("strange_answers1" in model_input(text)) == bool(strange)


def test_a_name_of_ones_own_is_not_told() -> None:
    for sender in (
        '"PayPal" <a@mail.paypal.com>',
        '"shop.example" <a@news.shop.example>',
        "Ann Lee <ann@shop.example>",
    ):
        assert feature(visible_text(f"From: {sender}\r\n\r\nx".encode()), "false_names") == 0


def test_the_mark_of_a_preview_line_is_not_that_of_stuffing() -> None:
    def marks(words: int) -> str:
        return model_input(html(f'<div style="display:none">{"words " * words}</div><p>seen')).split("\n")[2]

    assert len({marks(5), marks(20), marks(300)}) == 3
    assert marks(0) == "html1"


def test_counts_are_bounded() -> None:
    text = html(f'<div style="display:none">{"x" * 105_000}</div>')
    assert feature(text, "hidden_characters") == math.log1p(MAX_COUNT)


def test_a_long_body_keeps_its_head_its_tail_and_where_the_links_are() -> None:
    body = (
        f"head {'a ' * 9_000}{'https://one.example ' * 2}{'b ' * 9_000}{'https://many.example ' * 9}{'c ' * 9_000}tail"
    )
    text = visible_text(HEAD + b"\r\n" + body.encode())
    assert text.body.startswith("head a a")
    assert text.body.endswith("c c tail")
    assert text.body.count("https://many.example") == 9
    assert len(text.body) <= MAX_BODY_CHARACTERS + 2
    assert len(visible_text(HEAD + b"\r\n" + b"a " * 9_000).body) <= MAX_BODY_CHARACTERS + 2


def test_a_very_long_body_keeps_its_tail() -> None:
    assert visible_text(HEAD + b"\r\n" + b"a " * 150_000 + b"tail").body.endswith("tail")


def test_attached_pages_are_told_from_other_files() -> None:
    def attached(name: str) -> ScoringText:
        part = f'Content-Type: application/octet-stream; name="{name}"\r\nContent-Disposition: attachment\r\n\r\nx'
        return visible_text(
            HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + part.encode() + b"\r\n--b--\r\n"
        )

    assert (feature(attached("a.pdf"), "attachments"), feature(attached("a.pdf"), "risky_attachments")) == (
        math.log1p(1),
        0,
    )
    assert feature(attached("Invoice.HTML"), "risky_attachments") == math.log1p(1)


def test_nothing_of_the_machinery_is_scored() -> None:
    raw = HEAD + b"Message-ID: <machinery@x>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nX-Mailer: machinery\r\n"
    raw += b'Content-Type: multipart/mixed; boundary="machinery"\r\n\r\n--machinery\r\n\r\nx\r\n--machinery--\r\n'
    assert "machinery" not in model_input(visible_text(raw))
    assert "2023" not in model_input(visible_text(raw))
