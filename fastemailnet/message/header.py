"""The header block, read tolerantly: whatever stands there, every field is found and nothing raises."""

import re
from typing import NamedTuple

from fastemailnet.message.charset import text_of

MAX_SCANNED_OCTETS = 200_000

_END = re.compile(rb"\r?\n\r?\n")
FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_FIELD_NAME = re.compile(rb"[!-9;-~]+[ \t]*:")
_NO_FIELD = re.compile(rb"^(?:(?![!-9;-~]+[ \t]*:|[ \t\r\n])|[ \t]+\r?$)", re.MULTILINE)  # also a line of spaces alone


class Field(NamedTuple):
    """One header field: its name as sent, its unfolded value."""

    name: str
    value: str


def split(raw: bytes) -> tuple[bytes, int]:
    """The header block without the empty line, and the offset of the body (the length, where there is none)."""
    if raw.startswith((b"\r\n", b"\n")):
        return b"", raw.index(b"\n") + 1
    at = raw.find(b"\r\n\r\n")  # nearly every message; the regular expression reads mixed line ends
    if at >= 0 and raw.find(b"\n\n", 0, at) < 0 and raw.find(b"\n\r\n", 0, at + 2) < 0:
        return raw[:at], at + 4
    end = _END.search(raw)
    return (raw, len(raw)) if end is None else (raw[: end.start()], end.end())


def split_where_it_ends(raw: bytes) -> tuple[bytes, int]:
    """As ``split``, but a header without its empty line ends before the first lines that cannot be fields.

    For reading only: mail programs show such text, but what is signed and sent goes by ``split``.
    """
    block, offset = split(raw)
    for line in _NO_FIELD.finditer(block, 0, MAX_SCANNED_OCTETS):
        following = block.find(b"\n", line.start()) + 1
        if not (following and _FIELD_NAME.match(block, following)):
            return block[: line.start()], line.start()
    return block, offset


def fields(block: bytes) -> list[Field]:
    """The fields of a header block, in order, values unfolded (RFC 5322 section 2.2.3)."""
    return [
        Field(name.decode("ascii"), text_of(value).replace("\r", "").replace("\n", "").strip())
        for name, value in FIELD.findall(block[:MAX_SCANNED_OCTETS])
    ]


def first(found: list[Field], name: str) -> str:
    """The value of the first field of that name, or ""."""
    name = name.lower()
    return next((value for key, value in found if len(key) == len(name) and key.lower() == name), "")
