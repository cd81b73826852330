"""The entry leaf: 176 octets, fixed, big-endian, and its commitments.

A leaf shows what may be public (type, times, codes, flags) and only commits to what may not (addresses, content,
detail). The node draws a salt S for the delivery; for each field s_f = HMAC-SHA-256(S, "fen1/" ‖ field) and c_f =
HMAC-SHA-256(s_f, canonical value). Who is given s_f and the value can check that one field and learns nothing of the
others; once S and the s_f are erased the leaf is noise, and the tree stays whole. HMAC is spelled out on hashlib
because one call of ``hmac`` costs as much as four hashes.
"""

import struct
from hashlib import sha256
from typing import NamedTuple

from fastemailnet.ledger import canonical
from fastemailnet.ledger.fact import SALT_OCTETS, Fact, Flag, LeafType

LEAF_OCTETS = 176
MAGIC = b"FEN\x01"
SUITE_HMAC_SHA256 = 1
TENANT_TAG_OCTETS = 4
FIELDS = ("rcpt", "sender", "content", "detail", "tenant")

_ENTRY = struct.Struct(">4sBBHQ16sHHBBHI4s32s32s32s32s")
assert _ENTRY.size == LEAF_OCTETS, "the format is fixed"
_IPAD = bytes(octet ^ 0x36 for octet in range(256))
_OPAD = bytes(octet ^ 0x5C for octet in range(256))
_BLOCK = 64  # octets of a SHA-256 block, to which HMAC pads its key
_LABELS = tuple(b"fen1/" + field.encode() for field in FIELDS)
_PADDING = bytes(_BLOCK - SALT_OCTETS)
_IMPLIED: dict[int, int] = {  # plain numbers: "or" on flags of an enum costs more than a hash
    LeafType.RELAYED: int(Flag.FINAL),
    LeafType.FAILED: int(Flag.FINAL),
    LeafType.REJECTED: int(Flag.FINAL),
    LeafType.IN_DOUBT: int(Flag.IN_DOUBT),
}
_ENTRY_TYPES = frozenset(LeafType) - {LeafType.SEAL}


class Leaf(NamedTuple):
    """An entry leaf, unpacked. Commitments are 32 octets, the tenant tag is 4."""

    type: LeafType
    flags: Flag
    at_ms: int
    delivery: bytes
    attempt: int
    smtp_code: int
    enhanced: tuple[int, int, int] | None
    node_key: bytes
    commitments: dict[str, bytes]  # by field name, see FIELDS


def field_salt(salt: bytes, field: str) -> bytes:
    """s_f: the salt that opens one field alone.

    Raises:
        ValueError: the salt has not 32 octets.
    """
    return _hmac(_checked_salt(salt), b"fen1/" + field.encode())


def commit(opening_salt: bytes, value: bytes) -> bytes:
    """c_f: the commitment to a canonical value under its field salt."""
    return _hmac(opening_salt, value)


def canonical_values(fact: Fact) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """The canonical value of each of ``FIELDS``, in that order. Raises ValueError where one has none."""
    return (
        canonical.address(fact.recipient),
        canonical.address(fact.sender),
        canonical.content(fact.content_sha256),
        canonical.detail(fact.detail),
        fact.tenant.encode(),
    )


def pack(fact: Fact) -> bytes:
    """The leaf of a fact.

    Raises:
        ValueError: a value does not fit its field; the text says which.
    """
    salt = _checked_salt(fact.salt) + _PADDING
    inner, outer = salt.translate(_IPAD), salt.translate(_OPAD)
    sealed = []
    for label, value in zip(
        _LABELS, canonical_values(fact), strict=True
    ):  # commit(field_salt(…), value), in line for speed
        key = sha256(outer + sha256(inner + label).digest()).digest() + _PADDING
        sealed.append(sha256(key.translate(_OPAD) + sha256(key.translate(_IPAD) + value).digest()).digest())
    return _pack(fact, sealed)


def erasure(at_ms: int) -> bytes:
    """The leaf that says: a person's openings were erased at this time. It names no one."""
    nothing = bytes(32)
    return _ENTRY.pack(
        MAGIC, LeafType.ERASURE, SUITE_HMAC_SHA256, 0, at_ms, bytes(16), 0, 0, 0, 0, 0, 0, bytes(4), *[nothing] * 4
    )


def is_seal(entry: bytes) -> bool:
    """Whether an entry of the ledger closes a block."""
    return entry[4:5] == b"\x80"


def unpack(entry: bytes) -> Leaf:
    """The leaf in 176 octets.

    Raises:
        ValueError: it is not an entry leaf of this format.
    """
    if len(entry) != LEAF_OCTETS:
        raise ValueError(f"a leaf has {LEAF_OCTETS} octets, not {len(entry)}")
    magic, kind, suite, flags, at_ms, delivery, attempt, code, major, subject, detail, node, *sealed = _ENTRY.unpack(
        entry
    )
    if magic != MAGIC or suite != SUITE_HMAC_SHA256 or kind not in _ENTRY_TYPES:
        raise ValueError(f"magic {magic.hex()}, type {kind:#04x}, suite {suite}: not an entry leaf of this format")
    enhanced = (major, subject, detail) if major else None
    tag, *commitments = sealed
    by_field = dict(zip(FIELDS, (*commitments, tag), strict=True))
    return Leaf(
        LeafType(kind), Flag(flags), at_ms, delivery, attempt, code, enhanced, node.to_bytes(4, "big"), by_field
    )


def _pack(fact: Fact, sealed: list[bytes]) -> bytes:
    major, subject, detail = fact.enhanced or (0, 0, 0)
    recipient, sender, content, detail_hash, tenant = sealed
    if len(fact.delivery) != 16 or len(fact.node_key) != 4 or fact.type not in _ENTRY_TYPES:
        raise ValueError(
            f"delivery of {len(fact.delivery)} octets, node key of {len(fact.node_key)}, type {fact.type!r}"
        )
    try:
        return _ENTRY.pack(
            MAGIC,
            fact.type,
            SUITE_HMAC_SHA256,
            int(fact.flags) | _IMPLIED.get(fact.type, 0),
            fact.at_ms,
            fact.delivery,
            fact.attempt,
            fact.smtp_code,
            major,
            subject,
            detail,
            int.from_bytes(fact.node_key, "big"),
            tenant[:TENANT_TAG_OCTETS],
            recipient,
            sender,
            content,
            detail_hash,
        )
    except struct.error as error:
        raise ValueError(f"a number of the fact does not fit its field: {error}") from error


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) for keys of at most one block."""
    padded = key + bytes(_BLOCK - len(key))
    return sha256(padded.translate(_OPAD) + sha256(padded.translate(_IPAD) + message).digest()).digest()


def _checked_salt(salt: bytes) -> bytes:
    if len(salt) != SALT_OCTETS:
        raise ValueError(f"a salt has {SALT_OCTETS} octets, not {len(salt)}")
    return salt
