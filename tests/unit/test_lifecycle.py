"""The life cycle's table: what it allows, that it refuses all else, and that the docs show it."""

from itertools import pairwise, product
from pathlib import Path

import pytest

from fastemailnet.errors import IllegalTransition
from fastemailnet.lifecycle import OUTCOME_EVENTS, TABLE, TERMINAL, WAITING, Event, State, step, to_mermaid
from fastemailnet.outcome import FINAL, Kind
from tools.diagram import page

DOCS = Path(__file__).parents[2] / "docs" / "lifecycle.md"
USUAL = [
    (State.IDLE, Event.ARRIVED),
    (State.PENDING_PROCESSING, Event.STARTED),
    (State.PROCESSING, Event.VALID),
    (State.VALIDATED, Event.SCHEDULED),
    (State.DELIVERY_SCHEDULED, Event.END_ALLOWED),
    (State.SENDING, Event.RELAYED),
    (State.EMAIL_SENT, Event.COMPLETED),
    (State.IDLE, Event.ARRIVED),
]


def test_the_usual_way_goes_through_every_state() -> None:
    for (state, event), (after, _) in pairwise(USUAL):
        assert step(state, event) is after


@pytest.mark.parametrize(("state", "event"), [p for p in product(State, Event) if p[1] not in TABLE[p[0]]])
def test_every_other_step_is_refused_and_says_which(state: State, event: Event) -> None:
    before = {state: dict(steps) for state, steps in TABLE.items()}
    with pytest.raises(IllegalTransition) as caught:
        step(state, event)
    assert state.value in str(caught.value)
    assert event.value in str(caught.value)
    assert before == TABLE


def test_every_state_is_reached_and_left_and_every_event_is_used() -> None:
    assert set(TABLE) == set(State)
    assert all(TABLE.values())
    assert {after for steps in TABLE.values() for after in steps.values()} == set(State)
    assert {event for steps in TABLE.values() for event in steps} == set(Event)


def test_ends_and_waits_are_left_only_by_completion() -> None:
    assert not TERMINAL & WAITING
    assert all(TABLE[state] == {Event.COMPLETED: State.IDLE} for state in TERMINAL | WAITING)
    assert all(Event.COMPLETED not in TABLE[state] for state in set(State) - TERMINAL - WAITING)


@pytest.mark.parametrize("kind", Kind)
def test_every_outcome_ends_in_the_state_of_its_class(kind: Kind) -> None:
    event = OUTCOME_EVENTS[kind]
    (reached,) = {steps[event] for steps in TABLE.values() if event in steps}
    assert reached in (TERMINAL if kind in FINAL else WAITING)
    assert reached.value == ("email_sent" if kind is Kind.RELAYED else kind.value)


def test_once_the_end_may_be_written_the_unit_cannot_silently_go_back() -> None:
    assert Event.RETURNED not in TABLE[State.SENDING]
    assert [state for state, steps in TABLE.items() if State.IN_DOUBT in steps.values()] == [State.SENDING]
    assert [state for state, steps in TABLE.items() if State.EMAIL_SENT in steps.values()] == [State.SENDING]


def test_the_docs_show_the_table() -> None:
    assert DOCS.read_text() == page(), "run `make diagram`"
    for state, steps in TABLE.items():
        for event, after in steps.items():
            assert f"    {state.value} --> {after.value}: {event.value}\n" in to_mermaid()
