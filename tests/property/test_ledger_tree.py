"""The clever tree against RFC 6962 as it is written."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastemailnet.errors import ProofError
from fastemailnet.ledger import proof, tile
from fastemailnet.ledger.compact import CompactRange
from fastemailnet.ledger.hashing import leaf_hashes, tree_hash
from tests.unit.ledger.samples import fetch_from, mth, path, subproof

ENTRIES = [number.to_bytes(4, "big") * 44 for number in range(1_400)]
SIZES = st.one_of(st.integers(1, 70), st.integers(1, 1_400))


@given(st.lists(st.integers(0, 400), max_size=6))
def test_a_compact_range_has_the_root_of_its_leaves(parts: list[int]) -> None:
    compact, at = CompactRange(), 0
    for part in parts:
        compact.extend(leaf_hashes(ENTRIES[at : at + part]))
        at = min(at + part, len(ENTRIES))
        assert compact.root() == mth(ENTRIES[:at]) == tree_hash(leaf_hashes(ENTRIES[:at]))
        assert len(compact.nodes) == at.bit_count()


@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, 200))
def test_adjacent_ranges_merge_into_the_whole(first: int, second: int, third: int) -> None:
    whole, at = CompactRange(), 0
    for part in (first, second, third):
        right = CompactRange(at)
        right.extend(leaf_hashes(ENTRIES[at : at + part]))
        whole.merge(right)
        at += part
        assert whole.root() == mth(ENTRIES[:at])
    with pytest.raises(ValueError, match="does not continue"):
        whole.merge(CompactRange(at + 1))


@given(st.integers(1, 500), st.integers(0, 300))
def test_a_range_from_the_middle_holds_aligned_subtrees(begin: int, count: int) -> None:
    middle = CompactRange(begin)
    middle.extend(leaf_hashes(ENTRIES[begin : begin + count]))
    at = begin
    for node in middle.nodes:
        assert at % (1 << node.height) == 0
        assert node.hash == mth(ENTRIES[at : at + (1 << node.height)])
        at += 1 << node.height
    assert at == middle.end == begin + count
    with pytest.raises(ValueError, match="has no root"):
        middle.root()


def test_a_subtree_must_be_aligned() -> None:
    compact = CompactRange(1)
    with pytest.raises(ValueError, match="cannot stand"):
        compact.push(1, bytes(32))


@given(SIZES, st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    entries = ENTRIES[:size]
    made = proof.inclusion(index, size, fetch_from(entries))
    assert made == path(index, entries)
    (leaf,) = leaf_hashes([entries[index]])
    proof.verify_inclusion(index, size, leaf, made, mth(entries))
    other = data.draw(st.integers(0, size))
    assume(other != index)
    with pytest.raises(ProofError):
        proof.verify_inclusion(other, size, leaf, made, mth(entries))
    with pytest.raises(ProofError, match="too long"):
        proof.verify_inclusion(index, size, leaf, [*made, bytes(32)], mth(entries))
    for wrong in (made[:-1], [bytes(32), *made[1:]]):
        if wrong != made:
            with pytest.raises(ProofError):
                proof.verify_inclusion(index, size, leaf, wrong, mth(entries))


@given(SIZES, st.data())
def test_consistency(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    entries = ENTRIES[:new]
    made = proof.consistency(old, new, fetch_from(entries))
    if 0 < old < new:
        assert made == subproof(old, entries)
    proof.verify_consistency(old, mth(entries[:old]), new, mth(entries), made)
    lies = [(bytes(32), mth(entries), made), (mth(entries[:old]), mth(entries), [*made, bytes(32)])]
    if old:
        lies.append((mth(entries[:old]), bytes(32), made))
    lies += [(mth(entries[:old]), mth(entries), made[:at] + made[at + 1 :]) for at in range(len(made))]
    for old_root, new_root, wrong in lies:
        with pytest.raises(ProofError):
            proof.verify_consistency(old, old_root, new, new_root, wrong)
    with pytest.raises(ProofError):
        proof.verify_consistency(new + 1, mth(entries), new, mth(entries), made)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=3), st.data())
def test_proofs_come_from_published_files_alone(parts: list[int], data: st.DataObject) -> None:
    frontier, files, at = tile.Frontier(), dict[str, bytes](), 0
    for part in parts:
        chunk = ENTRIES[at : at + part]
        files |= dict(frontier.extend(tile.bundle(chunk), leaf_hashes(chunk)))
        at = min(at + part, len(ENTRIES))
    files |= dict(frontier.partials())
    fetch = tile.TileReader(at, files.__getitem__)
    index, old = data.draw(st.integers(0, at - 1)), data.draw(st.integers(0, at))
    assert fetch.entry(index) == ENTRIES[index]
    assert proof.inclusion(index, at, fetch) == path(index, ENTRIES[:at])
    assert proof.consistency(old, at, fetch) == proof.consistency(old, at, fetch_from(ENTRIES[:at]))


@pytest.mark.parametrize(
    "call",
    [lambda f: proof.inclusion(5, 5, f), lambda f: proof.inclusion(-1, 5, f), lambda f: proof.consistency(6, 5, f)],
)
def test_proofs_of_what_is_not_there(call: object) -> None:
    with pytest.raises(ValueError, match="a tree of 5 leaves"):
        call(fetch_from(ENTRIES[:5]))  # type: ignore[operator]  # a lambda of the list above
