"""From parts to message octets: plain text, HTML of several looks, both; with the encodings that mailers use."""

import base64
import html
import quopri
from dataclasses import dataclass
from email.header import Header
from enum import StrEnum
from random import Random
from typing import assert_never


class Look(StrEnum):
    """The look of a body."""

    PLAIN = "plain"
    SIMPLE = "simple"  # paragraphs and a link, as a mail client writes them
    CARD = "card"  # a centred table with a button, as a template service writes it
    BARE = "bare"  # old-fashioned markup
    IMAGE = "image"  # most of it is one linked picture
    BOTH = "both"  # multipart/alternative of PLAIN and CARD


@dataclass(frozen=True, slots=True)
class Parts:
    """What a layout puts together."""

    sender_name: str
    sender: str
    reply_to: str  # "" for none
    recipient: str
    subject: str
    paragraphs: tuple[str, ...]
    button: str  # "" for none
    url: str  # where the button goes; "" for none
    shown_url: str  # "" unless the text names a place of its own
    footer: str
    preheader: str  # hidden first line, "" for none
    logo: str  # URL of a picture, "" for none


def _header(name: str, text: str) -> str:
    return f"{name}: {text if text.isascii() else Header(text, 'utf-8', maxlinelen=200).encode()}"


def _address(name: str, address: str) -> str:
    if not name:
        return address
    return (
        f"{name} <{address}>" if name.isascii() and name.replace(" ", "").isalnum() else f"{_quoted(name)} <{address}>"
    )


def _quoted(name: str) -> str:
    return f'"{name}"' if name.isascii() else Header(name, "utf-8", maxlinelen=200).encode()


def _plain(parts: Parts) -> str:
    blocks = list(parts.paragraphs)
    if parts.url:
        blocks.insert(max(1, len(blocks) - 1), f"{parts.button}: {parts.url}" if parts.button else parts.url)
    return "\n\n".join(block for block in [*blocks, parts.footer] if block)


def _link(parts: Parts, style: str) -> str:
    return (
        f'<a href="{html.escape(parts.url)}"{style}>{html.escape(parts.shown_url or parts.button or parts.url)}</a>'
        if parts.url
        else ""
    )


def _preheader(parts: Parts) -> str:
    return (
        f'<div style="display:none;max-height:0;overflow:hidden">{html.escape(parts.preheader)}</div>'
        if parts.preheader
        else ""
    )


def _html_blocks(parts: Parts, style: str, tag: str) -> str:
    blocks = [f"<{tag}>{html.escape(block).replace(chr(10), '<br>')}</{tag}>" for block in parts.paragraphs]
    if link := _link(parts, style):
        blocks.insert(max(1, len(blocks) - 1), f"<{tag}>{link}</{tag}>")
    return "\n".join(blocks)


def _card(parts: Parts) -> str:
    logo = (
        f'<tr><td><img src="{parts.logo}" width="120" alt="{html.escape(parts.sender_name)}"></td></tr>'
        if parts.logo
        else ""
    )
    button = ' style="background:#0b5cad;color:#ffffff;padding:12px 24px;text-decoration:none;border-radius:4px"'
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><style>td{font-family:Arial,sans-serif;font-size:15px}'
        "</style></head>"
        f'<body style="background:#f4f4f4">{_preheader(parts)}<table width="600" align="center" bgcolor="#ffffff" cellpadding="24">'
        f"{logo}<tr><td>{_html_blocks(parts, button, 'p')}</td></tr>"
        f'<tr><td style="font-size:12px;color:#777777">{html.escape(parts.footer)}</td></tr></table></body></html>'
    )


def _image(parts: Parts) -> str:
    first = html.escape(parts.paragraphs[0]) if parts.paragraphs else ""
    picture = f'<img src="{parts.logo}" width="600" alt="{html.escape(parts.subject)}">'
    return (
        f'<html><body>{_preheader(parts)}<p>{first}</p><center><a href="{html.escape(parts.url)}">{picture}</a></center>'
        f"<p><small>{html.escape(parts.footer)}</small></p></body></html>"
    )


def _bodies(parts: Parts, look: Look) -> list[tuple[str, str]]:
    """The parts of the body as (subtype, text)."""
    match look:
        case Look.PLAIN:
            return [("plain", _plain(parts))]
        case Look.SIMPLE:
            return [("html", f'<div dir="ltr">{_html_blocks(parts, "", "p")}<p>{html.escape(parts.footer)}</p></div>')]
        case Look.CARD:
            return [("html", _card(parts))]
        case Look.BARE:
            return [
                (
                    "html",
                    f'<font face="Arial" size="2">{_html_blocks(parts, "", "div")}<br><br>{html.escape(parts.footer)}</font>',
                )
            ]
        case Look.IMAGE:
            return [("html", _image(parts))]
        case Look.BOTH:
            return [("plain", _plain(parts)), ("html", _card(parts))]
        case _ as never:
            assert_never(never)


def _encode(subtype: str, text: str, rng: Random) -> str:
    raw = text.replace("\n", "\r\n").encode()
    if rng.random() < 0.3:
        encoding, body = "base64", base64.encodebytes(raw).decode().replace("\n", "\r\n")
    else:
        encoding, body = (
            "quoted-printable",
            quopri.encodestring(raw.replace(b"\r\n", b"\n")).decode().replace("\n", "\r\n"),
        )
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"


def render(parts: Parts, look: Look, rng: Random) -> bytes:
    """The message, with CRLF line ends."""
    lines = head(parts.sender_name, parts.sender, parts.recipient, parts.subject)
    if parts.reply_to:
        lines.append(f"Reply-To: {parts.reply_to}")
    return message(lines, _bodies(parts, look), rng)


def head(sender_name: str, sender: str, recipient: str, subject: str) -> list[str]:
    """The fields that say who writes to whom about what."""
    return [_header("From", _address(sender_name, sender)), f"To: {recipient}", _header("Subject", subject)]


def message(
    lines: list[str], bodies: list[tuple[str, str]], rng: Random, attached: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """Header fields, alternatives of one body as (subtype, text) and attachments as (name, type), as octets with CRLF line ends."""
    month, day = rng.choice(["Jan", "Mar", "Jun", "Sep", "Nov"]), rng.randrange(1, 28)
    dated = f"Date: Tue, {day:02d} {month} 2025 {rng.randrange(24):02d}:{rng.randrange(60):02d}:00 +0000"
    numbered = f"Message-ID: <{rng.randrange(16**12):012x}@mail.example>"
    content = _joined("alternative", [_encode(subtype, text, rng) for subtype, text in bodies], rng)
    content = _joined("mixed", [content, *(_attachment(name, kind, rng) for name, kind in attached)], rng)
    return ("\r\n".join([*lines, dated, numbered, "MIME-Version: 1.0"]) + "\r\n" + content).encode()


def _joined(kind: str, parts: list[str], rng: Random) -> str:
    if len(parts) == 1:
        return parts[0]
    boundary = f"b{rng.randrange(16**16):016x}"
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{inside}--{boundary}--\r\n'


def _attachment(name: str, kind: str, rng: Random) -> str:
    """Some octets of a file; an image stands in the mail, anything else beside it."""
    octets = base64.encodebytes(rng.randbytes(rng.randrange(200, 900))).decode().replace("\n", "\r\n")
    place = "inline" if kind.startswith("image/") else "attachment"
    return (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: {place}; filename="{name}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{octets}"
    )
