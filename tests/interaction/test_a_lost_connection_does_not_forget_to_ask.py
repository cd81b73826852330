"""An attempt that asks about an earlier one goes on asking when its connection is lost between the release of its end and the end.

Seen by the simulator (seed 28): its INTENT was taken for an answer of the peer, the copy forgot what was to be asked, and the
next attempt went under a name of its own: a second copy at a peer that remembers.
"""

from fastemailnet.envelope import Asked
from fastemailnet.flashsync import unit as u
from fastemailnet.flashsync.node import Release
from fastemailnet.outcome import Kind


def test_the_copy_carries_on_what_is_to_be_asked() -> None:
    asked = Asked(1, (0,))
    attempt = u.Attempt(number=2, asked=asked)
    attempt.step(u.AskRelease((0,)))
    attempt.step(u.IntentLogged(5, Release.GRANTED))
    assert attempt.step(u.Ended((Kind.DEFERRED,))) == [u.LogCopy(asked)]
