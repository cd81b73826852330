"""Compact ranges: the few hashes that stand for any number of adjacent leaves.

The range [begin, end) is held as the roots of its maximal aligned complete subtrees, left to right. Appending a leaf
merges equal neighbours as a binary counter carries; for begin = 0 the nodes fold, right to left, into the RFC 6962
root. Two adjacent ranges merge into one, which is how blocks join the tree and proofs are checked without the leaves.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fastemailnet.ledger.hashing import EMPTY_ROOT, node_hash, tree_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT


class Node(NamedTuple):
    """The root of a complete subtree of 2^height leaves."""

    height: int
    hash: bytes


class CompactRange:
    """A mutable compact range over the leaves [begin, end)."""

    __slots__ = ("begin", "end", "nodes")

    def __init__(self, begin: int = 0) -> None:
        """An empty range at leaf index ``begin``."""
        self.begin, self.end = begin, begin
        self.nodes: list[Node] = []

    def push(self, height: int, subtree: bytes) -> list[Node]:
        """Append a complete subtree of 2^height leaves; returns the nodes that its merges formed, lowest first.

        Raises:
            ValueError: the subtree would not be aligned at this end of the range.
        """
        if self.end & ((1 << height) - 1):
            raise ValueError(f"a subtree of height {height} cannot stand at leaf {self.end}")
        formed = []
        self.end += 1 << height
        start = self.end - (1 << height)
        nodes = self.nodes
        while nodes and nodes[-1].height == height and start & (1 << height):
            subtree = node_hash(nodes.pop().hash, subtree)
            start -= 1 << height
            height += 1
            formed.append(Node(height, subtree))
        nodes.append(Node(height, subtree))
        return formed

    def extend(self, hashes: Sequence[bytes]) -> list[Node]:
        """Append leaf hashes; returns each subtree root of height 8, 16, … that became complete, in order.

        Aligned runs of 256 are hashed as whole tiles: the same nodes, at a third of the time.
        """
        formed: list[Node] = []
        at = 0
        while at < len(hashes):
            if not self.end & (TILE_WIDTH - 1) and len(hashes) - at >= TILE_WIDTH:
                tile = Node(TILE_HEIGHT, tree_hash(hashes[at : at + TILE_WIDTH]))
                formed += [tile, *self._tops(self.push(*tile))]
                at += TILE_WIDTH
            else:
                formed += self._tops(self.push(0, hashes[at]))
                at += 1
        return formed

    def merge(self, right: "CompactRange") -> None:
        """Append an adjacent range.

        Raises:
            ValueError: it does not begin where this one ends.
        """
        if right.begin != self.end:
            raise ValueError(f"range from {right.begin} does not continue a range to {self.end}")
        for node in right.nodes:
            self.push(*node)

    def root(self) -> bytes:
        """The RFC 6962 root of the leaves [0, end).

        Raises:
            ValueError: the range does not begin at leaf 0.
        """
        if self.begin:
            raise ValueError(f"a range from leaf {self.begin} has no root")
        return fold([node.hash for node in self.nodes])

    @staticmethod
    def _tops(formed: list[Node]) -> list[Node]:
        return [node for node in formed if not node.height % TILE_HEIGHT]


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of adjacent subtrees of falling height, joined right to left (RFC 6962 section 2.1)."""
    if not hashes:
        return EMPTY_ROOT
    total = hashes[-1]
    for left in reversed(hashes[:-1]):
        total = node_hash(left, total)
    return total
