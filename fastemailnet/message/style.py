"""Which text a style hides from the eye. What is inherited can be undone by a child, what removes a box cannot (CSS 2.1).

Newsletter layouts set ``font-size:0`` on a cell and the real size inside, or white on a coloured cell; so size, visibility and colour
are carried down as state and judged where the text stands. Only simple selectors of a style sheet are read; where a sheet paints
backgrounds by others, colours hide nothing, because the ground on which a text stands is not known.
"""

import re
from functools import lru_cache
from typing import NamedTuple

MAX_SHEET_CHARACTERS = 60_000
MAX_STYLE_CHARACTERS = 2_000
MIN_FONT_PX = 1.5
MIN_FONT_RATIO = 0.1
NEAR_COLOUR = 16  # largest difference of a channel, of 255, that no eye sees
UNKNOWN = -1  # a colour that cannot be known, for instance a picture
TRANSPARENT = -2

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*([a-z%]*)")
_SIZE_IN_FONT = re.compile(r"(?:^|\s)(\d*\.?\d+(?:px|pt|em|rem|%))")
_HEX = re.compile(r"#?([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-z])")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]+))?")
_SIMPLE = re.compile(r"[a-z0-9]*(?:[.#][\w-]+)?")
_MATTERS = re.compile(r"display|visib|font|opacity|height|width|color|background|indent|left|top|clip|scale")
_NAMED = {
    "white": 0xFFFFFF, "black": 0, "red": 0xFF0000, "green": 0x008000, "blue": 0x0000FF, "yellow": 0xFFFF00, "gray": 0x808080,
    "grey": 0x808080, "silver": 0xC0C0C0, "navy": 0x000080, "orange": 0xFFA500, "whitesmoke": 0xF5F5F5, "snow": 0xFFFAFA,
    "ivory": 0xFFFFF0, "ghostwhite": 0xF8F8FF, "floralwhite": 0xFFFAF0, "transparent": TRANSPARENT,
}  # fmt: skip


class Style(NamedTuple):
    """What one element declares; None: nothing."""

    gone: bool = False  # the box is not drawn, whatever is inside
    tiny: bool | None = None
    unseen: bool | None = None
    colour: int | None = None  # 0xRRGGBB
    background: int | None = None


class Look(NamedTuple):
    """How text at a place of the tree looks."""

    gone: bool = False
    tiny: bool = False
    unseen: bool = False
    colour: int = UNKNOWN
    background: int = 0xFFFFFF

    @property
    def hidden(self) -> bool:
        """Whether nobody sees text here."""
        return (
            self.gone or self.tiny or self.unseen or self.colour == TRANSPARENT or _alike(self.colour, self.background)
        )

    def within(self, style: Style) -> "Look":
        """The look inside an element of that style."""
        return Look(
            self.gone or style.gone,
            self.tiny if style.tiny is None else style.tiny,
            self.unseen if style.unseen is None else style.unseen,
            self.colour if style.colour is None else style.colour,
            self.background if style.background in (None, TRANSPARENT) else style.background,
        )


