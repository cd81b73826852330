"""Held mail in the fold: it waits beside what ended, and one decision about it counts."""

import msgspec
import pytest

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.lease import Quarantined
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from fastemailnet.outcome import Kind

MAIL, TIER = "mail.standard", "defer.now.standard"
PLACE = Position(MAIL, 0, 0)
KINDS = (Kind.HELD, Kind.SUPPRESSED, Kind.HELD)
HELD = f.Outcome(7, 0, 1, "a", 1, 60, f.NO_INTENT, KINDS)
ENTRY = Quarantined(PLACE, 1, (0, 0), KINDS, 60)


def copy_at(offset: int) -> f.Deferral:
    return f.Deferral(Position(TIER, 0, offset), PLACE, 2, 70, 2)


RELEASE = f.Resolve(1, 0, f.Verdict.RELEASE, 70, "a customer", copy_at(0))
AGAIN = f.Resolve(1, 0, f.Verdict.RELEASE, 71, "a customer", copy_at(1))
REJECT = f.Resolve(1, 0, f.Verdict.REJECT, 72, "a fraud")


def leased() -> Fold:
    fold = Fold()
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 2, "a", 1)):
        assert fold.apply_control(frame)
    return fold


def play(fold: Fold, *frames: f.JournalFrame) -> list[bool]:
    return [fold.apply_journal(0, position, frame) for position, frame in enumerate(frames)]


def test_held_mail_waits_and_its_place_is_done() -> None:
    fold = leased()
    assert play(fold, HELD) == [True]
    assert fold.held == {(0, 0): ENTRY}
    assert fold.held[0, 0].recipients == 2
    assert fold.ended == {Kind.SUPPRESSED: 1}
    assert fold.progress[MAIL, 0].is_done(0)


@pytest.mark.parametrize("behind", [AGAIN, REJECT, RELEASE])
def test_of_a_release_and_what_follows_the_release_counts_and_one_copy_is_live(behind: f.Resolve) -> None:
    fold = leased()
    assert play(fold, HELD, RELEASE, behind) == [True, True, False]
    assert (list(fold.named), fold.held, fold.ended) == ([copy_at(0).copy], {}, {Kind.SUPPRESSED: 1})


def test_what_is_rejected_is_never_released() -> None:
    fold = leased()
    assert play(fold, HELD, REJECT, RELEASE) == [True, True, False]
    assert (fold.named, fold.held, fold.ended) == ({}, {}, {Kind.SUPPRESSED: 1, Kind.REJECTED: 2})


def test_a_release_that_names_no_copy_is_void_and_the_mail_still_held() -> None:
    fold = leased()
    assert play(fold, HELD, msgspec.structs.replace(RELEASE, deferral=None)) == [True, False]
    assert fold.held


def test_a_void_outcome_holds_nothing_and_a_doubt_is_not_released() -> None:
    fold = leased()
    assert play(fold, f.Fence(1, "a", 1, 50, "silent"), HELD) == [True, False]
    assert not fold.held
    fold = leased()
    in_doubt = (f.Intent(7, 0, 1, "a", 1, 0, b"m", (0,)), f.Fence(1, "a", 1, 50, "silent"))
    assert play(fold, *in_doubt, RELEASE) == [True, True, False]
    assert len(fold.in_doubt()) == 1


def test_what_is_held_is_not_in_doubt_and_cannot_be_resolved() -> None:
    fold = leased()
    assert play(fold, HELD, f.Resolve(1, 0, f.Verdict.RETRY, 70, "r")) == [True, False]
    assert fold.held


def test_a_copy_whose_end_was_folded_first_is_not_live() -> None:
    """Another partition may be read first: the copy was leased, tried and ended by what stands there."""
    fold = leased()
    fold.apply_control(f.Join(1, "b", 1, 1, 9))
    fold.apply_control(f.Assign(1, 9, TIER, 0, 0, 1, "b", 1))
    assert fold.apply_journal(1, 0, f.Outcome(9, 0, 2, "b", 1, 80, f.NO_INTENT, (Kind.EXPIRED, Kind.EXPIRED)))
    assert play(fold, HELD, RELEASE) == [True, True]
    assert fold.named == {}
    assert fold.ended == {Kind.SUPPRESSED: 1, Kind.EXPIRED: 2}


def test_a_snapshot_and_a_clone_know_what_is_held() -> None:
    fold = leased()
    play(fold, HELD)
    kept, _ = decode_snapshot(encode_snapshot(fold, 3))
    clone = fold.clone()
    assert kept.key() == clone.key() == fold.key()
    for other in (kept, clone):
        assert other.apply_journal(0, 1, RELEASE)
        assert other.key() != fold.key()
    assert fold.held


def test_a_released_copy_is_leased_at_once_and_an_orphan_is_not() -> None:
    machine = Coordinator(Policy(lease_units=2, window_units=2))
    machine.control_read(machine.candidacy(0).frame, 0)  # type: ignore[arg-type]
    for frame in (f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 2, "a", 1)):
        machine.control_read(frame, 0)
    machine.journal_read(0, 0, HELD, 60)
    write = machine.review(machine.fold.held[0, 0], f.Verdict.RELEASE, 70, "a customer", copy_at(1), b"facts")
    assert write.partition == 0
    assert isinstance(write.frame, f.Resolve)
    assert write.frame == f.Resolve(1, 0, f.Verdict.RELEASE, 70, "a customer", copy_at(1), b"facts")
    machine.journal_read(0, 1, write.frame, 70)
    frames = [one.frame for one in machine.plan(70, {(MAIL, 0): 1})]
    tier = [(one.stream, one.lo, one.hi) for one in frames if isinstance(one, f.Assign) and one.stream == TIER]
    assert tier == [(TIER, 1, 2)]


def test_a_resolve_of_a_former_version_still_decodes() -> None:
    former = msgspec.msgpack.encode(["R", 1, 0, "retry", 70, "policy"])
    assert f.decode_journal(former) == f.Resolve(1, 0, f.Verdict.RETRY, 70, "policy")
