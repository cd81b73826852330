"""What became of a message, for people: the ledger's rows and the open units of the log as one answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastemailnet import ids
from fastemailnet.delivery.review import VERDICT
from fastemailnet.envelope import Unit
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.ledger.fact import LeafType

STATES = {
    LeafType.ACCEPTED: "accepted",
    LeafType.REJECTED: "rejected",
    LeafType.RELAYED: "relayed",
    LeafType.FAILED: "bounced",
    LeafType.DEFERRED: "deferred",
    LeafType.IN_DOUBT: "in_doubt",
    LeafType.RESOLVED: "resolved",
    LeafType.COMPLAINT: "complaint",
}
OWN_ENDS = ("expired", "dead", "suppressed")  # kinds of failure that are no bounce: no peer refused
HELD = "held"  # key in the detail of an acceptance or of what waits: the gate holds the mail, and why
RELEASED = "released"  # a reviewer let it go on
OPEN = "open"  # nothing of its attempt is known yet


def timeline(message: bytes, rows: Sequence[Any], waiting: Iterable[Unit], doubted: set[str]) -> dict[str, Any]:
    """The deliveries of ``message`` with their events, oldest first. Rows are the ledger's, ``doubted`` its ids in doubt."""
    deliveries: dict[int, dict[str, Any]] = {}
    for row in rows:
        entry = deliveries.setdefault(
            row.recipient_index, _entry(message, row.recipient_index, row.recipient, row.tenant)
        )
        state = state_of(row.type, row.detail)
        event = {"state": state, "at_ms": row.at_ms, "attempt": row.attempt, "leaf": row.leaf, **row.detail}
        if row.smtp_code:
            event["code"] = row.smtp_code
            event["enhanced"] = ".".join(map(str, row.enhanced or ()))
        entry["events"].append(event)
        entry["state"] = OPEN if goes_on(row.type, row.detail) else state
    in_doubt = ids.to_text(message) in doubted
    for unit in waiting:
        for recipient in unit.recipients:
            entry = deliveries.setdefault(
                recipient.index, _entry(message, recipient.index, recipient.address, unit.tenant)
            )
            if entry["state"] in ("accepted", OPEN):
                entry["state"] = "in_doubt" if in_doubt else OPEN
                entry["events"] = entry["events"] or [
                    {"state": "accepted", "at_ms": unit.accepted_ms, "attempt": unit.attempt}
                ]
    return {"id": ids.to_text(message), "deliveries": [deliveries[index] for index in sorted(deliveries)]}


def state_of(kind: LeafType, detail: Mapping[str, Any]) -> str:
    """The state of a delivery that a fact tells."""
    if kind in (LeafType.ACCEPTED, LeafType.DEFERRED) and HELD in detail:
        return HELD
    if kind is LeafType.RESOLVED and detail.get(VERDICT) == Verdict.RELEASE:
        return RELEASED
    if kind is LeafType.DSN:
        return f"dsn-{detail.get('action')}"
    end = detail.get("kind")
    return str(end) if end in OWN_ENDS else STATES[kind]


def goes_on(kind: LeafType, detail: Mapping[str, Any]) -> bool:
    """Whether a fact is the verdict about a doubt by which the mail is tried again."""
    return kind is LeafType.RESOLVED and detail.get(VERDICT) in (Verdict.RETRY, Verdict.ASK)


def _entry(message: bytes, index: int, recipient: str, tenant: str) -> dict[str, Any]:
    delivery = ids.to_text(ids.delivery_id(message, index))
    return {"delivery": delivery, "recipient": recipient, "tenant": tenant, "state": "accepted", "events": []}
