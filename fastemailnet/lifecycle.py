"""The life cycle of a unit on a node, as one table. An illegal step raises and changes nothing.

The diagram in the docs is drawn from this table.

    idle ─▶ pending processing ─▶ processing ─▶ validated ─▶ delivery scheduled ─▶ sending ─▶ email sent

Every other way to leave is an end (``bounced`` …), a wait (``deferred`` …), or the return of the unit to the fleet.
"""

from enum import StrEnum

from fastemailnet.errors import IllegalTransition
from fastemailnet.outcome import Kind


class State(StrEnum):
    """Where a unit is."""

    IDLE = "idle"
    PENDING_PROCESSING = "pending_processing"
    PROCESSING = "processing"
    VALIDATED = "validated"
    DELIVERY_SCHEDULED = "delivery_scheduled"
    SENDING = "sending"
    EMAIL_SENT = "email_sent"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    REJECTED = "rejected"
    SUPPRESSED = "suppressed"
    DEAD = "dead"
    DEFERRED = "deferred"
    HELD = "held"
    IN_DOUBT = "in_doubt"


class Event(StrEnum):
    """What moves a unit."""

    ARRIVED = "email arrives"
    STARTED = "start processing"
    VALID = "email validated"
    SCHEDULED = "schedule delivery"
    END_ALLOWED = "end of data allowed"
    RELAYED = "deliver email"
    BOUNCED = "refused for good"
    EXPIRED = "too old"
    REJECTED = "spam or invalid"
    SUPPRESSED = "suppressed recipient"
    POISON = "poison"
    DEFERRED = "try again later"
    HELD = "held for review"
    NO_REPLY = "no reply to the end"
    RETURNED = "right lost"
    COMPLETED = "process completed"


TERMINAL = frozenset({State.EMAIL_SENT, State.BOUNCED, State.EXPIRED, State.REJECTED, State.SUPPRESSED, State.DEAD})
WAITING = frozenset({State.DEFERRED, State.HELD, State.IN_DOUBT})

_ENDS = {
    Event.BOUNCED: State.BOUNCED,
    Event.EXPIRED: State.EXPIRED,
    Event.REJECTED: State.REJECTED,
    Event.SUPPRESSED: State.SUPPRESSED,
    Event.POISON: State.DEAD,
    Event.HELD: State.HELD,
    Event.DEFERRED: State.DEFERRED,
    Event.RETURNED: State.IDLE,
}


def _with_ends(steps: dict[Event, State], *ends: Event) -> dict[Event, State]:
    return steps | {event: _ENDS[event] for event in ends}


TABLE: dict[State, dict[Event, State]] = {
    State.IDLE: {Event.ARRIVED: State.PENDING_PROCESSING},
    State.PENDING_PROCESSING: _with_ends({Event.STARTED: State.PROCESSING}, Event.EXPIRED, Event.RETURNED),
    State.PROCESSING: _with_ends(
        {Event.VALID: State.VALIDATED},
        Event.EXPIRED,
        Event.REJECTED,
        Event.SUPPRESSED,
        Event.POISON,
        Event.HELD,
        Event.DEFERRED,  # split by destination, or its body cannot be read now
        Event.RETURNED,
    ),
    State.VALIDATED: _with_ends({Event.SCHEDULED: State.DELIVERY_SCHEDULED}, Event.EXPIRED, Event.RETURNED),
    State.DELIVERY_SCHEDULED: _with_ends(
        {Event.END_ALLOWED: State.SENDING},
        Event.BOUNCED,
        Event.EXPIRED,
        Event.SUPPRESSED,
        Event.DEFERRED,
        Event.RETURNED,
    ),
    State.SENDING: _with_ends(
        {
            Event.RELAYED: State.EMAIL_SENT,
            Event.NO_REPLY: State.IN_DOUBT,
        },
        Event.BOUNCED,
        Event.DEFERRED,
        Event.EXPIRED,  # a 4xx after the end, and the next try would come too late
    ),
} | {state: {Event.COMPLETED: State.IDLE} for state in sorted(TERMINAL | WAITING)}

OUTCOME_EVENTS = {
    Kind.RELAYED: Event.RELAYED,
    Kind.BOUNCED: Event.BOUNCED,
    Kind.EXPIRED: Event.EXPIRED,
    Kind.REJECTED: Event.REJECTED,
    Kind.SUPPRESSED: Event.SUPPRESSED,
    Kind.DEAD: Event.POISON,
    Kind.DEFERRED: Event.DEFERRED,
    Kind.HELD: Event.HELD,
    Kind.IN_DOUBT: Event.NO_REPLY,
}
"""How the outcome that a unit is shown by moves it."""


def step(state: State, event: Event) -> State:
    """The state after ``event``.

    Raises:
        IllegalTransition: the table has no such step.
    """
    after = TABLE[state].get(event)
    if after is None:
        raise IllegalTransition("life cycle", state.value, event.value)
    return after


def to_mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> idle"]
    for state, steps in TABLE.items():
        lines += [f"    {state.value} --> {after.value}: {event.value}" for event, after in steps.items()]
    return "\n".join(lines) + "\n"
