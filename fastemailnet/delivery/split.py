"""A unit whose recipients are of several destinations becomes one for each, before anything is sent.

A foreign producer's record may name anybody, but an SMTP transaction, a doubt and a retry concern one destination. So the node that
takes it ends it at once: every recipient is deferred, in one copy for each destination, due now. That is no attempt, and the copies
carry the number that the record had. Each lane has a stream of its own for them, so that no backlog takes another lane's place.
"""

import msgspec

from fastemailnet.delivery.retry import Retry
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.outcome import Kind, Outcome

REASON = "split by destination"
SPLITS = {lane: f"defer.now.{lane.value}" for lane in Lane}


def by_destination(unit: Unit, now_ms: int) -> Retry:
    """The copies of a unit, one for each destination domain, in the order of their first recipients."""
    people: dict[str, list[Recipient]] = {}
    for recipient in unit.recipients:
        people.setdefault(recipient.address.rpartition("@")[2], []).append(recipient)
    copies = tuple(
        msgspec.structs.replace(unit, domain=domain, recipients=tuple(recipients))
        for domain, recipients in people.items()
    )
    outcomes = tuple(Outcome(recipient.index, Kind.DEFERRED, REASON) for recipient in unit.recipients)
    return Retry(outcomes, copies, SPLITS[unit.lane], now_ms)
