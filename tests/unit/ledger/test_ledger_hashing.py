"""RFC 6962 hashes against the vectors that certificate transparency's implementations share."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from fastemailnet.ledger.compact import CompactRange
from fastemailnet.ledger.hashing import EMPTY_ROOT, leaf_hash, leaf_hashes, node_hash, tree_hash
from tests.unit.ledger.samples import mth

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ledger_rfc6962.json").read_text())
ENTRIES = [bytes.fromhex(entry) for entry in VECTORS["entries"]]


def test_leaves_and_nodes_are_told_apart() -> None:
    assert leaf_hash(b"\x01" * 65) != node_hash(b"\x01" * 32, b"\x01" * 32)
    assert leaf_hash(b"ab") == sha256(b"\x00ab").digest()
    assert node_hash(b"l", b"r") == sha256(b"\x01lr").digest()


def test_the_empty_tree() -> None:
    assert EMPTY_ROOT.hex() == VECTORS["empty_root"] == tree_hash([]).hex() == CompactRange().root().hex()


@pytest.mark.parametrize("size", range(1, len(ENTRIES) + 1))
def test_roots(size: int) -> None:
    expected = VECTORS["roots"][size - 1]
    compact = CompactRange()
    compact.extend(leaf_hashes(ENTRIES[:size]))
    assert tree_hash(leaf_hashes(ENTRIES[:size])).hex() == expected
    assert compact.root().hex() == expected
    assert mth(ENTRIES[:size]).hex() == expected
