"""Tiles and entry bundles (C2SP tlog-tiles): how the tree and its entries are cut into files that never change.

A tile holds 256 hashes of its level; level l counts subtrees of 256^l leaves. The last tile of each level is partial.
``Frontier`` is the right edge of the tree: it takes entries and gives the files that became full; ``TileReader``
gives any subtree root back.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fastemailnet.ledger.compact import TILE_HEIGHT, TILE_WIDTH, CompactRange
from fastemailnet.ledger.hashing import HASH_OCTETS, tree_hash
from fastemailnet.ledger.leaf import LEAF_OCTETS

ENTRIES = "entries"
ENTRY_OCTETS = 2 + LEAF_OCTETS  # a uint16 length, then the leaf
_PREFIX = LEAF_OCTETS.to_bytes(2, "big")


class File(NamedTuple):
    """One immutable file of the published tree, at its path below the site's root."""

    path: str
    content: bytes


def tile_path(level: int | str, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile, or with level ``ENTRIES`` of an entry bundle: ``tile/0/x001/x234/067.p/8``."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries in the form of an entry bundle, which is also the form of a frame's payload."""
    return _PREFIX + _PREFIX.join(entries) if entries else b""


def split_bundle(content: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        ValueError: it is not a sequence of length-prefixed leaves.
    """
    if len(content) % ENTRY_OCTETS:
        raise ValueError(f"{len(content)} octets are no whole number of entries of {ENTRY_OCTETS}")
    count = len(content) // ENTRY_OCTETS
    if content[::ENTRY_OCTETS] != _PREFIX[:1] * count or content[1::ENTRY_OCTETS] != _PREFIX[1:] * count:
        raise ValueError("an entry's length prefix is wrong")
    return [content[at + 2 : at + ENTRY_OCTETS] for at in range(0, len(content), ENTRY_OCTETS)]


class Frontier:
    """The right edge of the published tree: what is not yet in a full tile or bundle, and the root."""

    __slots__ = ("_bundle", "_levels", "range")

    def __init__(self) -> None:
        self.range = CompactRange()
        self._levels: list[list[bytes]] = [[]]
        self._bundle = b""

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self.range.end

    def extend(self, payload: bytes, hashes: Sequence[bytes]) -> list[File]:
        """Append entries (as a bundle) with their leaf hashes; returns the tiles and bundles that became full."""
        first = self.size - len(self._levels[0])
        self._levels[0] += hashes
        self._bundle += payload
        for height, subtree in self.range.extend(hashes):
            level = height // TILE_HEIGHT
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(subtree)
        return [*self._full_bundles(first // TILE_WIDTH), *self._full_tiles()]

    def partials(self) -> list[File]:
        """The partial files that belong to a checkpoint of this size."""
        files = [
            File(tile_path(level, self.size >> TILE_HEIGHT * (level + 1), len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]
        if self._bundle:
            width = len(self._bundle) // ENTRY_OCTETS
            files.append(File(tile_path(ENTRIES, self.size // TILE_WIDTH, width), self._bundle))
        return files

    def _full_bundles(self, index: int) -> Iterator[File]:
        octets, at = TILE_WIDTH * ENTRY_OCTETS, 0
        while len(self._bundle) - at >= octets:
            yield File(tile_path(ENTRIES, index), self._bundle[at : at + octets])
            index, at = index + 1, at + octets
        self._bundle = self._bundle[at:]

    def _full_tiles(self) -> Iterator[File]:
        for level, hashes in enumerate(self._levels):
            total = self.size >> TILE_HEIGHT * level  # hashes ever given to this level
            index, at = (total - len(hashes)) // TILE_WIDTH, 0
            while len(hashes) - at >= TILE_WIDTH:
                yield File(tile_path(level, index), b"".join(hashes[at : at + TILE_WIDTH]))
                index, at = index + 1, at + TILE_WIDTH
            self._levels[level] = hashes[at:]


class TileReader:
    """Subtree roots from the tiles of a published tree: the ``fetch`` of proofs, for one proof or a few."""

    def __init__(self, size: int, read: Callable[[str], bytes]) -> None:
        """For the tree of ``size`` leaves; ``read`` gives the octets at the path of any of its files."""
        self._size, self._read = size, read
        self._cache: dict[tuple[int, int], bytes] = {}

    def __call__(self, height: int, index: int) -> bytes:
        """The root of the complete subtree ``index`` of 2^height leaves."""
        level, above = divmod(height, TILE_HEIGHT)
        number, at = divmod(index << above, TILE_WIDTH)
        hashes = self._tile(level, number)
        octets = range(at * HASH_OCTETS, (at + (1 << above)) * HASH_OCTETS, HASH_OCTETS)
        return tree_hash([hashes[start : start + HASH_OCTETS] for start in octets])

    def entry(self, index: int) -> bytes:
        """The entry at a leaf index."""
        number, at = divmod(index, TILE_WIDTH)
        octets = self._read(tile_path(ENTRIES, number, self._width(0, number)))
        return octets[at * ENTRY_OCTETS + 2 : (at + 1) * ENTRY_OCTETS]

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._cache:
            self._cache[level, number] = self._read(tile_path(level, number, self._width(level, number)))
        return self._cache[level, number]

    def _width(self, level: int, number: int) -> int:
        return min(TILE_WIDTH, (self._size >> TILE_HEIGHT * level) - number * TILE_WIDTH)
