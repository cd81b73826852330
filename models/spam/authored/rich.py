"""Longer mail as blocks, the way a shop, a newsletter service or a ticket system builds it, drawn as plain text and as HTML.

The same drawing serves the tricks and the honest mail: what a mail looks like must say nothing of what it wants.
"""

import html
from dataclasses import dataclass
from random import Random
from typing import assert_never

_COLOURS = [
    "#0b5cad",
    "#111111",
    "#d4003c",
    "#1a7f37",
    "#ff6600",
    "#5f3dc4",
    "#00695c",
    "#0067b8",
    "#635bff",
    "#e50914",
]
_FONTS = ["Arial,sans-serif", "Helvetica,Arial,sans-serif", "Georgia,serif", "'Open Sans',Verdana,sans-serif", "Tahoma"]
_FILLERS = [
    "&zwnj;&nbsp;",
    "&#847;&zwnj;&nbsp;",
    "&#8199;&#65279;",
    "&nbsp;",
    "&#847; ",
    "&#8203;&nbsp;",
    "&#173;&#8199;",
]
_UNSEEN = [
    "display:none",
    "font-size:1px;color:#ffffff",
    "color:#fefefe;font-size:2px;line-height:2px",
    "height:0;overflow:hidden",
]
_SPACE_OUTLOOK = (
    "<!--[if mso]><style>table{border-collapse:collapse}td{mso-line-height-rule:exactly}</style><![endif]-->"
)
_PHONES = (
    "@media only screen and (max-width:600px){.w{width:100%!important}.d{display:none!important}"
    ".m{display:block!important;max-height:none!important}}"
)


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
    """A picture with its alternative text."""

    url: str  # where it leads, "" for nowhere
    picture: str
    alt: str


@dataclass(frozen=True, slots=True)
class Small:
    """The small print: text and named links."""

    text: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """The mail that is answered, and the one that it answered itself."""

    head: str
    text: str
    inner: "Quote | None" = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a mail says to filters and not to readers."""

    text: str


Block = Text | Heading | Rows | Button | Story | Picture | Small | Quote | Hidden


@dataclass(frozen=True, slots=True)
class Theme:
    """How one sender's mail looks."""

    colour: str
    font: str
    width: int
    sheet: bool  # styles in a style sheet, not on the elements
    preheader: str
    filler: str  # blank characters behind the preview line, as newsletter programs put there
    outlook: bool  # conditional comments for Outlook
    phones: bool  # media queries, and a first block that is there twice: for a desk and for a telephone
    browser: tuple[str, str]  # words and URL of «view in browser», "" for none
    pixel: str  # URL of the picture that counts readers, "" for none

    @classmethod
    def drawn(cls, preheader: str, browser: tuple[str, str], pixel: str, rng: Random) -> "Theme":
        """A theme by chance."""
        filler = rng.choice(_FILLERS) * rng.choice([0, 0, 30, 90])
        return cls(
            rng.choice(_COLOURS),
            rng.choice(_FONTS),
            rng.choice([480, 560, 600, 640]),
            rng.random() < 0.4,
            preheader,
            filler,
            rng.random() < 0.3,
            rng.random() < 0.3,
            browser,
            pixel,
        )


def as_plain(blocks: list[Block], rng: Random) -> str:
    """The blocks as plain text, with links in one of the manners of sending services."""
    manner = rng.choice(
        ["{}: {}", "{}: {}", "{}: {}", "{} ({})", "{} <{}>", "{}\n{}", "{} [{}]", "[{}]({})", "{}\n( {} )"]
    )
    rule = rng.choice(["", "", "", "-" * 40, "=" * 60, "* * *", "________________"])
    parts = [part for block in blocks if (part := _plain(block, manner, rule))]
    return "\n\n".join(parts)


def _plain(block: Block, manner: str, rule: str) -> str:
    match block:
        case Text(text) | Heading(text) | Hidden(text):
            return text
        case Rows(rows):
            return "\n".join(f"{label}: {value}" if value else label for label, value in rows)
        case Button(text, url):
            return manner.format(text, url)
        case Story(title, teaser, _, url, _):
            return f"{title}\n{teaser}\n{url}"
        case Picture(url, _, alt):
            return f"[{alt}] {url}".strip()
        case Small(text, links):
            named = "\n".join(manner.format(name, url) for name, url in links)
            return "\n".join(part for part in (rule, text, named) if part)
        case Quote(head, text, inner):
            quoted = f"{text}\n\n{_plain(inner, manner, rule)}" if inner else text
            return head + "\n" + "\n".join(f"> {line}" for line in quoted.split("\n"))
        case _ as never:
            assert_never(never)


def as_html(blocks: list[Block], theme: Theme, rng: Random) -> str:
    """The blocks as a table of one column in the look of ``theme``."""
    drawn = [_drawn(block, theme) for block in blocks]
    if theme.phones and drawn and rng.random() < 0.6:
        small = f'<div class="m" style="display:none;max-height:0;overflow:hidden;mso-hide:all">{drawn[0]}</div>'
        drawn[0] = f'<div class="d">{drawn[0]}</div>{small}'
    rows = "\n".join(f"<tr><td{_cell(b, theme)}>{d}</td></tr>" for b, d in zip(blocks, drawn, strict=True))
    if theme.browser[0]:
        rows = f'<tr><td align="center"{_cell(Small("", ()), theme)}>{_anchor(*theme.browser)}</td></tr>\n{rows}'
    return (
        f"<!DOCTYPE html><html>{_head(theme)}"
        f'<body style="margin:0;background:#f4f4f4">{_preview(theme)}'
        f'<table class="w" width="{theme.width}" align="center" bgcolor="#ffffff" cellpadding="0" cellspacing="0">{rows}</table>'
        f"{_pixel(theme)}</body></html>"
    )


