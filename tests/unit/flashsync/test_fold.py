"""The fold on short scripts of frames: what is void, what is a fact, what is in doubt."""

import msgspec
import pytest

from fastemailnet.envelope import Asked, Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.progress import Again
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from fastemailnet.outcome import Kind

MAIL = "mail.standard"
WHO = (7, 0, 1, "a", 1)  # lease, offset, attempt, node, incarnation


def leased() -> Fold:
    fold = Fold()
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 2, "a", 1)):
        assert fold.apply_control(frame)
    return fold


def play(fold: Fold, *frames: f.JournalFrame) -> list[bool]:
    return [fold.apply_journal(0, position, frame) for position, frame in enumerate(frames)]


def intent() -> f.Intent:
    return f.Intent(*WHO, 0, b"m", (0, 1))


def fence() -> f.Fence:
    return f.Fence(1, "a", 1, 50, "silent")


def outcome(at: int, *kinds: Kind, deferral: f.Deferral | None = None) -> f.Outcome:
    return f.Outcome(*WHO, 60, at, kinds, deferral)


def test_a_fact_behind_the_fence_still_counts() -> None:
    fold = leased()
    assert play(fold, intent(), fence(), outcome(0, Kind.RELAYED, Kind.BOUNCED)) == [True, True, True]
    assert fold.ended == {Kind.RELAYED: 1, Kind.BOUNCED: 1}
    assert fold.progress[MAIL, 0].low == 1
    assert not fold.in_doubt()


def test_a_permission_behind_the_fence_is_void() -> None:
    fold = leased()
    assert play(fold, fence(), outcome(f.NO_INTENT, Kind.REJECTED), intent()) == [True, False, False]
    assert sorted(fold.progress[MAIL, 0].free) == [0, 1]


def test_a_begun_unit_of_a_fenced_node_is_in_doubt_and_the_rest_is_free() -> None:
    fold = leased()
    play(fold, intent(), fence())
    (entry,) = fold.in_doubt()
    assert (entry.place, entry.doubt_ms, len(entry.kinds)) == (Position(MAIL, 0, 0), 50, 2)
    assert sorted(fold.progress[MAIL, 0].free) == [1]


def test_a_retry_opens_the_next_attempt_and_a_late_fact_changes_nothing() -> None:
    fold = leased()
    play(fold, intent(), fence(), f.Resolve(1, 0, f.Verdict.RETRY, 70, "policy"))
    assert fold.progress[MAIL, 0].free == {0: Again(2), 1: Again()}
    assert not fold.apply_journal(0, 3, outcome(0, Kind.RELAYED, Kind.RELAYED))
    assert not fold.ended


@pytest.mark.parametrize(
    ("verdict", "kind"), [(f.Verdict.ASSUME_RELAYED, Kind.RELAYED), (f.Verdict.BOUNCE, Kind.BOUNCED)]
)
def test_a_verdict_about_what_happened_ends_the_unit(verdict: f.Verdict, kind: Kind) -> None:
    fold = leased()
    play(fold, intent(), fence(), f.Resolve(1, 0, verdict, 70, "policy"))
    assert fold.ended == {kind: 2}


def test_what_is_not_in_doubt_cannot_be_resolved() -> None:
    fold = leased()
    assert play(fold, intent(), f.Resolve(1, 0, f.Verdict.RETRY, 70, "eager")) == [True, False]
    assert len(fold.open) == 1


def test_a_void_gives_a_fenced_node_s_unit_back() -> None:
    fold = leased()
    play(fold, intent(), fence(), f.Void(*WHO, 0))
    assert sorted(fold.progress[MAIL, 0].free) == [0, 1]
    assert not fold.open


def test_only_a_named_copy_is_live() -> None:
    fold = leased()
    copy = f.Deferral(Position("defer.1m", 0, 4), Position(MAIL, 0, 0), 2, 99, 1)
    play(fold, intent(), outcome(0, Kind.RELAYED, Kind.DEFERRED, deferral=copy))
    assert fold.named == {copy.copy: copy}
    assert fold.ended == {Kind.RELAYED: 1}


def test_a_split_makes_every_copy_that_it_names_live() -> None:
    fold = leased()
    copies = [f.Deferral(Position("defer.now.standard", 0, at), Position(MAIL, 0, 0), 1, 0, 1) for at in (4, 5)]
    split = outcome(-1, Kind.DEFERRED, Kind.DEFERRED, deferral=copies[0])
    play(fold, msgspec.structs.replace(split, more=(copies[1],)))
    assert fold.named == {copy.copy: copy for copy in copies}
    assert (fold.progress[MAIL, 0].is_done(0), fold.ended.total()) == (True, 0)


