"""What a reader sees of an HTML part, what is hidden from the reader, and where the links go.

Parsing is lexbor's (through selectolax); here is only the walk over its tree. Hidden text is dropped and counted, because hiding it
is a spammer's means to please a classifier and a designer's means to set a preview line; the count tells them apart.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from fastemailnet.message.normal import normalise
from fastemailnet.message.style import MAX_STYLE_CHARACTERS, UNKNOWN, Look, Sheet, Style, colour_of, parse

MAX_SOURCE_CHARACTERS = 110_000  # web mail itself cuts a message at about 102 kB
MAX_DEEP_CHARACTERS = 25_000  # of a source that leaves its elements open: nesting costs lexbor the square of its depth
MAX_OPEN_ELEMENTS = 4_000
MAX_NODES = 20_000
MAX_LINKS = 200
MAX_SHOWN_CHARACTERS = 300  # of the text that names a link
ASIDE_CHARACTERS = 80  # of one comment or title; honest ones are shorter
RULE_CHARACTERS = 400  # of one rule of a style sheet; text with fewer braces than that is no code

_NOT_ENTERED = frozenset({
    "-comment", "title", "style", "script", "meta", "link", "template", "iframe", "noembed", "noframes", "svg", "math", "datalist",
})  # fmt: skip
_BREAKING = frozenset({
    "p", "br", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "blockquote", "pre",
    "section", "article", "header", "footer", "center", "option", "dt", "dd",
})  # fmt: skip
_BLOCK_END = object()
_SPECIAL = frozenset({"img", "form", "input", "area", "base"})
_PRESENTED = ("bgcolor", "background", "color", "hidden", "text")


@dataclass(slots=True)
class Page:
    """A rendered part."""

    text: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # href, the text that names it
    hidden: list[str] = field(default_factory=list)
    aside_characters: int = 0
    images: int = 0
    forms: int = 0
    base: str = ""
    sheet: Sheet = field(default_factory=Sheet)

    @property
    def hidden_characters(self) -> int:
        """Letters and signs that no reader sees, without the blank filler that designers put behind a preview line."""
        return len("".join(normalise(" ".join(self.hidden)).text.split()))


def render(source: str) -> Page:
    """Walk the tree of a part; anything lexbor cannot read gives an empty page."""
    page = Page()
    source = source[:MAX_SOURCE_CHARACTERS]
    if source.count("<") - 2 * source.count("</") > MAX_OPEN_ELEMENTS:
        source = source[:MAX_DEEP_CHARACTERS]
    try:
        root = LexborHTMLParser(source, options=LexborDocumentOptions.WO_EVENTS).root
    except Exception:  # selectolax raises bare exceptions of its own
        return page
    while root is not None and root.prev is not None:
        root = root.prev  # comments may stand before the first element
    if root is not None:
        _walk(root, page)
    return page


def _walk(root: Any, page: Page) -> None:
    """Depth first without recursion: nodes with the look around them, and marks where a link's text or a block ends."""
    stack: list[tuple[Any, Look, bool]] = [(root, Look(), False)]
    budget = MAX_NODES
    rules = page.sheet.rules
    while stack and budget:
        budget -= 1
        node, look, hidden = stack.pop()
        if node.__class__ is _Open:
            _close(node, page)
            continue
        if node is _BLOCK_END:
            page.text.append("\n")
            continue
        following = node.next
        if following is not None:
            stack.append((following, look, hidden))
        tag = node.tag
        if tag == "-text":
            _text(node.text_content, hidden, page)
            continue
        if tag in _NOT_ENTERED:
            _aside(tag, node, page)
            continue
        attributes = node.attributes
        if attributes or tag in rules:
            look, hidden = _look(tag, attributes, look, page.sheet)
        if tag in _BREAKING:
            page.text.append("\n")
            stack.append((_BLOCK_END, look, hidden))  # else what follows inline would join the block's last word
        elif tag == "a" and attributes.get("href"):
            stack.append((_Open(attributes["href"], len(page.text), hidden), look, hidden))
        elif tag in _SPECIAL:
            _special(tag, attributes, hidden, page)
        child = node.first_child
        if child is not None:
            stack.append((child, look, hidden))


