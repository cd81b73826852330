"""The text that is scored: what a person sees of a mail, with counts of what was hidden from that person.

Shared by training and serving, so that there is no skew. Never raises, whatever the octets; work and memory are bounded by the
limits here and in ``mime`` and ``html``. Message-ID, Date, boundaries and mailer strings are never part of it: they tell the
corpus, not the crime.
"""

import math
from bisect import bisect_right
from typing import NamedTuple

import msgspec

from fastemailnet.message import links as link
from fastemailnet.message.header import fields, first, split
from fastemailnet.message.html import Page, render
from fastemailnet.message.mime import Part, parts
from fastemailnet.message.normal import normalise
from fastemailnet.message.words import Mailbox, decoded, mailbox

MAX_BODY_CHARACTERS = 4_000
MAX_SUBJECT_CHARACTERS = 300
MAX_SENDER_CHARACTERS = 200
MAX_RAW_OCTETS = 1_000_000
MAX_TEXT_CHARACTERS = 100_000  # looked at before the window is chosen
MAX_TEXT_LINKS = 50
MAX_PLACES = 1_000
MAX_HOSTS = 10
MAX_COUNT = 100_000
FEW_CHARACTERS = 10  # invisible ones that honest programs leave behind
PREHEADER_CHARACTERS = 150  # honest mail hides a preview line up to about this long
RISKY_FILES = (
    ".html", ".htm", ".shtml", ".xhtml", ".svg", ".exe", ".js", ".vbs", ".scr", ".iso", ".img", ".lnk", ".hta", ".docm",
    ".xlsm",
)  # fmt: skip

FEATURE_NAMES = (
    "hidden_characters", "aside_characters", "invisible_characters", "lookalikes", "links", "mismatched_links", "ip_links",
    "punycode_links", "free_hosting_links", "at_links", "redirect_links", "data_links", "foreign_links", "brand_links",
    "false_names", "strange_answers", "images", "attachments", "risky_attachments", "forms", "html", "text_length",
)  # fmt: skip
# What the model reads of a count: the size class of log(1 + count). For characters it must tell a preview line from stuffing.
_MARKED = {
    name: 9 if name in ("hidden_characters", "aside_characters", "invisible_characters") else 3
    for name in FEATURE_NAMES
    if name not in ("text_length", "links", "foreign_links")
}


class ScoringText(msgspec.Struct, frozen=True, array_like=True):
    """What is scored. Features are log(1 + count), at most log(1 + MAX_COUNT), in the order of FEATURE_NAMES."""

    subject: str
    sender: str  # display name and domain of From
    body: str
    hosts: tuple[str, ...]  # of links, in order of appearance
    features: tuple[float, ...]
    signals: tuple[str, ...]  # lines that a person wants to see


class _Seen(NamedTuple):
    text: str
    pages: list[Page]
    html: int
    images: int
    attachments: int
    risky: int


def visible_text(raw: bytes) -> ScoringText:
    """Read a message as a person would."""
    raw = raw[:MAX_RAW_OCTETS]
    header = fields(split(raw)[0])
    subject = normalise(decoded(first(header, "Subject")))
    sender = mailbox(first(header, "From"))
    name = normalise(sender.name)
    seen = _seen(parts(raw))
    body = normalise(_ends(seen.text))
    pairs = [pair for page in seen.pages for pair in page.links]
    linked = {link.host_of(href).host for href, _ in pairs}
    urls = link.urls_in(
        body.text, MAX_TEXT_LINKS
    )  # mail programs make links of them; those of a page stand there again
    pairs += [(url, "") for url in urls if link.host_of(url).host not in linked]
    count = link.examine(pairs, sender.domain)
    false_name = _false_name(Mailbox(name.text, sender.domain))
    hidden = sum(page.hidden_characters for page in seen.pages)
    aside = sum(page.aside_characters for page in seen.pages)
    invisible = subject.invisible + name.invisible + body.invisible
    lookalikes = subject.lookalikes + name.lookalikes + body.lookalikes
    numbers = (
        hidden, aside, invisible, lookalikes, count.links, count.mismatched, count.ip,
        count.punycode, count.free_hosting, count.at_sign, count.redirect, count.data, count.foreign, count.brand,
        bool(false_name), link.strange(mailbox(first(header, "Reply-To")).domain, sender.domain), seen.images,
        seen.attachments, seen.risky, sum(page.forms for page in seen.pages), seen.html, len(body.text),
    )  # fmt: skip
    return ScoringText(
        subject.text.replace("\n", " ")[:MAX_SUBJECT_CHARACTERS],
        f"{name.text} {sender.domain}".replace("\n", " ").strip()[:MAX_SENDER_CHARACTERS],
        _window(body.text),
        tuple(count.hosts[:MAX_HOSTS]),
        tuple([math.log1p(min(number, MAX_COUNT)) for number in numbers]),
        tuple(_signals(false_name, count.signals, hidden, aside, invisible, lookalikes)),
    )