class Sheet:
    """The rules of <style> elements with simple selectors: tag, .class, #id, tag.class."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}
        self.paints_unknown = False

    def add(self, css: str) -> None:
        """Read one style sheet; rules inside @media and the like hold for some screens only and are passed over."""
        depth, at = 0, 0
        css = _COMMENT.sub("", css[:MAX_SHEET_CHARACTERS]).lower()
        selector = ""
        for brace in re.finditer(r"[{}]", css):
            text = css[at : brace.start()].strip()
            at = brace.end()
            if brace[0] == "{":
                selector = text.rpartition(";")[2] if depth == 0 else selector
                depth += 1
                continue
            if depth == 1 and not selector.lstrip().startswith("@"):
                self._rule(selector, text)
            depth = max(0, depth - 1)

    def declared(self, tag: str, classes: str, identity: str) -> str:
        """The declarations for an element, weakest first, ended by a semicolon each."""
        if not self.rules:
            return ""
        names = [tag]
        for name in classes.lower().split():
            names += ("." + name, f"{tag}.{name}")
        if identity:
            names.append("#" + identity.lower())
        return "".join(self.rules.get(name, "") for name in names)

    def _rule(self, selectors: str, declarations: str) -> None:
        if not _MATTERS.search(declarations):
            return
        for selector in map(str.strip, selectors.split(",")):
            if _SIMPLE.fullmatch(selector):
                self.rules[selector] = self.rules.get(selector, "") + declarations + ";"
            elif "background" in declarations:
                self.paints_unknown = True


@lru_cache(maxsize=4_096)
def parse(declarations: str) -> Style:
    """The style of ``name: value; …``; of two declarations of one name the last counts."""
    given: dict[str, str] = {}
    text = declarations.lower()
    for declaration in (_COMMENT.sub("", text) if "/*" in text else text).split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            given[name.strip()] = value.partition("!")[0].strip()
    visibility = given.get("visibility")
    colour = given.get("color")
    return Style(
        _is_gone(given),
        _is_tiny(given),
        None if visibility is None else visibility in ("hidden", "collapse"),
        None if colour is None else colour_of(colour),
        _background(given),
    )


def _is_gone(given: dict[str, str]) -> bool:
    clipped = "hidden" in given.get("overflow", "")
    return (
        given.get("display") == "none"
        or _number(given, "opacity", 1) < 0.05
        or _number(given, "max-height", 9) < 1
        or (
            clipped
            and (
                _number(given, "height", 9) < 1 or _number(given, "width", 9) < 1 or _number(given, "max-width", 9) < 1
            )
        )
        or _number(given, "text-indent", 0) <= -200
        or min(_number(given, name, 0) for name in ("left", "top", "margin-left", "margin-top")) <= -500
        or given.get("clip", "").replace(" ", "").startswith(("rect(0,0,0,0", "rect(1px,1px,1px,1px", "rect(00"))
        or "scale(0)" in given.get("transform", "")
    )


def _number(given: dict[str, str], name: str, default: float) -> float:
    value = given.get(name)
    number = _NUMBER.match(value) if value else None
    return float(number[1]) if number else default


def _is_tiny(given: dict[str, str]) -> bool | None:
    value = given.get("font-size")
    if value is None and "font" in given:
        size = _SIZE_IN_FONT.search(given["font"])
        value = size[1] if size else None
    number = _NUMBER.match(value) if value else None
    if number is None:
        return None
    size_, unit = float(number[1]), number[2]
    if unit in ("em", "%", "rem", "ex", "vw"):
        ratio = size_ / 100 if unit == "%" else size_
        return True if ratio < MIN_FONT_RATIO else (False if unit in ("rem", "vw") else None)  # of the parent's size
    return size_ < MIN_FONT_PX


def _background(given: dict[str, str]) -> int | None:
    value = given.get("background-color") or given.get("background")
    if "url(" in given.get("background-image", "") or (value and ("url(" in value or "gradient" in value)):
        return UNKNOWN
    if not value or value.startswith(("none", "inherit", "initial", "unset")):
        return None
    return colour_of(value)


@lru_cache(maxsize=1_024)
def colour_of(text: str) -> int:
    """A colour of CSS or HTML as 0xRRGGBB, TRANSPARENT, or UNKNOWN."""
    text = text.strip().lower()
    word = text.partition(" ")[0]
    if word in _NAMED:
        return _NAMED[word]
    digits = _HEX.match(text)
    if digits:
        code = digits[1]
        if len(code) == 3:
            code = "".join(letter * 2 for letter in code)
        return TRANSPARENT if len(code) == 8 and code[6:] < "10" else int(code[:6], 16)
    parts = _RGB.match(text)
    if parts is None:
        return UNKNOWN
    if parts[4] and parts[4].strip(".").replace(".", "", 1).isdigit() and float(parts[4].strip(".")) < 0.05:
        return TRANSPARENT
    red, green, blue = (min(255, int(part)) for part in parts.groups()[:3])
    return red << 16 | green << 8 | blue


def _alike(one: int, other: int) -> bool:
    if one < 0 or other < 0:
        return False
    return one == other or all(
        abs((one >> shift & 255) - (other >> shift & 255)) <= NEAR_COLOUR for shift in (0, 8, 16)
    )
