"""Frames of the append-only file: one block each, whole or not at all.

A frame is a 32-octet header {magic, first leaf index, leaves with the seal, number of journal positions, octets of
payload, CRC32C}, the journal positions consumed up to this block, and the payload: exactly the entry-bundle octets of
the block, its seal last. The checksum covers all but itself, so a torn write at any octet shows.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import crc32c

from fastemailnet.ledger.seal import decode_positions, encode_positions
from fastemailnet.ledger.tile import ENTRY_OCTETS

MAX_FRAME_LEAVES = 1 << 20
MAX_POSITIONS = 1 << 16
_HEADER = struct.Struct(">4sQIIQI")
HEADER_OCTETS = _HEADER.size
_MAGIC = b"FNW\x01"
_CRC_OCTETS = 4
_POSITION_OCTETS = 12


class Frame(NamedTuple):
    """One block as it stands in the append-only file."""

    first: int
    leaves: int  # with the seal
    positions: dict[int, int]  # journal partition -> first offset not yet consumed
    payload: bytes


def encode(frame: Frame) -> bytes:
    """The frame's octets."""
    positions = encode_positions(frame.positions)
    head = _HEADER.pack(_MAGIC, frame.first, frame.leaves, len(frame.positions), len(frame.payload), 0)[:-_CRC_OCTETS]
    checksum = crc32c.crc32c(frame.payload, crc32c.crc32c(positions, crc32c.crc32c(head)))
    return b"".join((head, checksum.to_bytes(_CRC_OCTETS, "big"), positions, frame.payload))


def decode(octets: memoryview) -> tuple[Frame, int] | None:
    """The frame at the beginning of ``octets`` and its length, or None where no whole, sound frame stands there."""
    if len(octets) < HEADER_OCTETS:
        return None
    magic, first, leaves, count, size, checksum = _HEADER.unpack_from(octets)
    if magic != _MAGIC or not 0 < leaves <= MAX_FRAME_LEAVES or count > MAX_POSITIONS or size != leaves * ENTRY_OCTETS:
        return None
    middle = HEADER_OCTETS + count * _POSITION_OCTETS
    if len(octets) < middle + size:
        return None
    total = crc32c.crc32c(octets[HEADER_OCTETS : middle + size], crc32c.crc32c(octets[: HEADER_OCTETS - _CRC_OCTETS]))
    if total != checksum:
        return None
    positions = decode_positions(bytes(octets[HEADER_OCTETS:middle]))
    return Frame(first, leaves, positions, bytes(octets[middle : middle + size])), middle + size


def frames(octets: memoryview) -> Iterator[tuple[Frame, int]]:
    """The sound frames from the beginning on, each with the position behind it, up to the first unsound one."""
    at = 0
    while (found := decode(octets[at:])) is not None:
        at += found[1]
        yield found[0], at
