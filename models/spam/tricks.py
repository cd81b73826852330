"""What spammers do to a message to get past a filter, done to messages of the training and development sets.

Each trick takes and gives message octets. The result is one HTML (or plain) part under the old From, Reply-To and Subject, so that
clean and tricked copies are compared in the same wrapping: ``wrapped`` does the wrapping alone.
"""

import base64
import email
import email.policy
import html
import re
from collections.abc import Callable
from email.message import Message
from random import Random

_CONFUSABLE = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "i": "і", "y": "у"})
_ZERO_WIDTH = "\u200b\u200c\u2060\ufeff\u00ad"
_HIDINGS = [
    "display:none",
    "font-size:0",
    "visibility:hidden",
    "color:#ffffff;background:#ffffff",
    "opacity:0",
    "max-height:0;overflow:hidden",
    "position:absolute;left:-9999px",
    "font-size:1px;color:#fefefe",
]
_TAG = re.compile(r"(<[^>]*>|&\w+;|https?://\S+)")
_CHANGED = 0.5  # share of words that a character trick touches

Trick = Callable[[bytes, list[str], Random], bytes]


def _text_part(raw: bytes) -> tuple[Message, str, bool]:
    """The parsed message, its most telling text and whether that is HTML."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    best: tuple[str, bool] = ("", False)
    for part in message.walk():
        if part.get_content_maintype() != "text" or best[1]:
            continue
        payload = part.get_payload(decode=True)
        text = (payload if isinstance(payload, bytes) else b"").decode("utf-8", "replace")
        is_html = part.get_content_subtype() == "html"
        if is_html or not best[0]:
            best = (text, is_html)
    return message, *best


def _rebuilt(message: Message, text: str) -> bytes:
    kept = [
        f"{name}: {' '.join(str(value).split())}"
        for name, value in message.items()
        if name.lower() in ("from", "to", "reply-to", "subject")
    ]
    head = [
        *kept,
        "MIME-Version: 1.0",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        "",
    ]
    body = base64.encodebytes(text.encode("utf-8", "replace")).decode().replace("\n", "\r\n")
    return ("\r\n".join(head) + body).encode("utf-8", "surrogateescape")


def _as_html(text: str, is_html: bool) -> str:
    return text if is_html else f"<html><body><pre>{html.escape(text)}</pre></body></html>"


def wrapped(raw: bytes, good: list[str], rng: Random) -> bytes:
    """No trick, only the wrapping that the others come in."""
    del good, rng
    message, text, is_html = _text_part(raw)
    return _rebuilt(message, _as_html(text, is_html))


def hidden_good_words(raw: bytes, good: list[str], rng: Random) -> bytes:
    """300 words of honest mail that no reader sees, before or behind the text."""
    message, text, is_html = _text_part(raw)
    block = f'<div style="{rng.choice(_HIDINGS)}">{html.escape(" ".join(_good_words(good, rng)))}</div>'
    body = _as_html(text, is_html)
    return _rebuilt(message, block + body if rng.random() < 0.5 else body + block)


def _good_words(good: list[str], rng: Random) -> list[str]:
    collected: list[str] = []
    while len(collected) < 300:
        collected += rng.choice(good).split()[:150]
    return collected[:300]


def _letters(raw: bytes, rng: Random, change: Callable[[str], str]) -> bytes:
    message, text, is_html = _text_part(raw)
    pieces = _TAG.split(_as_html(text, is_html))
    for index in range(0, len(pieces), 2):
        pieces[index] = " ".join(change(word) if rng.random() < _CHANGED else word for word in pieces[index].split(" "))
    return _rebuilt(message, "".join(pieces))


def zero_width(raw: bytes, good: list[str], rng: Random) -> bytes:
    """Characters without width inside words."""
    del good
    return _letters(raw, rng, lambda word: rng.choice(_ZERO_WIDTH).join(word) if len(word) > 3 else word)


def homoglyphs(raw: bytes, good: list[str], rng: Random) -> bytes:
    """Letters that look the same and are from another script."""
    del good
    return _letters(raw, rng, lambda word: word[:1] + word[1:].translate(_CONFUSABLE))


def image_only(raw: bytes, good: list[str], rng: Random) -> bytes:
    """The text as a picture: nothing is left but the subject and a linked image."""
    del good
    message, text, _ = _text_part(raw)
    found = re.search(r"https?://[^\s\"'<>]+", text)
    url = html.escape(found[0] if found else f"https://{rng.randrange(10**9)}.example/")
    return _rebuilt(message, f'<a href="{url}"><img src="{url}/p.png" width="600"></a>')


def innocent_padding(raw: bytes, good: list[str], rng: Random) -> bytes:
    """Honest text for all to see, below the message: a filter that averages over all words is drowned in it."""
    message, text, is_html = _text_part(raw)
    body = re.sub(r"</body>\s*</html>\s*$", "", _as_html(text, is_html), flags=re.IGNORECASE)
    return _rebuilt(message, f"{body}{'<br>' * rng.randrange(2, 30)}{_padding(good, rng)}</body></html>")


def innocent_heading(raw: bytes, good: list[str], rng: Random) -> bytes:
    """The same text above the message, where a filter looks first."""
    message, text, is_html = _text_part(raw)
    return _rebuilt(message, f"{_padding(good, rng)}{'<br>' * rng.randrange(2, 30)}{_as_html(text, is_html)}")


def _padding(good: list[str], rng: Random) -> str:
    return f"<p>{html.escape(' '.join(_good_words(good, rng)[: rng.randrange(80, 300)]))}</p>"


def split_words(raw: bytes, good: list[str], rng: Random) -> bytes:
    """Words cut by comments and empty elements, which a reader does not see."""
    del good
    cuts = ("<!-- -->", "<span></span>", "<b></b>", "<!--x-->", '<font size="2"></font>')
    return _letters(raw, rng, lambda word: f"{word[:2]}{rng.choice(cuts)}{word[2:]}" if len(word) > 3 else word)


def lower_case(raw: bytes, good: list[str], rng: Random) -> bytes:
    """No capital anywhere: mail without case has features of its own (``wide``), and must not be freer for it."""
    del good, rng
    message, text, is_html = _text_part(raw)
    pieces = _TAG.split(_as_html(text, is_html))
    pieces[::2] = [piece.lower() for piece in pieces[::2]]
    subject = str(message["Subject"] or "")
    del message["Subject"]
    message["Subject"] = subject.lower() if "=?" not in subject else subject
    return _rebuilt(message, "".join(pieces))


TRICKS: dict[str, Trick] = {
    "hidden good words": hidden_good_words,
    "zero width": zero_width,
    "homoglyphs": homoglyphs,
    "image only": image_only,
    "innocent padding": innocent_padding,
    "innocent heading": innocent_heading,
    "split words": split_words,
    "lower case": lower_case,
}
