"""The text that is scored: what a person sees of a mail, with counts of what was hidden from that person.

Shared by training and serving, so that there is no skew. Never raises, whatever the octets; work and memory are bounded by the limits
here and in ``mime`` and ``html``. Message-ID, Date, boundaries and mailer strings are never part of it: they tell the corpus, not
the crime.
"""

import math
import re
from email.utils import parseaddr
from typing import NamedTuple

import msgspec

from fastemailnet.message import links as link
from fastemailnet.message.header import Field, decoded, fields, first, split
from fastemailnet.message.html import Page, render
from fastemailnet.message.mime import Part, parts
from fastemailnet.message.normal import normalise

MAX_BODY_CHARACTERS = 4_000
MAX_SUBJECT_CHARACTERS = 300
MAX_SENDER_CHARACTERS = 200
MAX_RAW_OCTETS = 1_000_000
PREHEADER_CHARACTERS = 150  # honest mail hides a preview line up to about this long

FEATURE_NAMES = (
    "hidden_characters", "invisible_characters", "lookalikes", "links", "mismatched_links", "ip_links", "punycode_links",
    "free_hosting_links", "at_links", "redirect_links", "foreign_links", "images", "attachments", "forms", "html", "text_length",
)  # fmt: skip


class ScoringText(msgspec.Struct, frozen=True, array_like=True):
    """What is scored. Features are log(1 + count), in the order of FEATURE_NAMES."""

    subject: str
    sender: str  # display name and domain of From
    body: str
    hosts: tuple[str, ...]
    features: tuple[float, ...]
    signals: tuple[str, ...]  # lines that a person wants to see


class _Seen(NamedTuple):
    text: str
    pages: list[Page]
    attachments: int
    html: int
    images: int


def visible_text(raw: bytes) -> ScoringText:
    """Read a message as a person would."""
    raw = raw[:MAX_RAW_OCTETS]
    header = fields(split(raw)[0])
    subject, _, subject_lookalikes = normalise(decoded(first(header, "Subject")))
    name, domain = _sender(header)
    seen = _body(parts(raw))
    body, invisible, lookalikes = normalise(seen.text)
    hidden = sum(page.hidden_characters for page in seen.pages)
    pairs = [pair for page in seen.pages for pair in page.links] + [(url, "") for url in link.URL.findall(body)[:50]]
    count = link.examine(pairs, domain)
    lookalikes += subject_lookalikes
    forms = sum(page.forms for page in seen.pages)
    numbers = (
        hidden, invisible, lookalikes, count.links, count.mismatched, count.ip, count.punycode, count.free_hosting, count.at_sign,
        count.redirect, count.foreign, seen.images, seen.attachments, forms, seen.html, len(body),
    )  # fmt: skip
    signals = list(count.signals or ())
    if hidden > PREHEADER_CHARACTERS:
        signals.append(f"{hidden} characters hidden from the reader")
    if invisible > 10:
        signals.append(f"{invisible} invisible characters in the text")
    if lookalikes:
        signals.append(f"{lookalikes} letters of another script that look Latin")
    return ScoringText(
        subject[:MAX_SUBJECT_CHARACTERS],
        f"{name} {domain}".strip()[:MAX_SENDER_CHARACTERS],
        _window(body),
        tuple(count.hosts or ())[:10],
        tuple(math.log1p(min(number, 100_000)) for number in numbers),
        tuple(signals),
    )


def model_input(text: ScoringText) -> str:
    """The one string that is tokenised, in training and in serving: marks for what was counted, then what a person reads."""
    marks = [
        f"{name}{min(3, math.ceil(value))}"
        for name, value in zip(FEATURE_NAMES, text.features, strict=True)
        if value and name not in ("text_length", "links", "foreign_links")
    ]
    hosts = " ".join(text.hosts[:3])
    return f"{text.subject}\n{text.sender}\n{' '.join(marks)}\n{hosts}\n{text.body}"


def _sender(header: list[Field]) -> tuple[str, str]:
    """Display name and domain of the first From address."""
    value = decoded(first(header, "From"))
    try:
        name, address = parseaddr(value)
    except Exception:  # the standard library's parser may fail on what it was not made for
        return value, ""
    return normalise(name)[0], address.rpartition("@")[2].lower()


def _body(found: list[Part]) -> _Seen:
    """What a reader's program shows of the parts: of alternatives the richest, of the rest all text."""
    texts: list[str] = []
    pages: list[Page] = []
    attachments = html = images = 0
    rich = {part.siblings for part in found if part.content_type == "text/html" and part.disposition != "attachment"}
    for part in found:
        if part.disposition == "attachment" or (part.name and not part.content_type.startswith(("text/", "image/"))):
            attachments += 1
        elif part.content_type == "text/html":
            page = render(part.text())
            pages.append(page)
            texts.append("".join(page.text))
            html += 1
            images += page.images
        elif part.content_type.startswith("text/") or "/" not in part.content_type:
            if not (part.siblings == "alternative" and "alternative" in rich):
                texts.append(part.text())
        elif part.content_type.startswith("image/"):
            images += 1
    return _Seen("\n".join(texts), pages, attachments, html, images)


def _window(body: str) -> str:
    """A long body by its head, its tail and the stretch with most links."""
    if len(body) <= MAX_BODY_CHARACTERS:
        return body
    third = MAX_BODY_CHARACTERS // 4
    head, tail = body[: 2 * third], body[-third:]
    places = [match.start() for match in re.finditer("https?://", body[2 * third : -third])]
    if not places:
        return f"{head}\n{body[2 * third : 3 * third]}\n{tail}"
    densest = max(places, key=lambda start: sum(start <= other < start + third for other in places))
    start = 2 * third + max(0, densest - third // 4)
    return f"{head}\n{body[start : start + third]}\n{tail}"
