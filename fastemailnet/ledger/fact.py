"""What the ledger is told: one fact is one thing that happened to one delivery, and becomes one leaf.

Nodes put encoded facts into the journal; the ledger reads them from there. The structs are MessagePack arrays, so
fields are only ever added at the end, with a default.
"""

from collections.abc import Sequence
from enum import IntEnum, IntFlag

import msgspec

from fastemailnet.wire import Decoder

SALT_OCTETS = 32
CONTENT_OCTETS = 32
NO_NODE_KEY = bytes(4)


class LeafType(IntEnum):
    """What a leaf says. The numbers are part of the format."""

    ACCEPTED = 0x01
    REJECTED = 0x02  # by the gate, or by a reviewer of what it held
    RELAYED = 0x10  # a 2xx from the next hop ("RelayToNonERDS", ETSI EN 319 522)
    FAILED = 0x11  # refused for good, or expired
    DEFERRED = 0x12
    IN_DOUBT = 0x13
    RESOLVED = (
        0x14  # a delivery that waited for a decision (in doubt, held) and goes on was decided by policy or by a person
    )
    DSN = 0x20
    COMPLAINT = 0x22
    SEAL = 0x80
    KEY = 0x81
    SHARD = 0x82
    ERASURE = 0x84


class Flag(IntFlag):
    """Bits of a leaf's flags."""

    TLS = 1
    DKIM = 2
    SANDBOX = 4
    FINAL = 8  # ends the delivery; set by the leaf's type where the type ends it
    IN_DOUBT = 16


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One thing that happened to one delivery."""

    type: LeafType
    at_ms: int  # Unix milliseconds
    message: bytes  # 16 octets, see ids.message_id
    recipient_index: int
    delivery: bytes  # 16 octets, see ids.delivery_id
    attempt: int
    smtp_code: int  # 0: there was no reply
    enhanced: tuple[int, int, int] | None  # RFC 3463
    flags: int
    tenant: str
    sender: str  # reverse-path without angle brackets; "" is the null reverse-path
    recipient: str
    content_sha256: bytes  # of the octets transmitted; empty where nothing was
    detail: dict[str, str | int]  # MX, address, TLS version, cipher, certificate hash, verbatim reply …
    salt: bytes  # 32 random octets, drawn by the node for the delivery
    node_key: bytes = NO_NODE_KEY  # 4 octets: key id of the reporting node


DETAIL = Fact.__struct_fields__.index("detail")
FIXED = 0xA0  # MessagePack: the first octet of a short text, with its length in the low bits
HEADS = {0xD9: 2, 0xDA: 3, 0xDB: 5}  # of a longer one: octets before the text
_encoder = msgspec.msgpack.Encoder()
_one = Decoder[Fact](Fact)
_many = Decoder[list[Fact]](list[Fact])
_raws = Decoder[list[msgspec.Raw]](list[msgspec.Raw])
_details = Decoder[dict[str, msgspec.Raw]](dict[str, msgspec.Raw])


def encode_fact(fact: Fact) -> bytes:
    """One fact as MessagePack."""
    return _encoder.encode(fact)


def decode_fact(record: bytes) -> Fact:
    """The fact in ``record``. Raises msgspec.MsgspecError where it is none."""
    return _one.decode(record)


def encode_facts(facts: Sequence[Fact]) -> bytes:
    """Facts as the evidence that a journal frame carries."""
    return _encoder.encode(facts)


def decode_facts(evidence: bytes) -> list[Fact]:
    """The facts in a journal frame's evidence, a peer's octets that are no UTF-8 replaced.

    Raises:
        msgspec.MsgspecError: they do not decode.
    """
    if not evidence:
        return []
    try:
        return _many.decode(evidence)
    except msgspec.MsgspecError:
        return [_mended(raw) for raw in _raws.decode(evidence)]


def _mended(record: msgspec.Raw) -> Fact:
    """A fact, the texts of its detail read with replacement: there stand the words of strangers."""
    fields = _raws.decode(memoryview(record))
    if len(fields) > DETAIL:
        detail = {
            key: _replaced(memoryview(value)) for key, value in _details.decode(memoryview(fields[DETAIL])).items()
        }
        fields[DETAIL] = msgspec.Raw(_encoder.encode(detail))
    return _one.decode(_encoder.encode(fields))


def _replaced(value: memoryview) -> str | msgspec.Raw:
    """A text with what is no UTF-8 replaced; anything else as it is."""
    head = HEADS.get(value[0], 1 if value[0] & 0xE0 == FIXED else 0)
    return str(value[head:], "utf-8", "replace") if head else msgspec.Raw(value)
