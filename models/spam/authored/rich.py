"""Longer mail as blocks, the way a shop, a newsletter service or a ticket system builds it, drawn as plain text and as HTML.

The same drawing serves the tricks and the honest mail: what a mail looks like must say nothing of what it wants.
"""

import html
from dataclasses import dataclass
from random import Random
from typing import assert_never

from models.spam.authored import names

_COLOURS = ["#0b5cad", "#111111", "#d4003c", "#1a7f37", "#ff6600", "#5f3dc4", "#00695c"]
_FONTS = ["Arial,sans-serif", "Helvetica,Arial,sans-serif", "Georgia,serif", "'Open Sans',Verdana,sans-serif", "Tahoma"]
_FILLERS = ["&zwnj;&nbsp;", "&#847;&zwnj;&nbsp;", "&#8199;&#65279;", "&nbsp;"]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A line in large letters."""

    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Label and value, line by line: an order, a trip, a bill."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Button:
    """What the mail wants to be pressed."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Story:
    """An item of a newsletter or an offer: picture, title, a line or two, a link."""

    title: str
    teaser: str
    link_text: str
    url: str
    picture: str  # URL, "" for none


@dataclass(frozen=True, slots=True)
class Picture:
    """A linked picture with its alternative text."""

    url: str
    picture: str
    alt: str


@dataclass(frozen=True, slots=True)
class Small:
    """The small print: text and named links."""

    text: str
    links: tuple[tuple[str, str], ...]


Block = Text | Heading | Rows | Button | Story | Picture | Small


@dataclass(frozen=True, slots=True)
class Theme:
    """How one sender's mail looks."""

    colour: str
    font: str
    width: int
    sheet: bool  # styles in a style sheet, not on the elements
    preheader: str
    filler: str  # blank characters behind the preview line, as newsletter programs put there

    @classmethod
    def drawn(cls, preheader: str, rng: Random) -> "Theme":
        """A theme by chance."""
        filler = rng.choice(_FILLERS) * rng.choice([0, 0, 30, 90])
        return cls(
            rng.choice(_COLOURS),
            rng.choice(_FONTS),
            rng.choice([480, 560, 600, 640]),
            rng.random() < 0.4,
            preheader,
            filler,
        )


def as_plain(blocks: list[Block]) -> str:
    """The blocks as plain text."""
    return "\n\n".join(filter(None, map(_plain, blocks)))


def _plain(block: Block) -> str:
    match block:
        case Text(text) | Heading(text):
            return text
        case Rows(rows):
            return "\n".join(f"{label}: {value}" if value else label for label, value in rows)
        case Button(text, url):
            return f"{text}: {url}"
        case Story(title, teaser, _, url, _):
            return f"{title}\n{teaser}\n{url}"
        case Picture(url, _, alt):
            return f"[{alt}] {url}"
        case Small(text, links):
            return "\n".join([text, *(f"{name}: {url}" for name, url in links)])
        case _ as never:
            assert_never(never)


def as_html(blocks: list[Block], theme: Theme, rng: Random) -> str:
    """The blocks as a table of one column in the look of ``theme``."""
    rows = "\n".join(f"<tr><td{_cell(block, theme)}>{_drawn(block, theme)}</td></tr>" for block in blocks)
    cell = f"td{{font-family:{theme.font};font-size:15px;padding:10px 24px}}"
    sheet = f"{cell}.s{{font-size:11px;color:#888888}}a{{color:{theme.colour}}}"
    preview = (
        f'<div style="display:none;max-height:0;overflow:hidden">{html.escape(theme.preheader)}{theme.filler}</div>'
    )
    pixel = f'<img src="https://{names.random_word(rng)}.net/o/{names.token(rng)}.gif" width="1" height="1">'
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8">{f"<style>{sheet}</style>" if theme.sheet else ""}</head>'
        f'<body style="margin:0;background:#f4f4f4">{preview if theme.preheader else ""}'
        f'<table width="{theme.width}" align="center" bgcolor="#ffffff" cellpadding="0" cellspacing="0">{rows}</table>'
        f"{pixel if rng.random() < 0.4 else ''}</body></html>"
    )


def _cell(block: Block, theme: Theme) -> str:
    if theme.sheet:
        return ' class="s"' if isinstance(block, Small) else ""
    size = "11px;color:#888888" if isinstance(block, Small) else "15px;color:#222222"
    return f' style="font-family:{html.escape(theme.font)};font-size:{size};padding:10px 24px"'


def _drawn(block: Block, theme: Theme) -> str:
    match block:
        case Text(text):
            return html.escape(text).replace("\n", "<br>")
        case Heading(text):
            return f'<h2 style="margin:0;color:{theme.colour}">{html.escape(text)}</h2>'
        case Rows(rows):
            lines = (f'<tr><td>{html.escape(a)}</td><td align="right">{html.escape(b)}</td></tr>' for a, b in rows)
            return f'<table width="100%">{"".join(lines)}</table>'
        case Button(text, url):
            style = f"background:{theme.colour};color:#ffffff;padding:12px 28px;text-decoration:none;border-radius:4px"
            return f'<a href="{html.escape(url)}" style="{style}">{html.escape(text)}</a>'
        case Story(title, teaser, link_text, url, picture):
            image = f'<img src="{picture}" width="180" alt=""><br>' if picture else ""
            link = f'<a href="{html.escape(url)}">{html.escape(link_text)}</a>'
            return f"{image}<b>{html.escape(title)}</b><br>{html.escape(teaser)}<br>{link}"
        case Picture(url, picture, alt):
            image = f'<img src="{picture}" width="{theme.width}" alt="{html.escape(alt)}" style="display:block">'
            return f'<a href="{html.escape(url)}">{image}</a>'
        case Small(text, links):
            named = " | ".join(f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for name, url in links)
            return f"{html.escape(text)}<br>{named}"
        case _ as never:
            assert_never(never)
