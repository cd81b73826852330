"""Identifiers: message ids for people, delivery ids for the ledger.

A message id is 16 octets: 48 bits of Unix milliseconds, then 80 random bits, so that ids sort by time. People see it as 26
letters of Crockford's base 32 (the form of a ULID). A *delivery* is one message to one recipient; its id is derived from the
message id and the recipient's index, so that it is the same over all attempts and on every node.
"""

import hashlib

MESSAGE_ID_OCTETS = 16
DELIVERY_ID_OCTETS = 16
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_TEXT_LENGTH = 26


def message_id(at_ms: int, random80: bytes) -> bytes:
    """The 16-octet id of a message accepted at ``at_ms`` (Unix milliseconds), from 10 octets of randomness."""
    if len(random80) != 10:
        raise ValueError(f"a message id takes 10 random octets, got {len(random80)}")
    return at_ms.to_bytes(6, "big") + random80


def of_record(at_ms: int, place: str) -> bytes:
    """The id of a message that another program put into the log at ``place`` (``stream/partition@offset``): no chance in it."""
    return message_id(at_ms, hashlib.sha256(b"fen1/record" + place.encode()).digest()[:10])


def delivery_id(message: bytes, recipient_index: int) -> bytes:
    """The 16-octet id of the delivery of ``message`` to its recipient number ``recipient_index``."""
    return hashlib.sha256(b"fen1/delivery" + message + recipient_index.to_bytes(4, "big")).digest()[:DELIVERY_ID_OCTETS]


def transaction_id(message: bytes, recipient_index: int, attempt: int, host: str) -> str:
    """The name of one SMTP transaction, ``local@host``: the units of a message by their first recipient, and the attempt."""
    return f"{to_text(message)}.{recipient_index}.{attempt}@{host}"


def to_text(identifier: bytes) -> str:
    """16 octets as 26 letters that sort as the octets do."""
    number = int.from_bytes(identifier, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def from_text(text: str) -> bytes:
    """The 16 octets of a 26-letter id, in either case.

    Raises:
        ValueError: the text is not such an id.
    """
    if len(text) != _TEXT_LENGTH:
        raise ValueError(f"an id has {_TEXT_LENGTH} letters, {text!r} has {len(text)}")
    number = 0
    for letter in text.upper():
        if letter not in _VALUES:
            raise ValueError(f"{letter!r} in {text!r} is not a letter of an id (Crockford base 32)")
        number = number << 5 | _VALUES[letter]
    if number >> 128:
        raise ValueError(f"{text!r} is larger than an id can be")
    return number.to_bytes(16, "big")