@dataclass(slots=True)
class _Open:
    """A link whose text is being walked."""

    href: str
    start: int
    hidden: bool


def _close(link: _Open, page: Page) -> None:
    if not link.hidden and len(page.links) < MAX_LINKS:
        _link(link.href, "".join(page.text[link.start :]), page)


def _link(href: str, shown: str, page: Page) -> None:
    href = urljoin(page.base, href.strip()) if page.base else href.strip()
    page.links.append((href, " ".join(shown[:MAX_SHOWN_CHARACTERS].split())))


def _text(content: str | None, hidden: bool, page: Page) -> None:
    if not content:
        return
    if hidden:
        page.hidden.append(content)
    elif "\n" not in content:
        page.text.append(content)
    elif content.isspace():
        page.text.append(" ")
    else:  # a line end of the source is a space; those of the page come from its elements
        page.text.append(content.replace("\r", " ").replace("\n", " "))


def _aside(tag: str, node: Any, page: Page) -> None:
    """An element or comment that shows nothing; the prose in it, which speaks to programs only, is counted."""
    if tag == "-comment":
        content = node.comment_content or ""
        code = "<" in content or content.startswith("[")  # markup that was switched off, or for one mail program
    elif tag in ("style", "script", "title"):
        content = node.text(deep=True)
        code = content.count("{") * RULE_CHARACTERS > len(content)
        if tag == "style":
            page.sheet.add(content)
    else:
        return
    if len(content) > ASIDE_CHARACTERS and not code:
        page.aside_characters += len(content)


def _special(tag: str, attributes: dict[str, str | None], hidden: bool, page: Page) -> None:
    if tag == "base":
        page.base = page.base or (attributes.get("href") or "").strip()
        return
    if hidden:
        return
    if tag == "img":
        page.images += 1
        page.text.append(f" {attributes.get('alt') or ''} ")
    elif tag == "area":
        _link(attributes.get("href") or "", attributes.get("alt") or "", page)
    elif tag == "form":
        page.forms += 1
        _link(attributes.get("action") or "", "", page)
    elif tag == "input" and (attributes.get("type") or "").lower() != "hidden":
        page.forms += 1
        page.text.append(f" {attributes.get('value') or attributes.get('placeholder') or ''} ")


def _look(tag: str, attributes: dict[str, str | None], look: Look, sheet: Sheet) -> tuple[Look, bool]:
    """The look inside an element, and whether its text is hidden."""
    if tag == "a" and look.colour != UNKNOWN:
        look = look._replace(colour=UNKNOWN)  # a link has a colour of its own
    for name in _PRESENTED:
        if name in attributes:
            look = look.within(_presented(tag, attributes))
            break
    declared = (attributes.get("style") or "")[:MAX_STYLE_CHARACTERS]
    if sheet.rules:
        declared = sheet.declared(tag, attributes.get("class") or "", attributes.get("id") or "") + declared
    return _inside(look, declared, sheet.paints_unknown)


@lru_cache(maxsize=8_192)
def _inside(look: Look, declared: str, unknown_ground: bool) -> tuple[Look, bool]:
    if declared:
        look = look.within(parse(declared))
    if unknown_ground:
        look = look._replace(background=UNKNOWN)
    return look, look.hidden


def _presented(tag: str, attributes: dict[str, str | None]) -> Style:
    """The style of attributes that are older than CSS."""
    colour = attributes.get("color") if tag == "font" else attributes.get("text") if tag == "body" else None
    ground = attributes.get("bgcolor")
    picture = attributes.get("background")
    return Style(
        gone="hidden" in attributes,
        colour=colour_of(colour) if colour else None,
        background=UNKNOWN if picture else colour_of(ground) if ground else None,
    )
