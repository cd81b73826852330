"""Whom an attempt in doubt has ended: what leases say of it, and what a node makes of that."""

from fastemailnet.envelope import UNNAMED, Asked, Position, Recipient
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync import unit as u
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.flashsync.doubt import settled
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.progress import Again
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from fastemailnet.outcome import Kind

PEOPLE = tuple(Recipient(f"r{index}@x.example", index) for index in (0, 2, 5))
REPORTED = (Kind.BOUNCED, Kind.IN_DOUBT, Kind.DEFERRED)
SETTLED = (Kind.BOUNCED, Kind.IN_DOUBT, Kind.IN_DOUBT)
MAIL = "mail.standard"


def doubted() -> Fold:
    """One unit of three recipients, one bounced and in doubt for the rest by its node's own report."""
    fold = Fold()
    for frame in (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Assign(1, 7, MAIL, 0, 0, 1, "a", 1)):
        assert fold.apply_control(frame)
    assert fold.apply_journal(0, 0, f.Intent(7, 0, 1, "a", 1, 5, b"", (0, 2, 5)))
    assert fold.apply_journal(0, 1, f.Outcome(7, 0, 1, "a", 1, 6, 0, REPORTED))
    return fold


def test_nobody_is_settled_where_everybody_waits() -> None:
    assert settled((Kind.IN_DOUBT, Kind.DEFERRED)) == ()
    assert settled(REPORTED) == SETTLED


def test_the_lease_for_the_next_attempt_says_whom_the_doubt_ended_and_a_snapshot_keeps_it() -> None:
    fold = doubted()
    assert fold.apply_journal(0, 2, f.Resolve(1, 0, f.Verdict.RETRY, 7, "r"))
    assert fold.progress[MAIL, 0].free == {0: Again(2, None, SETTLED)}
    fold, _ = decode_snapshot(encode_snapshot(fold, 3))
    leader = Coordinator(Policy(), fold)
    leader.epoch, leader.who, fold.leader = 1, 0, 0
    (assign,) = [w.frame for w in leader.plan(9, {(MAIL, 0): 1}) if isinstance(w.frame, f.Assign) and w.frame.lo == 0]
    assert (assign.attempt, assign.settled) == (2, SETTLED)


def test_it_is_kept_by_a_fence_before_the_next_intent_and_behind_it_and_by_a_void() -> None:
    for behind in ((), (f.Intent(8, 0, 2, "a", 1, 8, b"", (0, 2, 5)),)):
        fold = doubted()
        assert fold.apply_journal(0, 2, f.Resolve(1, 0, f.Verdict.RETRY, 7, "r"))
        assert fold.apply_control(f.Assign(1, 8, MAIL, 0, 0, 1, "a", 1, 2, None, 0, SETTLED))
        for position, frame in enumerate(behind, 3):
            assert fold.apply_journal(0, position, frame)
        assert fold.apply_journal(0, 4, f.Fence(1, "a", 1, 9, "silent"))
        for entry in fold.in_doubt():
            assert entry.kinds == SETTLED
            assert fold.apply_journal(0, 5, f.Void(8, 0, 2, "a", 1, entry.spot[1]))
        assert fold.progress[MAIL, 0].free == {0: Again(2, None, SETTLED)}


def test_a_verdict_that_ends_the_next_attempt_counts_each_recipient_once() -> None:
    fold = doubted()
    assert fold.apply_journal(0, 2, f.Resolve(1, 0, f.Verdict.RETRY, 7, "r"))
    assert fold.apply_control(f.Assign(1, 8, MAIL, 0, 0, 1, "a", 1, 2, None, 0, SETTLED))
    assert fold.apply_journal(0, 3, f.Intent(8, 0, 2, "a", 1, 8, b"", (0, 2, 5)))
    assert fold.apply_journal(0, 4, f.Fence(1, "a", 1, 9, "silent"))
    assert fold.apply_journal(0, 5, f.Resolve(1, 3, f.Verdict.ASSUME_RELAYED, 10, "r"))
    assert fold.ended == {Kind.BOUNCED: 1, Kind.RELAYED: 2}


def test_who_is_left_is_tried_and_everybody_is_counted() -> None:
    assert u.left_of(PEOPLE, ()) == PEOPLE
    assert u.left_of(PEOPLE, SETTLED) == PEOPLE[1:]
    assert u.of_all([Kind.RELAYED, Kind.DEFERRED], SETTLED) == (Kind.BOUNCED, Kind.RELAYED, Kind.DEFERRED)
    assert u.of_all([Kind.RELAYED], ()) == (Kind.RELAYED,)


def test_a_transaction_keeps_its_name_when_its_first_recipient_is_not_among_the_others_any_more() -> None:
    assert u.named_by(None, PEOPLE) == 0
    machine = u.Attempt(first=u.named_by(None, PEOPLE))
    (effect,) = machine.step(u.AskRelease((2, 5), 1))
    assert isinstance(effect, u.LogIntent)
    assert effect.asked == Asked(1, (2, 5), 0)
    assert u.named_by(effect.asked, PEOPLE[1:]) == 0
    assert u.named_by(Asked(1, (2, 5), UNNAMED), PEOPLE[1:]) == 2  # of a log before this was written down


def test_what_was_written_before_there_was_such_a_field_is_read() -> None:
    assign = f.Assign(1, 7, MAIL, 0, 0, 1, "a", 1, 2, Asked(1, (0,)))
    old = f.decode_control(f.encode(assign))
    assert isinstance(old, f.Assign)
    assert (old.settled, old.asked) == ((), Asked(1, (0,), UNNAMED))
    assert u.Attempt(asked=Asked(1, (0,))).transaction == 1
    assert Position(MAIL, 0, 0).offset == old.lo
