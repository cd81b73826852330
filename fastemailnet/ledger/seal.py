"""The seal leaf: the header of the block that it closes, in the same 176 octets as an entry.

It links to the previous seal by hash, commits to the block's leaves alone, to the journal positions consumed so far
and to the last published checkpoint. So the blocks form a chain inside the one Merkle tree, and one leaf proves which
facts had been taken when.
"""

import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from fastemailnet.ledger.fact import LeafType
from fastemailnet.ledger.leaf import LEAF_OCTETS, MAGIC

NO_HASH = bytes(32)
_SEAL = struct.Struct(">4sBBHQQQII8s32s32s32s32s")
assert _SEAL.size == LEAF_OCTETS, "the format is fixed"
_POSITION = struct.Struct(">IQ")


class Seal(NamedTuple):
    """A block header."""

    at_ms: int  # strictly above the previous seal's
    height: int
    first: int  # leaf index of the block's first leaf
    leaves: int  # without the seal
    key_epoch: int
    positions_digest: bytes  # 8 octets
    previous: bytes  # leaf hash of the previous seal; zero in the first
    batch_root: bytes
    published: bytes  # SHA-256 of the last published checkpoint body; zero where there was none
    anchor: bytes = NO_HASH  # SHA-256 of the last completed .ots; zero where there is none


def pack(seal: Seal) -> bytes:
    """The 176 octets of a seal."""
    return _SEAL.pack(MAGIC, LeafType.SEAL, 0, 0, *seal)


def unpack(entry: bytes) -> Seal:
    """The seal in 176 octets.

    Raises:
        ValueError: it is not a seal leaf of this format.
    """
    if len(entry) != LEAF_OCTETS:
        raise ValueError(f"a seal has {LEAF_OCTETS} octets, not {len(entry)}")
    magic, kind, suite, flags, *fields = _SEAL.unpack(entry)
    if magic != MAGIC or kind != LeafType.SEAL or suite or flags:
        raise ValueError(f"magic {magic.hex()}, type {kind:#04x}: not a seal of this format")
    return Seal(*fields)


def encode_positions(positions: Mapping[int, int]) -> bytes:
    """Journal positions as (partition uint32, offset uint64) pairs in order of partition."""
    return b"".join(_POSITION.pack(*item) for item in sorted(positions.items()))


def decode_positions(octets: bytes) -> dict[int, int]:
    """The inverse of ``encode_positions``. Raises struct.error where the length is wrong."""
    return dict(_POSITION.iter_unpack(octets))


def positions_digest(positions: Mapping[int, int]) -> bytes:
    """What a seal holds of the journal positions consumed: 8 octets of their SHA-256."""
    return sha256(encode_positions(positions)).digest()[:8]
