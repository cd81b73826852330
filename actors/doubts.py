"""What people are told of an attempt in doubt, so that they can decide it: all that the log says of it, and what happens without them.

The id of an attempt in doubt is the journal partition and the position of its INTENT, ``3-1207``. It never names anything else.
"""

from typing import Any

from fastemailnet import ids
from fastemailnet.config import InDoubtSection
from fastemailnet.envelope import Lane, Unit
from fastemailnet.errors import NotFound
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import Intent, Verdict
from fastemailnet.flashsync.lease import Open, Spot

MAX_DIGITS = 18
HOLD = "hold"
ASK_MS = Policy().ask_ms
MAX_DOUBLINGS = 30


def to_id(spot: Spot) -> str:
    """The id of the attempt whose INTENT stands at ``spot``."""
    return f"{spot[0]}-{spot[1]}"


def from_id(text: str) -> Spot:
    """The spot that an id names.

    Raises:
        NotFound: no attempt can have this id.
    """
    partition, _, position = text.partition("-")
    for part in (partition, position):
        if not (part.isascii() and part.isdecimal() and len(part) <= MAX_DIGITS):
            raise NotFound(f"{text[:60]!r} is no id of an attempt (journal partition-position, as in 3-1207)")
    return int(partition), int(position)


def not_in_doubt(text: str) -> NotFound:
    """What is said of an id that names no attempt in doubt now."""
    return NotFound(f"attempt {text} is not in doubt (any more): it was resolved, or a fact came in")


def summary(entry: Open) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": to_id(entry.spot),
        "message": ids.to_text(entry.message),
        "place": str(entry.place),
        "attempt": entry.attempt,
        "recipients": len(entry.kinds),
        "since_ms": entry.doubt_ms,
        "reason": entry.reason,
        "journal": entry.spot[0],
        "intent": entry.spot[1],
    }


def full(entry: Open, intent: Intent, unit: Unit | None, host: str, policy: InDoubtSection) -> dict[str, Any]:
    """Everything that is known. ``unit``: None where its record was not kept; ``host``: "" where no node reported it."""
    node, incarnation = entry.token
    addresses = {recipient.index: recipient.address for recipient in unit.recipients} if unit is not None else {}
    return {
        **summary(entry),
        "sender": unit.reverse_path if unit is not None else None,
        "recipients": [
            {
                "recipient": addresses.get(index, ""),
                "delivery": ids.to_text(ids.delivery_id(entry.message, index)),
                "state": kind.value,
            }
            for index, kind in zip(intent.recipients, entry.kinds, strict=False)
        ],
        "lane": unit.lane.value if unit is not None else None,
        "expires_ms": unit.expires_ms if unit is not None else None,
        "node": f"{node}.{incarnation}",
        "host": host,
        "intent_ms": intent.at_ms,
        "can_ask": entry.asked is not None,
        "next": next_step(
            entry, unit.lane if unit is not None else None, policy, unit.attempt if unit is not None else 1
        ),
    }


def next_step(entry: Open, lane: Lane | None, policy: InDoubtSection, first: int = 1) -> dict[str, Any]:
    """What happens if nobody decides, and when (the coordinator's rule, R6). A held attempt waits for a person, for ever.

    ``first``: the attempt that the unit stood at its place for.
    """
    since_ms = entry.doubt_ms or 0
    wait_ms = policy.retry_delay_s * 1_000
    if entry.asked is not None:
        delay_ms = min(ASK_MS << min(entry.times_asked, MAX_DOUBLINGS), wait_ms)
        return {"verdict": Verdict.ASK.value, "at_ms": since_ms + delay_ms}
    verdict = HOLD if lane is None else str(getattr(policy, lane.value))
    if verdict == HOLD:
        return {"verdict": verdict, "at_ms": None}
    patience_ms = Policy(doubt_ms=wait_ms).patience_ms(Verdict(verdict), entry.attempt - first)
    return {"verdict": verdict, "at_ms": since_ms + patience_ms}
