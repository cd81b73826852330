"""When a client tries again."""

import pytest

from fastemailnet.errors import FastEmailNetError, FleetError, LogError, MessageError, RateExceeded
from fastemailnet.web.tries import LONGEST_S, TRIES, Tries

SOON, LATE = (RateExceeded("acme", "60/m", seconds) for seconds in (3, LONGEST_S + 1))
WRONG = MessageError("no recipient", "envelope")


def pauses(*errors: FastEmailNetError) -> list[float]:
    """What a call waits that ends so each time."""
    tries, found = Tries(), []
    while (pause_s := tries.pause_s(*errors)) is not None:
        found.append(pause_s)
    return found


def test_what_may_help_is_tried_six_times_with_longer_and_longer_pauses() -> None:
    assert pauses(FleetError("away")) == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert len(pauses(LogError("full"))) == TRIES - 1


@pytest.mark.parametrize("errors", [(WRONG,), (LATE,), (WRONG, LATE), ()])
def test_what_does_not_help_is_not_tried_again(errors: tuple[FastEmailNetError, ...]) -> None:
    assert pauses(*errors) == []


def test_the_gateway_is_not_asked_before_it_said() -> None:
    assert pauses(SOON) == [3.0] * (TRIES - 1)
    assert pauses(WRONG, LATE, SOON) == [3.0] * (TRIES - 1)  # of a batch, the soonest
    assert pauses(SOON, FleetError("away"))[0] == 0.1
