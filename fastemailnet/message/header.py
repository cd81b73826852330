"""The header block, read tolerantly: whatever stands there, every field is found and nothing raises."""

import re
from email.header import decode_header
from typing import NamedTuple

_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:((?:[^\n]|\n(?=[ \t]))*)", re.MULTILINE)
_ENCODED = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=")
MAX_SCANNED_OCTETS = 200_000


class Field(NamedTuple):
    """One header field: its name as sent, its unfolded value."""

    name: str
    value: str


def split(raw: bytes) -> tuple[bytes, int]:
    """The header block without the empty line, and the offset of the body (the length, where there is none)."""
    if raw.startswith((b"\r\n", b"\n")):
        return b"", raw.index(b"\n") + 1
    end = _END.search(raw)
    return (raw, len(raw)) if end is None else (raw[: end.start()], end.end())


def fields(block: bytes) -> list[Field]:
    """The fields of a header block, in order, values unfolded; octets that are not UTF-8 are read as Latin-1."""
    return [
        Field(name.decode("ascii"), _text(value).replace("\r", "").replace("\n", "").strip())
        for name, value in _FIELD.findall(block[:MAX_SCANNED_OCTETS])
    ]


def first(found: list[Field], name: str) -> str:
    """The value of the first field of that name, or ""."""
    name = name.lower()
    return next((field.value for field in found if field.name.lower() == name), "")


def count(found: list[Field], name: str) -> int:
    """How many fields have that name."""
    name = name.lower()
    return sum(field.name.lower() == name for field in found)


def decoded(value: str) -> str:
    """A value with its encoded words (RFC 2047) decoded; what does not decode stays as it is."""
    if "=?" not in value or not _ENCODED.search(value):
        return value
    try:
        parts = decode_header(value)
    except Exception:  # the standard library raises many kinds on malformed words
        return value
    return "".join(part if isinstance(part, str) else charset_text(part, name or "ascii") for part, name in parts)


def charset_text(octets: bytes, charset: str) -> str:
    """Text in a declared charset; where that is unknown or wrong, UTF-8, then Latin-1."""
    try:
        return octets.decode(charset.strip("\"' ") or "utf-8")
    except (LookupError, UnicodeError, ValueError):
        return _text(octets)


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
