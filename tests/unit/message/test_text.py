"""What a person sees, and what was hidden from that person."""

import base64

import pytest

from fastemailnet.message.text import FEATURE_NAMES, ScoringText, model_input, visible_text

HEAD = b"From: =?utf-8?q?K=C3=B6ln_Shop?= <news@shop.example>\r\nTo: b@example.org\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"


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
        HEAD + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\n'
        b"Content-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\nepilogue\r\n"
    )
    assert visible_text(raw).body == "rich"


def test_nested_messages_are_read() -> None:
    raw = HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n"
    assert "inside" in visible_text(raw).body


@pytest.mark.parametrize(
    "style",
    ["display:none", "visibility: hidden", "font-size:0", "font-size:1px", "opacity:0", "max-height:0", "color:#fff", "left:-9999px"],
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
