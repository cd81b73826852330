"""The bounds of the searches: what each one puts together."""

from dataclasses import replace

from fastemailnet.flashsync.frames import Verdict
from fastemailnet.outcome import Kind
from tests.model.world import ORDERED, Bounds

RELAYED = (Kind.RELAYED,)
PLAIN = Bounds(replies=RELAYED)
DOUBT = Bounds(kills=0)
HOLD = Bounds(verdict=None)
EARLY = Bounds(replies=RELAYED, early=(Kind.REJECTED,), verdict=None)
DEFER = Bounds(replies=(Kind.RELAYED, Kind.DEFERRED))
ORPHAN = Bounds(replies=RELAYED, early=(Kind.DEFERRED,), attempts=2, fences=0)
SLOW = Bounds(replies=RELAYED, kills=0, slips=1)
TAKEOVER = Bounds(replies=RELAYED, kills=0, takeovers=1)
CANDIDATES = Bounds(replies=RELAYED, kills=0, fences=0, takeovers=2, headless=True)
RESTART = Bounds(replies=RELAYED, fences=0, joins=1)
ECHO = Bounds(replies=RELAYED, kills=0, echoes=1)
STEAL = Bounds(units=2, lease_units=2, steals=True, replies=RELAYED, kills=0, verdict=None)
ASK = Bounds(remembers=True)
FORGET = Bounds(remembers=True, kills=0, loses=2)
SPLIT = Bounds(replies=RELAYED, splits=True, fences=0)
SETTLE = Bounds(settles=True)
TAG = Bounds(tags=True, attempts=2, kills=0)
REVIEW = Bounds(replies=RELAYED, early=(Kind.HELD,), kills=0, fences=0, takeovers=1, reviews=1)
ORDER = Bounds(units=2, stream=ORDERED, kills=0, replies=(Kind.RELAYED, Kind.IN_DOUBT))

SCENARIOS = {  # the largest first, so that two processes end together
    "stealing, two coordinators": replace(STEAL, fences=0, takeovers=1),
    "two coordinators, kill and suspicion": Bounds(replies=RELAYED, takeovers=1),
    "a name starts anew while its former self lives, kill": RESTART,
    "two candidates for one epoch": CANDIDATES,
    "kill and suspicion, a slow node, reply or none": Bounds(slips=1),
    "held mail, two reviewers, two coordinators": replace(REVIEW, reviews=2),
    "a peer that remembers, two coordinators": replace(ASK, kills=0, fences=0, takeovers=1),
    "a mail that is tagged, kill and suspicion, any reply or none": replace(
        TAG, kills=1, replies=(Kind.RELAYED, Kind.DEFERRED, Kind.IN_DOUBT)
    ),
    "deferral before data, orphans, two retries": replace(ORPHAN, fences=1),
    "stealing, kill and suspicion": replace(STEAL, kills=1),
    "a unit of two destinations, kill and suspicion": replace(SPLIT, fences=1),
    "deferral, two coordinators": Bounds(replies=(Kind.RELAYED, Kind.DEFERRED), kills=0, fences=0, takeovers=1),
    "kill and two suspicions, reply or none": Bounds(fences=2),
    "a recipient is refused, the reply of the other lost": replace(SETTLE, attempts=2),
    "order_key, kill and suspicion": replace(ORDER, kills=1),
    "order_key, doubt held for a person": replace(ORDER, kills=1, fences=0, verdict=None),
    "stealing, reply or none, retry": replace(
        STEAL, fences=0, replies=(Kind.RELAYED, Kind.IN_DOUBT), verdict=Verdict.RETRY
    ),
    "a peer that remembers, kill and suspicion, deferral": replace(ASK, early=(Kind.DEFERRED,), loses=2),
    "deferral by the reply, kill and suspicion": DEFER,
    "held mail, a reviewer, kill and suspicion": replace(REVIEW, takeovers=0, kills=1, fences=1),
    "kill and suspicion, an append lands twice": replace(ECHO, kills=1),
    "doubt held for a person, early rejection": Bounds(verdict=None, early=(Kind.REJECTED,)),
}
SMALL = [
    "doubt held for a person, early rejection",
    "deferral by the reply, kill and suspicion",
    "a peer that remembers, kill and suspicion, deferral",
]
