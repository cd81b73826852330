"""Progress of one partition: the low watermark, what is free, and ranges."""

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.flashsync.progress import Again, Progress, runs


def test_the_low_watermark_passes_only_what_is_done() -> None:
    progress = Progress()
    progress.take(0, 4)
    for offset in (1, 2):
        progress.finish(offset)
    assert progress.low == 0
    progress.finish(0)
    assert (progress.low, progress.pending) == (3, {3})


def test_what_a_void_assign_skipped_is_free() -> None:
    progress = Progress()
    progress.take(3, 5)
    assert sorted(progress.free) == [0, 1, 2]
    progress.take(0, 2)
    assert sorted(progress.free) == [2]


def test_what_a_tier_passed_over_is_neither_free_nor_done_until_its_turn() -> None:
    progress = Progress()
    progress.take_copies(3, 4)
    assert not progress.free
    assert not progress.is_done(1)
    progress.take_copies(1, 2)
    assert progress.low == 1
    progress.finish(1)
    assert progress.low == 3
    assert progress.is_done(1)
    assert progress.skipped == {0, 2}


def test_memory_follows_what_is_open_and_not_how_far_the_oldest_lies_behind() -> None:
    progress = Progress()
    for lo in range(0, 10_000, 10):
        progress.take(lo, lo + 10)
        for offset in range(max(lo, 1), lo + 10):
            progress.finish(offset)
    assert (progress.low, progress.pending) == (0, {0})
    progress.finish(0)
    assert progress.low == 10_000


def test_a_returned_offset_keeps_the_attempt_it_is_to_be_leased_with() -> None:
    progress = Progress()
    progress.take(0, 2)
    progress.give_back(1, Again(3))
    assert progress.free == {1: Again(3)}
    progress.finish(1)
    assert progress.free == {}


def test_a_clone_is_independent() -> None:
    progress = Progress()
    progress.take(0, 2)
    copy = progress.clone()
    copy.finish(0)
    assert (progress.low, copy.low) == (0, 1)
    assert progress.key() != copy.key()


@given(st.permutations(range(12)))
def test_the_order_of_endings_does_not_matter(order: list[int]) -> None:
    progress = Progress()
    progress.take(0, 12)
    lows = []
    for offset in order:
        progress.finish(offset)
        lows.append(progress.low)
    assert lows == sorted(lows)
    assert (progress.low, progress.pending) == (12, set())


@given(st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_runs_cover_exactly_the_offsets(offsets: set[int], longest: int) -> None:
    ranges = list(runs(sorted(offsets), longest))
    assert [offset for lo, hi in ranges for offset in range(lo, hi)] == sorted(offsets)
    assert all(0 < hi - lo <= longest for lo, hi in ranges)
