"""Why a message looks as it does to the filter, for a person: what was hidden and in which part, and which link goes where.

Not on the path of scoring: it may look closer than ``visible_text``, which is made for a thousand mails a second. Never raises.
"""

from typing import NamedTuple

from fastemailnet.message import links as link
from fastemailnet.message.header import fields, first, split
from fastemailnet.message.html import Page, render
from fastemailnet.message.mime import Part, parts
from fastemailnet.message.normal import normalise
from fastemailnet.message.text import FEW_CHARACTERS, MAX_RAW_OCTETS, MAX_TEXT_LINKS, PREHEADER_CHARACTERS, RISKY_FILES
from fastemailnet.message.words import mailbox

EXCERPT_CHARACTERS = 80
MAX_FINDINGS = 30


class Finding(NamedTuple):
    """One striking thing: where it stands and what it is."""

    where: str
    what: str


def explain(raw: bytes) -> list[Finding]:
    """What strikes about a message, at most MAX_FINDINGS, in the order of its parts."""
    raw = raw[:MAX_RAW_OCTETS]
    header = fields(split(raw)[0])
    sender = mailbox(first(header, "From"))
    found = [Finding(name, what) for name in ("Subject", "From") for what in _disguise(first(header, name))]
    answers = mailbox(first(header, "Reply-To")).domain
    if link.strange(answers, sender.domain):
        found.append(Finding("Reply-To", f"answers go to {answers}, not to {sender.domain}"))
    for number, part in enumerate(parts(raw), 1):
        where = f"part {number} ({part.content_type}{', ' + part.name if part.name else ''})"
        found += [Finding(where, what) for what in _part(part, sender.domain)]
    return found[:MAX_FINDINGS]


def _part(part: Part, domain: str) -> list[str]:
    if part.is_html:
        page = render(part.text())
        return [
            *_hidden(page),
            *_disguise("".join(page.text)),
            *_links(page.links, domain),
            *_forms(page),
            *_pictures(page),
        ]
    if part.is_text:
        text = part.text()
        return [*_disguise(text), *_links([(url, "") for url in link.urls_in(text, MAX_TEXT_LINKS)], domain)]
    if part.name.lower().endswith(RISKY_FILES) or part.content_type == "text/html":
        return [f"attachment {part.name or part.content_type} can run or show a page of its own"]
    return []


def _hidden(page: Page) -> list[str]:
    found = []
    if page.hidden_characters > PREHEADER_CHARACTERS:
        excerpt = " ".join(normalise(" ".join(page.hidden)).text.split())[:EXCERPT_CHARACTERS]
        found.append(f"{page.hidden_characters} characters that no reader sees: “{excerpt}…”")
    if page.aside_characters > PREHEADER_CHARACTERS:
        found.append(f"{page.aside_characters} characters of prose in comments, titles or scripts")
    return found


def _disguise(text: str) -> list[str]:
    seen = normalise(text)
    found = []
    if seen.invisible > FEW_CHARACTERS:
        found.append(f"{seen.invisible} invisible characters between the letters")
    if seen.lookalikes:
        found.append(f"{seen.lookalikes} letters of another script that look Latin")
    return found


def _links(pairs: list[tuple[str, str]], domain: str) -> list[str]:
    """The links with a trick, each with the text that names it."""
    found: list[str] = []
    for href, shown in pairs:
        count = link.examine([(href, shown)], domain)
        named = (
            f"link “{shown[:EXCERPT_CHARACTERS]}” → {href[:EXCERPT_CHARACTERS]}"
            if shown
            else f"link {href[:EXCERPT_CHARACTERS]}"
        )
        found += [f"{named}: {signal.removeprefix('link ')}" for signal in count.signals]
        if count.free_hosting:
            found.append(f"{named}: anybody can put a page there for free")
    return list(dict.fromkeys(found))


def _forms(page: Page) -> list[str]:
    return [f"{page.forms} form fields to fill in inside the mail"] if page.forms else []


def _pictures(page: Page) -> list[str]:
    words = len(normalise("".join(page.text)).text.split())
    return (
        [f"nearly nothing but pictures: {page.images} of them and {words} words"] if page.images and words < 10 else []
    )
