"""Names of transactions that outlive a connection, and where a peer stands in one (CHECKPOINT, RFC 1845).

A transaction id is written without its angle brackets everywhere but on the wire. It is unique by its domain part, so that the
client's EHLO name, which RFC 1845 couples it with, adds nothing.
"""

import re
from typing import Final

from fastemailnet.outcome import Reply

TRANSACTION_OFFSET: Final = 355
MAX_VALUE_CHARACTERS: Final = 80  # with the angle brackets (section 2)
_ATOM = r"[!#-'*+\-0-9A-Z^-~]+"  # ASCII without space, controls, dot and tspecials
_TOKEN = rf"{_ATOM}(?:\.{_ATOM})*"
_ID = re.compile(f"{_TOKEN}@{_TOKEN}")
_OFFSET = re.compile(r"([0-9]{1,20})(?: |$)")


def is_transid(text: str) -> bool:
    """Whether this can be a transaction id: ``local@domain`` (section 2)."""
    return len(text) + len("<>") <= MAX_VALUE_CHARACTERS and _ID.fullmatch(text) is not None


def transid_of(value: str) -> str:
    """The id in the value of a TRANSID parameter, or "" where the value is none."""
    inner = value[1:-1]
    return inner if value == f"<{inner}>" and is_transid(inner) else ""


def known_at(size: int) -> Reply:
    """The reply to MAIL that says how many octets of the content a server has."""
    return Reply(TRANSACTION_OFFSET, None, f"{size} is the transaction offset")


def rest_from(reply: Reply, content: bytes) -> int | None:
    """The offset in the content, not dot-stuffed, at which the peer goes on; None where there is no such place in it."""
    found = _OFFSET.match(reply.text)
    offset = int(found[1]) if found else -1
    # Behind half a CRLF the rest would begin with a bare LF, which is no line end to every server.
    is_place = 0 <= offset <= len(content) and content[max(0, offset - 1) : offset + 1] != b"\r\n"
    return offset if is_place else None
