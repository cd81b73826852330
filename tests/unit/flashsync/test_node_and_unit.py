"""The right of an incarnation, and the table of an attempt."""

import pytest

from fastemailnet.envelope import Asked, Position
from fastemailnet.errors import IllegalTransition
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync import unit as u
from fastemailnet.flashsync.lease import Held, Lease
from fastemailnet.flashsync.node import INTENT_MAX_AGE_MS, TTL_MS, Release, Right
from fastemailnet.outcome import Kind


def right() -> Right:
    return Right("a", 1, sent_ms=1_000, epoch=1)


def test_only_a_valid_assign_for_this_very_incarnation_is_a_lease() -> None:
    mine = f.Assign(1, 7, "mail.bulk", 0, 0, 4, "a", 1)
    one = right()
    assert one.control_read(mine) is not None
    assert one.control_read(f.Assign(1, 8, "mail.bulk", 0, 0, 4, "a", 2)) is None
    assert one.control_read(f.Epoch(2, 0)) is None
    assert one.control_read(mine) is None


@pytest.mark.parametrize(
    ("intent_ms", "now_ms", "release"),
    [
        (1_000, 1_001, Release.GRANTED),
        (1_000, 1_000 + TTL_MS - 200, Release.DEADLINE),
        (1_000, 1_000 + TTL_MS - 201, Release.GRANTED),
    ],
)
def test_the_end_may_be_written_until_just_before_the_deadline(intent_ms: int, now_ms: int, release: Release) -> None:
    assert right().may_end(intent_ms, now_ms) is release


def test_an_old_intent_is_stale_even_in_a_living_node() -> None:
    one = right()
    one.acknowledged(INTENT_MAX_AGE_MS)
    assert one.may_end(0, INTENT_MAX_AGE_MS) is Release.STALE


def test_a_fence_is_for_ever() -> None:
    one = right()
    one.fence()
    one.acknowledged(2_000)
    assert one.may_end(2_000, 2_000) is Release.FENCED
    assert not one.beat_due(10_000)


def test_a_later_join_of_the_same_node_fences_this_one() -> None:
    one = right()
    one.control_read(f.Join(1, "a", 2, 0, 9))
    assert one.may_end(1_000, 1_000) is Release.FENCED


def test_the_copy_is_durable_before_the_outcome_names_it() -> None:
    attempt = u.Attempt()
    copy = Position("defer.1m", 0, 3)
    kinds = (Kind.RELAYED, Kind.DEFERRED)
    assert attempt.step(u.AskRelease()) == [u.LogIntent()]
    assert attempt.step(u.IntentLogged(5, Release.GRANTED)) == [u.WriteEnd()]
    assert attempt.step(u.Ended(kinds)) == [u.LogCopy()]
    assert attempt.step(u.CopyLogged((copy,))) == [u.LogOutcome(5, kinds, (copy,))]
    assert attempt.step(u.Logged()) == []
    assert attempt.state is u.State.DONE


def test_a_withheld_end_is_voided_and_the_unit_may_be_tried_again() -> None:
    attempt = u.Attempt()
    attempt.step(u.AskRelease())
    assert attempt.step(u.IntentLogged(5, Release.DEADLINE)) == [u.CloseUnended(), u.LogVoid(5)]
    attempt.step(u.Logged())
    assert (attempt.state, attempt.intent) == (u.State.LEASED, f.NO_INTENT)


def test_an_attempt_in_doubt_leaves_whole() -> None:
    attempt = u.Attempt()
    attempt.step(u.AskRelease())
    attempt.step(u.IntentLogged(5, Release.GRANTED))
    kinds = (Kind.IN_DOUBT, Kind.DEFERRED)
    assert attempt.step(u.Ended(kinds)) == [u.LogOutcome(5, kinds, ())]


def test_an_attempt_that_asks_goes_under_the_id_of_the_one_in_doubt() -> None:
    asked = Asked(1, (0,))
    attempt = u.Attempt(number=2, asked=asked)
    assert attempt.transaction == 1
    assert attempt.step(u.AskRelease((0,))) == [u.LogIntent(asked)]
    assert u.Attempt(number=2).step(u.AskRelease((0, 3))) == [u.LogIntent(Asked(2, (0, 3)))]


@pytest.mark.parametrize("state", [u.State.LEASED, u.State.SENT])
def test_a_copy_goes_on_asking(state: u.State) -> None:
    asked = Asked(1, (0,))
    attempt = u.Attempt(state, number=2, asked=asked)
    assert attempt.step(u.Ended((Kind.DEFERRED,))) == [u.LogCopy(asked)]
    assert u.still_asked(asked, (0, 1)) == asked
    assert u.still_asked(asked, (1,)) is None


def test_frames_are_numbered_by_channel() -> None:
    one = right()
    frames = [f.Beat("a", 1, 0), f.Void(7, 0, 1, "a", 1, 0), f.Shrink(7, 1, "a", 1)]
    assert [one.numbered(frame).seq for frame in frames] == [0, 0, 1]


def test_a_lease_is_split_behind_what_was_taken() -> None:
    held = Held()
    lease = Lease(7, "mail.bulk", 0, 0, 8, ("a", 1), 0)
    held.grant(lease)
    held.taken(lease, 2)
    assert held.split(7) == 5
    assert [(x.lo, x.hi) for x in held.ranges["mail.bulk", 0]] == [(2, 5)]
    assert held.split(8) is None
    assert [held.split(7), held.split(7), held.split(7)] == [3, 2, None]


EVENTS = [
    u.AskRelease(),
    u.IntentLogged(0, Release.GRANTED),
    u.Refused(),
    u.Ended((Kind.RELAYED,)),
    u.CopyLogged((Position("defer.1m", 0, 0),)),
    u.Logged(),
]


@pytest.mark.parametrize("state", list(u.State))
def test_an_illegal_event_raises_and_changes_nothing(state: u.State) -> None:
    refused = 0
    for event in EVENTS:
        attempt = u.Attempt(state)
        try:
            attempt.step(event)
        except IllegalTransition:
            refused += 1
            assert attempt == u.Attempt(state)
    assert refused >= 3
    if state in (u.State.DONE, u.State.RETURNED):
        assert refused == len(EVENTS)
