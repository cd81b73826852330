"""What a score means under each action, who is put off to be tagged, and the copy in which that goes on."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.gate import (
    NEVER_REJECT,
    Action,
    Bar,
    Ruling,
    Tags,
    Way,
    marked,
    throttle_of,
    tries_before,
)
from fastemailnet.delivery.shaping.limits import Rate, parse_rate
from fastemailnet.delivery.split import SPLITS
from fastemailnet.delivery.throttle import Pace
from fastemailnet.envelope import Lane, Position, Recipient, Suspicion, Unit
from fastemailnet.outcome import Kind

PEOPLE = (Recipient("a@x.example", 2), Recipient("b@x.example", 5))
UNIT = Unit(b"m" * 16, Lane.BULK, "acme", 1, 10_000, "s@y.example", PEOPLE, "x.example", False, b"From: s\r\n\r\n")
FOUND = Suspicion((0.1, 0.2, 0.7), 0.5)
PROBABILITY = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("action", "rulings"),
    [
        (Action.ACCEPT, (Ruling.SEND, Ruling.SEND, Ruling.SEND)),
        (Action.TAG, (Ruling.SEND, Ruling.TAG, Ruling.REJECT)),
        (Action.THROTTLE, (Ruling.SEND, Ruling.THROTTLE, Ruling.REJECT)),
        (Action.HOLD, (Ruling.SEND, Ruling.HOLD, Ruling.REJECT)),
        (Action.REJECT, (Ruling.SEND, Ruling.REJECT, Ruling.REJECT)),
    ],
)
def test_each_action_has_its_row(action: Action, rulings: tuple[Ruling, ...]) -> None:
    bar = Bar(0.5, 0.9, action)
    assert (bar.rule(0.499), bar.rule(0.5), bar.rule(0.9)) == rulings


@given(PROBABILITY, PROBABILITY, st.floats(0.01, 1.0), st.sampled_from([*Action]), st.booleans())
def test_a_higher_score_never_fares_better(
    one: float, other: float, hold: float, action: Action, rejects: bool
) -> None:
    bar = Bar(hold, hold + (1 - hold) / 2 if rejects else NEVER_REJECT, action)
    strictness = [Ruling.SEND, Ruling.TAG, Ruling.THROTTLE, Ruling.HOLD, Ruling.REJECT]
    low, high = sorted((one, other))
    assert strictness.index(bar.rule(low)) <= strictness.index(bar.rule(high))


@given(st.lists(st.tuples(st.sampled_from([*Ruling]), st.booleans()), min_size=1, max_size=8))
def test_every_attempt_that_transmits_does_it_in_one_way(story: list[tuple[Ruling, bool]]) -> None:
    """Whatever the gate says at each attempt, and whether the attempt was put off by a door or tried."""
    unit, attempt, ways = UNIT, 1, []
    for ruling, is_put_off in story:
        way = Tags().way(ruling, unit.suspicion, tries_before(attempt, unit.put_off))
        if way is Way.MARKED:
            (unit,) = marked(unit, attempt, FOUND, "r", 7).copies
        elif is_put_off:
            unit = msgspec.structs.replace(unit, put_off=unit.put_off + 1)
        else:
            ways.append(way)
        attempt += 1
    assert len(set(ways)) <= 1


def test_what_was_tried_without_fields_is_never_tagged() -> None:
    assert Tags().way(Ruling.TAG, None, 0) is Way.MARKED
    assert Tags().way(Ruling.TAG, None, 1) is Way.PLAIN
    assert Tags().way(Ruling.TAG, Suspicion(FOUND.scores), 0) is Way.MARKED  # throttled before, and put off
    assert Tags().way(Ruling.SEND, FOUND, 3) is Way.TAGGED
    assert Tags().way(Ruling.THROTTLE, None, 0) is Way.PLAIN


def test_who_is_marked_goes_on_now_under_the_next_number_and_that_was_no_attempt() -> None:
    waited = msgspec.structs.replace(UNIT, put_off=2, turn_ms=99, source=Position("mail.bulk", 0, 4))
    retry = marked(waited, 3, FOUND, "because", 1_234)
    (copy,) = retry.copies
    assert (retry.tier, retry.due_ms) == (SPLITS[Lane.BULK], 1_234)
    assert (copy.attempt, copy.put_off, copy.turn_ms, copy.suspicion) == (4, 3, 0, FOUND)
    assert tries_before(copy.attempt, copy.put_off) == tries_before(3, waited.put_off) == 0
    assert (copy.recipients, copy.body, copy.message) == (UNIT.recipients, UNIT.body, UNIT.message)
    assert [(one.recipient, one.kind, one.reason) for one in retry.outcomes] == [
        (2, Kind.DEFERRED, "because"),
        (5, Kind.DEFERRED, "because"),
    ]


def test_a_throttle_is_even_unless_a_burst_is_asked_for() -> None:
    assert throttle_of("acme", parse_rate("60/h")).ceilings.messages == Pace(60 / 3_600, 1.0)
    assert throttle_of("acme", parse_rate("60/h,max_burst=5")).ceilings.messages == Pace(60 / 3_600, 5.0)
    assert throttle_of("", Rate(1, 1.0)).site == "throttle"
