"""Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2).

Proofs are made from a callable ``fetch(height, index)`` that gives the root of the complete subtree over the leaves
[index · 2^height, (index + 1) · 2^height), wherever those are kept. Verifying is separate code that never asks for a
subtree: it follows RFC 9162 section 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Callable, Sequence

from fastemailnet.errors import ProofError
from fastemailnet.ledger.compact import fold
from fastemailnet.ledger.hashing import EMPTY_ROOT, node_hash

Fetch = Callable[[int, int], bytes]


def range_hash(begin: int, end: int, fetch: Fetch) -> bytes:
    """MTH of the leaves [begin, end), where ``begin`` is aligned to the range as proofs align it."""
    hashes = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        if begin:
            height = min(height, (begin & -begin).bit_length() - 1)
        hashes.append(fetch(height, begin >> height))
        begin += 1 << height
    return fold(hashes)


def inclusion(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves, sibling of the leaf first.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(range_hash(middle, end, fetch))
            end = middle
        else:
            path.append(range_hash(begin, middle, fetch))
            begin = middle
    return path[::-1]


def consistency(old: int, new: int, fetch: Fetch) -> list[bytes]:
    """The proof that the tree of ``new`` leaves continues that of ``old``; empty where one is or both are equal.

    Raises:
        ValueError: ``old`` is larger than ``new``.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not continue one of {old}")
    path: list[bytes] = []
    begin, end = 0, new
    if old in (0, new):
        return path
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(range_hash(middle, end, fetch))
            end = middle
        else:
            path.append(range_hash(begin, middle, fetch))
            begin = middle
    if begin:
        path.append(range_hash(begin, end, fetch))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at ``index`` under ``root``.

    Raises:
        ProofError: it does not, or the path has not the length that index and size demand.
    """
    if not 0 <= index < size:
        raise ProofError(f"inclusion: a tree of {size} leaves has no leaf {index}")
    node, last, total = index, size - 1, leaf
    for sibling in path:
        if not last:
            raise ProofError("inclusion: the path is too long")
        if node & 1 or node == last:
            total = node_hash(sibling, total)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            total = node_hash(total, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofError("inclusion: the path is too short")
    if total != root:
        raise ProofError(f"inclusion: the path leads to {total.hex()[:16]}…, the signed root is {root.hex()[:16]}…")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree (new, new_root) continues the tree (old, old_root).

    Raises:
        ProofError: it does not: the log was rewritten, or the proof is not one.
    """
    if old > new or old < 0:
        raise ProofError(f"consistency: a tree of {new} leaves cannot continue one of {old}")
    if old in (0, new):
        if path or old_root != (new_root if old else EMPTY_ROOT):
            raise ProofError(f"consistency: two different trees of {old} leaves, or a proof where none is needed")
        return
    _walk(old, old_root, new, new_root, path)


def _walk(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not hashes:
        raise ProofError("consistency: the proof is too short")
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            raise ProofError("consistency: the proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise ProofError("consistency: the proof does not lead to both roots")


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
