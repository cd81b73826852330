"""What the spam gate does with a score, by tenant and lane; and when a mail may say of itself that it is suspicious.

    probability of spam or phish    accept    tag         throttle     hold        reject
    below both thresholds           send      send        send         send        send
    hold_threshold or more          send      tag         throttle     hold        reject
    reject_threshold or more        send      reject      reject       reject      reject

**Tag.** Every attempt of a unit must transmit the same octets, for a peer may remember a transaction and go on in the middle of it
(RFC 1845), and a score may be missing in one attempt and not in another. So the attempt that finds a mail suspicious does not
transmit it. It ends, put off until now, with a copy that has the *suspicion*, scores and threshold; every attempt of that copy writes
the header fields from these, whatever the gate says by then, and asks no classifier. What was tried before it was found suspicious
went without fields, and goes on without.

    untried ──tag──▶ marked: a copy due now ──▶ tagged, in every attempt
    tried   ──tag──▶ plain, as it went before

**Throttle.** What is suspicious takes its turn at a door of its tenant (``throttle_of``) before it comes to that of its site: a door
like any other, with a pace that is the whole fleet's. It transmits what any mail does, so it is not marked first; its copies have the
suspicion all the same, so that they are known at the next attempt before anybody looks into them.

A suspicion is judged anew at each attempt, by its scores: who makes a gate stricter means what waits as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, assert_never

import msgspec

from fastemailnet.delivery.retry import Retry
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.split import SPLITS
from fastemailnet.delivery.terms import UNLIMITED, Ceilings, Terms
from fastemailnet.delivery.throttle import Pace
from fastemailnet.envelope import Lane, Suspicion, Unit
from fastemailnet.outcome import Kind, Outcome

NEVER_REJECT: Final = 2.0  # above any probability


class Action(StrEnum):
    """What becomes of suspicious mail, as the settings have it."""

    ACCEPT = "accept"
    TAG = "tag"
    THROTTLE = "throttle"
    HOLD = "hold"
    REJECT = "reject"


class Ruling(Enum):
    """What the gate says about a mail."""

    SEND = "send"
    TAG = "tag"
    THROTTLE = "throttle"
    HOLD = "hold"
    REJECT = "reject"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Bar:
    """For one tenant and lane: from which probability of spam or phish on what becomes of mail."""

    hold: float  # it is suspicious
    reject: float = NEVER_REJECT
    action: Action = Action.HOLD

    def rule(self, bad: float) -> Ruling:
        """The first table above."""
        if bad < self.hold and bad < self.reject:
            return Ruling.SEND
        match self.action:
            case Action.ACCEPT:
                return Ruling.SEND
            case Action.TAG | Action.THROTTLE | Action.HOLD:
                return Ruling.REJECT if bad >= self.reject else Ruling(self.action.value)
            case Action.REJECT:
                return Ruling.REJECT
            case _ as never:
                assert_never(never)


@dataclass(frozen=True, slots=True)
class Gate:
    """A bar for each lane, and how fast a tenant's throttled mail goes. ``tenants``: the gates of those that have their own."""

    bars: Mapping[Lane, Bar]
    throttle: Rate
    tenants: Mapping[str, "Gate"] = field(default_factory=dict)

    def of(self, tenant: str) -> "Gate":
        """The gate for a tenant's mail."""
        return self.tenants.get(tenant, self)


def throttle_of(tenant: str, rate: Rate) -> Terms:
    """The door that a tenant's throttled mail goes through. Evenly: a burst would be what a throttle is there to prevent."""
    name = f"throttle of {tenant}" if tenant else "throttle"  # with a space, as no site's has
    return Terms(name, Ceilings(UNLIMITED, Pace(rate.per_s, float(rate.max_burst or 1))))


class Way(Enum):
    """How a mail that the gate does not stop goes on."""

    PLAIN = "as it is"
    MARKED = "as a copy that is tagged"
    TAGGED = "with header fields"


class Tags:
    """When a mail is tagged: the second table above."""

    def way(self, ruling: Ruling, suspicion: Suspicion | None, tries: int) -> Way:
        """``suspicion``: as the unit has it; ``tries``: attempts before this one that may have transmitted something."""
        if suspicion is not None and suspicion.tagged_at is not None:
            return Way.TAGGED
        return Way.MARKED if ruling is Ruling.TAG and not tries else Way.PLAIN


def tries_before(attempt: int, put_off: int) -> int:
    """The attempts before number ``attempt`` that were ones: so many of them were put off."""
    return attempt - 1 - put_off


def marked(unit: Unit, attempt: int, suspicion: Suspicion, reason: str, now_ms: int) -> Retry:
    """How attempt number ``attempt`` ends that did not transmit: every recipient in a copy with the suspicion, due now.

    Under the next number, for a peer may remember a transaction of this one that broke off in the middle.
    """
    changed = {"attempt": attempt + 1, "put_off": unit.put_off + 1, "turn_ms": 0, "suspicion": suspicion}
    outcomes = tuple(Outcome(recipient.index, Kind.DEFERRED, reason) for recipient in unit.recipients)
    return Retry(outcomes, (msgspec.structs.replace(unit, **changed),), SPLITS[unit.lane], now_ms)