def test_a_second_outcome_is_an_alarm_and_counts_nothing() -> None:
    fold = leased()
    assert play(fold, outcome(-1, Kind.REJECTED, Kind.REJECTED), outcome(-1, Kind.REJECTED, Kind.REJECTED)) == [
        True,
        False,
    ]
    assert (len(fold.alarms), fold.ended[Kind.REJECTED]) == (1, 2)


def test_commands_of_a_deposed_coordinator_are_void() -> None:
    fold = leased()
    assert fold.apply_control(f.Epoch(2, 0))
    assert not fold.apply_control(f.Assign(1, 8, MAIL, 0, 2, 4, "a", 1))
    assert not fold.apply_control(f.Epoch(2, 0))


def test_a_lease_for_a_fenced_incarnation_ends_as_it_begins() -> None:
    fold = leased()
    play(fold, fence())
    assert fold.apply_control(f.Assign(1, 8, MAIL, 0, 2, 4, "a", 1))
    assert not fold.leases
    assert sorted(fold.progress[MAIL, 0].free) == [0, 1, 2, 3]


def test_control_may_be_read_ahead_of_the_resolution_that_freed_a_place() -> None:
    ahead, in_order = leased(), leased()
    resolve, again = f.Resolve(1, 0, f.Verdict.RETRY, 70, "policy"), f.Assign(1, 9, MAIL, 0, 0, 1, "b", 1, 2)
    for fold in (ahead, in_order):
        fold.apply_control(f.Join(1, "b", 1, 1, 9))
        play(fold, intent(), fence())
    assert ahead.apply_control(again)
    assert ahead.apply_journal(0, 2, resolve)
    assert in_order.apply_journal(0, 2, resolve)
    assert in_order.apply_control(again)
    assert ahead.key() == in_order.key()


def test_a_shrunk_lease_frees_its_tail_and_no_intent_there_counts_any_more() -> None:
    fold = leased()
    shrink, late = f.Shrink(7, 1, "a", 1), f.Intent(7, 1, 1, "a", 1, 0, b"m", (0,))
    assert play(fold, shrink, late, intent()) == [True, False, True]
    assert sorted(fold.progress[MAIL, 0].free) == [1]


def test_a_repeated_frame_is_void_and_a_missing_one_an_alarm() -> None:
    fold = leased()
    first, beat = f.Intent(*WHO, 0, b"m", (0, 1), None, 0), f.Beat("a", 1, 3, 5)
    assert play(fold, first, first, beat) == [True, False, True]
    assert list(fold.alarms) == ["a.1: permissions 1 to 4 are missing (R9)"]


def test_a_peer_that_remembers_is_asked_under_the_attempt_it_knows() -> None:
    fold = leased()
    asked = Asked(1, (0,))
    play(fold, f.Intent(*WHO, 0, b"m", (0, 1), asked), fence(), f.Resolve(1, 0, f.Verdict.ASK, 70, "asks"))
    assert fold.progress[MAIL, 0].free[0] == Again(2, asked)


def test_strikes_are_forgotten_when_the_place_ends() -> None:
    fold = leased()
    fold.apply_control(f.Strike(1, MAIL, 0, 0))
    fold.apply_control(f.Strike(1, MAIL, 0, 0))
    assert fold.strikes == {Position(MAIL, 0, 0): 2}
    play(fold, outcome(-1, Kind.DEAD, Kind.DEAD))
    assert not fold.strikes
    assert not fold.apply_control(f.Strike(1, MAIL, 0, 0))


def test_a_snapshot_brings_back_the_same_fold() -> None:
    fold = leased()
    copy = f.Deferral(Position("defer.1m", 0, 4), Position(MAIL, 0, 0), 2, 99, 1)
    other = f.Intent(7, 1, 1, "a", 1, 0, b"m", (0,), Asked(1, (0,)), 0)
    play(fold, intent(), outcome(0, Kind.RELAYED, Kind.DEFERRED, deferral=copy), other, fence())
    again, control = decode_snapshot(encode_snapshot(fold, 3))
    assert (again.key(), control, again.begun) == (fold.key(), 3, fold.begun)
    assert again.read == fold.read
    assert again.numbers == fold.numbers


def test_frames_survive_the_wire() -> None:
    copy = f.Deferral(Position("defer.1m", 0, 4), Position(MAIL, 0, 0), 2, 99, 1)
    for frame in (intent(), fence(), outcome(0, Kind.DEFERRED, deferral=copy), f.Void(*WHO, 0), f.Beat("a", 1, 3)):
        assert f.decode_journal(f.encode(frame)) == frame
    for control in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 2, "a", 1)):
        assert f.decode_control(f.encode(control)) == control
