"""RFC 6962 section 2.1 hashes. Leaves and nodes are told apart by a first octet; an odd node moves up unchanged.

These run several times for every mail, so whole levels are hashed in one comprehension where a loop would do.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_OCTETS = 32
EMPTY_ROOT = sha256(b"").digest()
_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """MTH of one entry."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """MTH of two adjacent subtrees."""
    return sha256(_NODE + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """The leaf hash of each entry."""
    return [sha256(_LEAF + entry).digest() for entry in entries]


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """MTH of a whole list of leaf hashes (any length), level by level."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        odd = level[-1:] if len(level) & 1 else []
        level = [
            sha256(_NODE + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)
        ] + odd
    return level[0]
