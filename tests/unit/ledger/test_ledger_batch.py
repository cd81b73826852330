"""When blocks close, in which order their effects come, and what the machine refuses."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import pytest

from fastemailnet.errors import LedgerCorrupt, LedgerError, LimitExceeded
from fastemailnet.ledger import batch, leaf, seal, tile
from fastemailnet.ledger.batch import (
    Append,
    AppendFrame,
    Batcher,
    Effect,
    Erased,
    Flush,
    Prune,
    Publish,
    Sign,
    StoreFiles,
    StoreOpenings,
    Swap,
    Tick,
)
from fastemailnet.ledger.fact import LeafType
from fastemailnet.ledger.frame import Frame
from fastemailnet.ledger.hashing import EMPTY_ROOT
from fastemailnet.ledger.replay import Chain
from tests.unit.ledger.samples import NOW_MS, ORIGIN, blocks, fact, mth

BLOCK = [StoreOpenings, AppendFrame, Sign, Swap]
SHOWN = [StoreFiles, Publish, Prune]


def kinds(effects: Sequence[Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def started() -> Batcher:
    batcher = Batcher(ORIGIN, Chain(), None)
    batcher.start(None)
    batcher.step(Flush(NOW_MS))
    return batcher


def running() -> Batcher:
    """Has just published: leaf 0 (fact 0) and its seal."""
    batcher = started()
    append(batcher, 0, 1)
    batcher.step(Flush(NOW_MS))
    return batcher


def append(batcher: Batcher, first: int, count: int, now_ms: int = NOW_MS) -> list[Effect]:
    return batcher.step(Append([fact(n) for n in range(first, first + count)], {0: first + count}, now_ms))


def only_frame(effects: Sequence[Effect]) -> Frame:
    (frame,) = [effect.frame for effect in effects if isinstance(effect, AppendFrame)]
    return frame


def test_a_first_start_signs_and_shows_the_empty_tree() -> None:
    batcher = Batcher(ORIGIN, Chain(), None)
    effects = batcher.start(None)
    assert kinds(effects) == [Sign, Swap, *SHOWN]
    assert batcher.head.size == 0
    assert batcher.head.root == EMPTY_ROOT
    assert effects[0] == Sign(batcher.head)


def test_a_start_with_nothing_left_over_does_nothing() -> None:
    batcher = Batcher(ORIGIN, Chain(), None)
    assert Batcher(ORIGIN, Chain(), batcher.head).start(batcher.head) == []


def test_a_block_closes_at_1024_leaves_and_takes_whole_appends() -> None:
    batcher = running()
    assert append(batcher, 1, 1_023) == []
    effects = append(batcher, 1_024, 500)
    assert kinds(effects) == BLOCK
    frame = only_frame(effects)
    assert (frame.first, frame.leaves, frame.positions) == (2, 1_524, {0: 1_524})
    assert batcher.sealed_positions == {0: 1_524}


def test_a_block_closes_at_200_ms_of_age() -> None:
    batcher = running()
    append(batcher, 1, 1)
    assert batcher.step(Tick(NOW_MS + 199)) == []
    assert batcher.sealed_positions == {0: 1}
    assert kinds(batcher.step(Tick(NOW_MS + 200))) == BLOCK
    assert batcher.step(Tick(NOW_MS + 999)) == []
    assert kinds(batcher.step(Tick(NOW_MS + 1_000))) == SHOWN


def test_the_age_counts_from_the_oldest_leaf() -> None:
    batcher = running()
    append(batcher, 1, 1)
    append(batcher, 2, 1, NOW_MS + 150)
    assert kinds(batcher.step(Tick(NOW_MS + 200))) == BLOCK
    append(batcher, 3, 1, NOW_MS + 250)
    assert batcher.step(Tick(NOW_MS + 400)) == []


def test_a_flush_seals_and_shows_everything() -> None:
    batcher = started()
    append(batcher, 0, 1)
    effects = batcher.step(Flush(NOW_MS))
    assert kinds(effects) == BLOCK + SHOWN
    assert batcher.step(Flush(NOW_MS)) == []


def test_much_unpublished_is_shown_before_its_time() -> None:
    batcher = running()
    shown = [kinds(append(batcher, first, 8_192))[-1] is Prune for first in range(0, 73_728, 8_192)]
    assert shown == [False] * 7 + [True, False]


def test_full_files_are_shown_and_their_partial_ones_pruned() -> None:
    batcher = started()
    append(batcher, 0, 300)
    *_, files, _, prune = batcher.step(Flush(NOW_MS))
    assert isinstance(files, StoreFiles)
    assert isinstance(prune, Prune)
    assert [file.path for file in files.files] == [
        "tile/entries/000", "tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/001.p/45",
    ]  # fmt: skip  # a list of paths
    assert prune.paths == ["tile/entries/000", "tile/0/000"]


def test_a_seal_links_to_its_predecessor_and_to_what_was_shown() -> None:
    batcher = started()
    frames, heads = [], [batcher.head]
    for number in range(3):
        append(batcher, number * 2, 2)
        frames.append(only_frame(batcher.step(Flush(NOW_MS + number))))
        heads.append(batcher.head)
    entries = [tile.split_bundle(frame.payload) for frame in frames]
    seals = [seal.unpack(block[-1]) for block in entries]
    assert [(s.height, s.first, s.leaves) for s in seals] == [(0, 0, 2), (1, 3, 2), (2, 6, 2)]
    assert [s.previous for s in seals] == [seal.NO_HASH, *(sha256(b"\0" + block[-1]).digest() for block in entries[:2])]
    assert [s.batch_root for s in seals] == [mth(block[:-1]) for block in entries]
    assert [s.published for s in seals] == [sha256(head.body.encode()).digest() for head in heads[:3]]
    assert [s.positions_digest for s in seals] == [seal.positions_digest({0: n}) for n in (2, 4, 6)]
    assert batcher.head.root == mth([entry for block in entries for entry in block])


def test_openings_name_the_leaf_that_commits_to_them() -> None:
    batcher = started()
    append(batcher, 0, 3)
    batcher.step(Flush(NOW_MS))
    append(batcher, 3, 2)
    openings, frame, *_ = batcher.step(Flush(NOW_MS))
    assert isinstance(openings, StoreOpenings)
    assert isinstance(frame, AppendFrame)
    assert [index for index, _ in openings.facts] == [4, 5]
    for index, one in openings.facts:
        assert tile.split_bundle(frame.frame.payload)[index - 4] == leaf.pack(one)


def test_an_erasure_is_a_leaf_without_openings() -> None:
    batcher = started()
    batcher.step(Erased(NOW_MS))
    effects = batcher.step(Flush(NOW_MS))
    assert kinds(effects) == BLOCK[1:] + SHOWN
    assert leaf.unpack(tile.split_bundle(only_frame(effects).payload)[0]).type is LeafType.ERASURE


def test_seal_times_rise_strictly_also_when_the_clock_does_not() -> None:
    batcher = started()
    times = []
    for number, now_ms in enumerate([NOW_MS, NOW_MS, NOW_MS - 4_000, NOW_MS + 10]):
        append(batcher, number, 1, now_ms)
        times.append(seal.unpack(only_frame(batcher.step(Flush(now_ms))).payload[-176:]).at_ms)
    assert times == [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 10]


def test_a_clock_over_five_seconds_back_is_refused_and_changes_nothing() -> None:
    batcher = started()
    append(batcher, 0, 1)
    batcher.step(Flush(NOW_MS))
    with pytest.raises(LedgerError, match="clock"):
        append(batcher, 1, 1, NOW_MS - 5_001)
    assert batcher.step(Flush(NOW_MS)) == []


def test_a_position_that_goes_back_is_refused_and_changes_nothing() -> None:
    batcher = started()
    append(batcher, 0, 5)
    with pytest.raises(LedgerError, match="partition 0"):
        batcher.step(Append([fact(9)], {0: 4, 1: 1}, NOW_MS))
    effects = batcher.step(Flush(NOW_MS))
    assert only_frame(effects).leaves == 6
    assert only_frame(effects).positions == {0: 5}


def test_a_fact_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    batcher = started()
    with pytest.raises(ValueError, match="salt"):
        batcher.step(Append([fact(0), msgspec.structs.replace(fact(1), salt=b"")], {0: 2}, NOW_MS))
    assert batcher.step(Flush(NOW_MS)) == []
    assert batcher.sealed_positions == {}


def test_more_than_a_block_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_FRAME_LEAVES", 4)
    batcher = started()
    with pytest.raises(LimitExceeded):
        append(batcher, 0, 4)
    append(batcher, 0, 3)
    assert only_frame(batcher.step(Flush(NOW_MS))).leaves == 4


def test_positions_without_facts_go_into_the_next_block() -> None:
    batcher = started()
    assert batcher.step(Append([], {1: 7}, NOW_MS)) == []
    append(batcher, 0, 1)
    assert only_frame(batcher.step(Flush(NOW_MS))).positions == {0: 1, 1: 7}


def test_a_block_that_reads_back_differently_is_never_signed() -> None:
    (frame,) = blocks([3])
    batch.check_block(frame, frame)
    flipped = bytearray(frame.payload)
    flipped[100] ^= 1
    for read in (frame._replace(payload=bytes(flipped)), frame._replace(first=1)):
        with pytest.raises(LedgerCorrupt):
            batch.check_block(frame, read)
    wrong_in_memory = frame._replace(payload=bytes(flipped))
    with pytest.raises(LedgerCorrupt):
        batch.check_block(wrong_in_memory, wrong_in_memory)
