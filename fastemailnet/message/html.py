"""What a reader sees of an HTML part, what is hidden from the reader, and where the links go.

Parsing is lexbor's (through selectolax); here is only the walk over its tree. Hidden text is dropped and counted, because hiding it
is a spammer's means to please a classifier and a designer's means to set a preview line; the count tells them apart.
"""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser

MAX_SOURCE_CHARACTERS = 120_000  # nesting costs the parser the square of its depth
MAX_NODES = 20_000
MAX_LINKS = 200

_INVISIBLE_TAGS = frozenset(
    {"script", "style", "title", "head", "meta", "link", "template", "noscript", "-comment", "object"}
)
_BREAKING_TAGS = frozenset(
    {"p", "br", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr"}
)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:px|pt|em|%)?\s*(?:;|!|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|max-height\s*:\s*0|(?<![-\w])height\s*:\s*0(?:px)?\s*(?:;|!|$)|mso-hide\s*:\s*all|text-indent\s*:\s*-\d{3,}"
    r"|(?:left|top|margin-left)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"(?<![-\w])color\s*:\s*([^;!]+)", re.IGNORECASE)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_SHORT_COLOUR = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])")
_NAMED = {"white": "#ffffff", "black": "#000000"}


@dataclass(slots=True)
class Page:
    """A rendered part."""

    text: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # href, the text that names it
    hidden_characters: int = 0
    images: int = 0
    forms: int = 0


def render(source: str) -> Page:
    """Walk the tree of a part; anything lexbor cannot read gives an empty page."""
    page = Page()
    try:
        root = LexborHTMLParser(source[:MAX_SOURCE_CHARACTERS]).root
    except Exception:  # selectolax raises bare exceptions of its own
        return page
    if root is not None:
        _walk(root, page)
    return page


def _walk(root: object, page: Page) -> None:
    """Depth first without recursion: (node, hidden, background) and markers that close links."""
    stack: list[tuple[object, bool, str]] = [(root, False, "#ffffff")]
    budget = MAX_NODES
    while stack and budget:
        budget -= 1
        node, hidden, background = stack.pop()
        tag = node.tag  # type: ignore[attr-defined]  # selectolax is not typed
        if tag == "-text":
            _text(node, hidden, page)
            continue
        if tag in _INVISIBLE_TAGS:
            continue
        attributes = node.attributes  # type: ignore[attr-defined]
        hidden, background = _visibility(attributes, hidden, background)
        if tag in _BREAKING_TAGS:
            page.text.append("\n")
        if tag == "a":
            _link(node, attributes, hidden, page)
        elif tag == "img":
            page.images += 1
            page.text.append(f" {attributes.get('alt') or ''} ")
        elif tag in ("form", "input"):
            page.forms += 1
        stack.extend((child, hidden, background) for child in reversed(list(node.iter(include_text=True))))  # type: ignore[attr-defined]


def _text(node: object, hidden: bool, page: Page) -> None:
    content = node.text_content or ""  # type: ignore[attr-defined]
    if hidden:
        page.hidden_characters += len(content.strip())
    else:
        page.text.append(content)


def _link(node: object, attributes: dict[str, str | None], hidden: bool, page: Page) -> None:
    href = attributes.get("href") or ""
    if href and not hidden and len(page.links) < MAX_LINKS:
        page.links.append((href.strip(), node.text(deep=True, strip=True)[:300]))  # type: ignore[attr-defined]


def _visibility(attributes: dict[str, str | None], hidden: bool, background: str) -> tuple[bool, str]:
    """Whether an element hides what is in it, and the background that its text stands on."""
    style = attributes.get("style") or ""
    given = attributes.get("bgcolor")
    if given:
        background = _colour(given)
    if "hidden" in attributes:
        hidden = True
    if style:
        painted = _BACKGROUND.search(style)
        if painted:
            background = _colour(painted[1])
        colour = _COLOUR.search(style)
        hidden = hidden or bool(_HIDING.search(style)) or (colour is not None and _colour(colour[1]) == background)
    written = attributes.get("color")
    return hidden or (written is not None and _colour(written) == background), background


def _colour(text: str) -> str:
    name = text.strip().lower()
    name = _NAMED.get(name, name)
    return _SHORT_COLOUR.sub(r"#\1\1\2\2\3\3", name) if len(name) == 4 else name
