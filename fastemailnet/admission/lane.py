"""Which lane a message travels in, and what else its sender asks for in header fields: keys, and TLS.

An explicit wish wins: the submission's own, then ``X-FEN-Lane``. Without one, mail that says of itself that it is
sent to many (``List-Unsubscribe``, RFC 8058; ``List-Id``, RFC 2919; ``Precedence: bulk`` or ``list``) is bulk, and so is mail with
a link to leave the list in its text. All other mail is standard: what a message says can put it behind others, never ahead of them, or
every spammer would write a password reset.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from fastemailnet.envelope import Lane, TlsWish
from fastemailnet.errors import MessageError

LANE_FIELD = "X-FEN-Lane"
KEY_FIELD = "X-FEN-Idempotency-Key"
ORDER_FIELD = "X-FEN-Order-Key"
TLS_FIELD = "X-FEN-TLS"

# The literal line feed lets the search skip from line to line; it finds only the start of a field, never a folded line.
_HINT = re.compile(
    rb"\n(?P<name>X-FEN-(?:Lane|TLS|(?:Idempotency|Order)-Key)|TLS-Required|List-(?:Unsubscribe|Id)|Precedence)"
    rb"[ \t]*:(?P<value>[^\r\n]*)",
    re.IGNORECASE,
)
_BULK_PRECEDENCE = frozenset({b"bulk", b"list", b"junk"})


# In the path of a link, in the words of some languages; a link broken by quoted-printable is missed, which costs nothing.
_LEAVING = (
    b"unsub", b"opt-out", b"optout", b"list-manage.com", b"desinscri", b"desabonn", b"abbestell", b"abmeld", b"afmeld", b"disiscri",
    b"wypis",
)  # fmt: skip
SEARCHED_OCTETS = 200_000  # of a message; the way out of a list stands at its end
MAX_LINK_OCTETS = 300  # before such a word
MAX_PLACES = 8  # of each word that are looked at


class Wishes(NamedTuple):
    """What the header fields of a message ask for; "" where they do not say."""

    lane: str
    idempotency_key: str
    is_bulk: bool
    order_key: str = ""
    tls: str = ""


def wishes(header: bytes) -> Wishes:
    """Read the header block (with or without the empty line behind it)."""
    lane = key = order = tls = ""
    is_bulk = False
    for match in _HINT.finditer(b"\n" + header):
        value = match["value"].strip()
        match match["name"].lower():
            case b"x-fen-lane":
                lane = lane or value.decode("ascii", "replace")
            case b"x-fen-idempotency-key":
                key = key or value.decode("utf-8", "replace")
            case b"x-fen-order-key":
                order = order or value.decode("utf-8", "replace")
            case b"x-fen-tls":
                tls = value.decode("ascii", "replace")
            case b"tls-required":
                tls = tls or (TlsWish.OPTIONAL.value if value.lower() == b"no" else "")
            case b"precedence":
                is_bulk = is_bulk or value.lower() in _BULK_PRECEDENCE
            case _:
                is_bulk = True
    return Wishes(lane, key, is_bulk, order, tls)


def offers_to_leave(message: bytes) -> bool:
    """Whether the text has a link by which one leaves a list. Work linear in the octets."""
    text = message[-SEARCHED_OCTETS:].lower()
    return any(_in_a_link(text, place) for word in _LEAVING for place in _places(text, word))


def _places(text: bytes, word: bytes) -> Iterator[int]:
    place = text.find(word)
    for _ in range(MAX_PLACES):
        if place < 0:
            return
        yield place
        place = text.find(word, place + len(word))


def _in_a_link(text: bytes, place: int) -> bool:
    """Whether what stands before ``place`` is the beginning of a web link."""
    before = text[max(0, place - MAX_LINK_OCTETS) : place]
    start = max(before.rfind(b"http://"), before.rfind(b"https://"))
    return start >= 0 and not any(octet in before[start:] for octet in (b" ", b"<", b">", b'"', b"'", b"\n"))


def lane_of(explicit: Lane | None, asked: Wishes, message: bytes = b"") -> Lane:
    """The lane of a message.

    Args:
        explicit: the submission's own wish.
        asked: what the header fields ask for.
        message: its octets, looked at where nothing else decides.

    Raises:
        MessageError: ``X-FEN-Lane`` names no lane.
    """
    if explicit is not None:
        return explicit
    if asked.lane:
        return lane_named(asked.lane, LANE_FIELD)
    return Lane.BULK if asked.is_bulk or offers_to_leave(message) else Lane.STANDARD


def tls_of(explicit: TlsWish, asked: Wishes) -> TlsWish:
    """What is wanted of TLS; REQUIRETLS, said on the wire, goes before any field (RFC 8689 section 4.1).

    Raises:
        MessageError: ``X-FEN-TLS`` says nothing that can be wanted.
    """
    if explicit is not TlsWish.DEFAULT or not asked.tls:
        return explicit
    try:
        return TlsWish(asked.tls.lower())
    except ValueError:
        raise MessageError(f"{asked.tls!r} cannot be wanted of TLS", TLS_FIELD, ", ".join(TlsWish)) from None


def lane_named(name: str, where: str) -> Lane:
    """The lane with this name.

    Raises:
        MessageError: there is none; ``where`` tells where the name came from.
    """
    try:
        return Lane(name.lower())
    except ValueError:
        raise MessageError(f"no lane is named {name!r}", where, ", ".join(Lane)) from None
