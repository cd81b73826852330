"""A unit is looked at when it is taken; by the time its connection is free, or its end was withheld and may go, it may be too old.

Seen by the simulator once some of its mail lived for seconds only (seed 2): the INTENT stood behind the expiry (I17).
"""

from fastemailnet.flashsync.node import Release
from fastemailnet.flashsync.unit import AskRelease, Attempt, CloseUnended, Ended, IntentLogged, Logged, LogIntent, State
from fastemailnet.outcome import Kind

EXPIRES_MS = 1_000


def test_no_intent_is_asked_for_behind_the_expiry() -> None:
    attempt = Attempt(expires_ms=EXPIRES_MS)
    assert attempt.step(AskRelease(at_ms=EXPIRES_MS)) == [CloseUnended()]
    assert attempt.state is State.LEASED
    assert attempt.step(Ended((Kind.EXPIRED,)))
    assert attempt.state is State.ENDING


def test_an_end_that_was_withheld_is_not_asked_for_again_behind_the_expiry() -> None:
    attempt = Attempt(expires_ms=EXPIRES_MS)
    assert attempt.step(AskRelease(at_ms=EXPIRES_MS - 1)) == [LogIntent()]
    attempt.step(IntentLogged(0, Release.DEADLINE))
    attempt.step(Logged())
    assert attempt.step(AskRelease(at_ms=EXPIRES_MS)) == [CloseUnended()]