def model_input(text: ScoringText) -> str:
    """The one string that is tokenised, in training and serving: marks for what was counted, then what a person reads."""
    marks = [
        f"{name}{min(_MARKED[name], math.ceil(value))}"
        for name, value in zip(FEATURE_NAMES, text.features, strict=True)
        if value and name in _MARKED
    ]
    hosts = " ".join(text.hosts[:3])
    return f"{text.subject}\n{text.sender}\n{' '.join(marks)}\n{hosts}\n{text.body}"


def _false_name(sender: Mailbox) -> str:
    """Why the display name is not the sender's, or ""."""
    for word in sender.name.lower().split():
        host = link.host_shown(word.strip("<>()[]\"',").rpartition("@")[2])
        if host and sender.domain and link.organisation(host) != link.organisation(sender.domain):
            return f"sender is called {host} but writes from {sender.domain}"
    brand = link.borrowed_brand(sender.name.lower(), sender.domain) if sender.domain else ""
    return f"sender is called {brand} but writes from {sender.domain}" if brand else ""


def _signals(false_name: str, links: list[str], hidden: int, aside: int, invisible: int, lookalikes: int) -> list[str]:
    signals = [false_name, *links] if false_name else list(links)
    if hidden > PREHEADER_CHARACTERS:
        signals.append(f"{hidden} characters hidden from the reader")
    if aside > PREHEADER_CHARACTERS:
        signals.append(f"{aside} characters of prose in comments, titles or scripts")
    if invisible > FEW_CHARACTERS:
        signals.append(f"{invisible} invisible characters in the text")
    if lookalikes:
        signals.append(f"{lookalikes} letters of another script that look Latin")
    return signals


def _seen(found: list[Part]) -> _Seen:
    """What a reader's program shows of the parts."""
    texts: list[str] = []
    pages: list[Page] = []
    html = images = attachments = risky = 0
    for part in found:
        if part.is_html:
            page = render(part.text())
            pages.append(page)
            texts.append("".join(page.text))
            html += 1
            images += page.images
        elif part.is_text:
            texts.append(part.text())
        elif part.content_type.startswith("image/") and part.disposition != "attachment":
            images += 1
        elif part.name or part.disposition == "attachment" or part.content_type.startswith("application/"):
            attachments += 1
            risky += part.name.lower().endswith(RISKY_FILES) or part.content_type == "text/html"
    return _Seen("\n".join(texts), pages, html, images, attachments, risky)


def _ends(text: str) -> str:
    """A text of bounded length: two thirds from its head, one from its tail."""
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    third = MAX_TEXT_CHARACTERS // 3
    return text[: 2 * third] + "\n" + text[-third:]


def _window(body: str) -> str:
    """A long body by its head, its tail and the stretch between them with most links."""
    if len(body) <= MAX_BODY_CHARACTERS:
        return body
    quarter = MAX_BODY_CHARACTERS // 4
    start, end = 2 * quarter, len(body) - quarter
    places = [start + place for place in link.places_in(body[start:end], MAX_PLACES)]
    if places:
        within = [bisect_right(places, place + quarter) - index for index, place in enumerate(places)]
        start = max(start, places[within.index(max(within))] - quarter // 4)
    return f"{body[: 2 * quarter]}\n{body[start : min(start + quarter, end)]}\n{body[-quarter:]}"
