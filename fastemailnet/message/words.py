"""What a person sees of a header field: encoded words (RFC 2047) and the mailbox of From, tolerantly."""

import binascii
import re
from typing import NamedTuple

from fastemailnet.message.charset import text_of

MAX_VALUE_CHARACTERS = 10_000
MAX_MAILBOX_CHARACTERS = 1_000

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bqBQ])\?([^?]{0,4000})\?=")
_GAP = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")  # white space between two words is not shown (section 6.2)
_NAMED = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"|[^"<])*)<([^<>]*)>?')
_BARE = re.compile(r'[^\s<>"(),;:]+@[^\s<>"(),;:]+')
_COMMENT = re.compile(r"\(([^()]*)\)")
_ESCAPE = re.compile(r"\\(.)")


class Mailbox(NamedTuple):
    """The first mailbox of a field: its display name and its domain in lower case; "" for what is missing."""

    name: str
    domain: str


def decoded(value: str) -> str:
    """A value with its encoded words decoded; what is malformed stays as it is. Cut at MAX_VALUE_CHARACTERS."""
    value = value[:MAX_VALUE_CHARACTERS]
    if "=?" not in value:
        return value
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    value = _GAP.sub(r"\1", value)
    for match in _WORD.finditer(value):
        octets, named = _octets(match), match[1].partition("*")[0].lower()  # RFC 2231 section 5: charset*language
        if match.start() > end or named != charset:
            pieces += (text_of(pending, charset), value[end : match.start()])
            pending, charset = b"", named
        pending += octets  # programs split a character between words; only together they decode
        end = match.end()
    return "".join((*pieces, text_of(pending, charset), value[end:]))


def mailbox(value: str) -> Mailbox:
    """The first mailbox of a From field, as sent (names are decoded after the syntax was read, RFC 2047 section 6.2)."""
    value = value[:MAX_MAILBOX_CHARACTERS]
    named = _NAMED.match(value)
    if named and "@" in named[2]:
        return Mailbox(_phrase(named[1]), _domain(named[2]))
    bare = _BARE.search(value)
    if bare is None:
        return Mailbox(_phrase(value.replace("<", " ").replace(">", " ")), "")
    comment = _COMMENT.search(value, bare.end())
    name = comment[1] if comment else value[: bare.start()]
    return Mailbox(_phrase(name.replace("<", " ")), _domain(bare[0]))


def _octets(match: re.Match[str]) -> bytes:
    text = match[3].encode("utf-8", "replace")
    if match[2] in "qQ":
        return binascii.a2b_qp(text, header=True)
    return base64_octets(text)


def base64_octets(text: bytes) -> bytes:
    """Base64, with whatever padding and foreign characters."""
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
        whole = len(letters) - (len(letters) % 4 == 1)  # one letter alone has not even an octet
        return binascii.a2b_base64(letters[:whole] + b"=" * (-whole % 4))


def _phrase(text: str) -> str:
    text = text.strip().strip('"')
    return decoded(_ESCAPE.sub(r"\1", text) if "\\" in text else text).strip()


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip(" \t.>").lower()