def _head(theme: Theme) -> str:
    cell = f"td{{font-family:{theme.font};font-size:15px;padding:10px 24px}}"
    sheet = f"{cell}.s{{font-size:11px;color:#888888}}a{{color:{theme.colour}}}" if theme.sheet else ""
    styles = sheet + (_PHONES if theme.phones else "")
    viewport = '<meta name="viewport" content="width=device-width">' if theme.phones else ""
    style = f'<style type="text/css">{styles}</style>' if styles else ""
    return f'<head><meta charset="utf-8">{viewport}{_SPACE_OUTLOOK if theme.outlook else ""}{style}</head>'


def _preview(theme: Theme) -> str:
    if not theme.preheader:
        return ""
    hidden = "display:none;max-height:0;overflow:hidden" + (";mso-hide:all" if theme.outlook else "")
    return f'<div style="{hidden}">{html.escape(theme.preheader)}{theme.filler}</div>'


def _pixel(theme: Theme) -> str:
    return f'<img src="{html.escape(theme.pixel)}" width="1" height="1" alt="">' if theme.pixel else ""


def _cell(block: Block, theme: Theme) -> str:
    if theme.sheet:
        return ' class="s"' if isinstance(block, Small) else ""
    size = "11px;color:#888888" if isinstance(block, Small) else "15px;color:#222222"
    return f' style="font-family:{html.escape(theme.font)};font-size:{size};padding:10px 24px"'


def _anchor(text: str, url: str) -> str:
    return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'


def _lines(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _drawn(block: Block, theme: Theme) -> str:
    match block:
        case Text(text):
            return _lines(text)
        case Heading(text):
            return f'<h2 style="margin:0;color:{theme.colour}">{html.escape(text)}</h2>'
        case Rows(rows):
            lines = (f'<tr><td>{html.escape(a)}</td><td align="right">{html.escape(b)}</td></tr>' for a, b in rows)
            return f'<table width="100%">{"".join(lines)}</table>'
        case Button(text, url):
            return _button(text, url, theme)
        case Story(title, teaser, link_text, url, picture):
            image = f'<img src="{picture}" width="180" alt=""><br>' if picture else ""
            return f"{image}<b>{html.escape(title)}</b><br>{html.escape(teaser)}<br>{_anchor(link_text, url)}"
        case Picture(url, picture, alt):
            image = f'<img src="{picture}" width="{theme.width}" alt="{html.escape(alt)}" style="display:block">'
            return f'<a href="{html.escape(url)}">{image}</a>' if url else image
        case Small(text, links):
            return f"{_lines(text)}<br>{' | '.join(_anchor(name, url) for name, url in links)}"
        case Quote(head, text, inner):
            below = _drawn(inner, theme) if inner else ""
            return f"{_lines(head)}<blockquote>{_lines(text)}{below}</blockquote>"
        case Hidden(text):
            return f'<div style="{_UNSEEN[len(text) % len(_UNSEEN)]}">{_lines(text)}</div>'
        case _ as never:
            assert_never(never)


def _button(text: str, url: str, theme: Theme) -> str:
    """A button, with a drawing of its own for Outlook where the theme has such."""
    style = f"background:{theme.colour};color:#ffffff;padding:12px 28px;text-decoration:none;border-radius:4px"
    shown = f'<a href="{html.escape(url)}" style="{style}">{html.escape(text)}</a>'
    if not theme.outlook:
        return shown
    shape = f'<v:roundrect href="{html.escape(url)}" fillcolor="{theme.colour}"><center>{html.escape(text)}</center></v:roundrect>'
    return f"<!--[if mso]>{shape}<![endif]--><!--[if !mso]><!-->{shown}<!--<![endif]-->"


def as_letter(blocks: list[Block], rng: Random) -> str:
    """The blocks as a person's mail program writes them: lines, links, what is answered; no table, no colours."""
    program = rng.choice(["gmail", "gmail", "outlook", "apple"])
    lines = [_letter(block, program) for block in blocks]
    if program == "outlook":
        style = "<style>p.MsoNormal{margin:0cm;font-size:11.0pt}</style>"
        head = f'<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>{style}</head>'
        return f'{head}<body lang="EN-GB"><div class="WordSection1">{"".join(lines)}</div></body></html>'
    if program == "apple":
        body = "<div><br></div>".join(lines)
        return f'<html><body style="overflow-wrap:break-word;-webkit-nbsp-mode:space">{body}</body></html>'
    return f'<div dir="ltr">{"<div><br></div>".join(lines)}</div>'


def _letter(block: Block, program: str) -> str:
    match block:
        case Button(text, url):
            inside = _anchor(text, url)
        case Quote(head, text, inner):
            quoted = f"<blockquote>{_lines(text)}{_letter(inner, program) if inner else ''}</blockquote>"
            return f'<div class="{program}_quote"><div class="{program}_attr">{_lines(head)}</div>{quoted}</div>'
        case Picture(_, picture, alt):
            inside = f'<img src="{picture}" alt="{html.escape(alt)}">'
        case _:
            inside = _lines(_plain(block, "{}: {}", ""))
    return (
        f'<p class="MsoNormal">{inside}</p><p class="MsoNormal">&nbsp;</p>'
        if program == "outlook"
        else f"<div>{inside}</div>"
    )
