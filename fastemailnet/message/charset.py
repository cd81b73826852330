"""Octets to text in a declared charset, whatever was declared: never raises, work linear in the octets."""

import codecs
from functools import lru_cache

# Python codecs that are no charset of mail: some take time quadratic in their input, some make lone surrogates.
_REFUSED = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7", "mbcs", "oem"})
# Labels that mail programs use for a larger set than the name says (as browsers read them, WHATWG Encoding section 4.2).
_LARGER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_WIDE = ("utf-16", "utf-32", "iso2022", "hz", "cp037", "cp500", "cp1140")
_ASKED_FIRST = (*_WIDE, "gb", "big5", "cp9", "euc", "johab", "shift")


def text_of(octets: bytes, charset: str = "") -> str:
    """The text of octets: UTF-8 where they are UTF-8, else the declared charset, else Windows-1252.

    Text that is valid UTF-8 hardly ever is in a charset of one octet a character, so it wins over such a label, which is
    often wrong. Charsets of several octets a character are asked first.
    """
    if octets.isascii() and not _is_wide(charset):
        return octets.decode("ascii")
    name = _codec(charset)
    for candidate in (name, "utf-8") if name.startswith(_ASKED_FIRST) else ("utf-8", name):
        try:
            return octets.decode(candidate)
        except UnicodeDecodeError:
            continue
    if name == "utf-8" and not _mostly_utf8(octets):
        name = "cp1252"
    return octets.decode(name, "replace")


def _mostly_utf8(octets: bytes) -> bool:
    """Whether a text declared as UTF-8 has only a few broken characters, for instance at the place where it was cut."""
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return 3 * broken <= len(text) - len(text.encode("ascii", "ignore")) - broken


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    """The Python codec of a label; UTF-8 for labels that name none."""
    label = charset.strip(" \t\"'").lower().removeprefix("cs")
    label = {"ks_c_5601-1987": "cp949", "x-sjis": "cp932", "x-gbk": "gb18030", "unicode": "utf-16"}.get(label, label)
    try:
        info = codecs.lookup(label.removeprefix("x-"))
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
    if info.name in _REFUSED or not info._is_text_encoding:
        return "utf-8"
    return _LARGER.get(info.name, info.name)


@lru_cache(maxsize=256)
def _is_wide(charset: str) -> bool:
    """Whether ASCII octets need not mean ASCII letters: UTF-16, UTF-32, ISO 2022, HZ, EBCDIC."""
    return _codec(charset).startswith(_WIDE)
