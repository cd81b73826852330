"""Whom we do not write to any more: the list, what puts somebody on it, and for which mail it counts.

The stream ``suppression`` is the list's home: SUPPRESS and LIFT records, in order. Whoever needs the list folds them (``Book``). The
ledger process appends what follows from facts (a hard bounce, a complaint, a report that came back), the gateway what a person says;
the log makes one order of it. The ledger may say the same twice after a crash, so a record is worth what its time says, not where it
stands: what is older than a LIFT of the same key stays lifted, and repeating a record changes nothing.

A key is an address (compared without regard to case, as the world has it) with a tenant and a lane, either of which may be "": all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from fastemailnet.ledger.fact import Fact, Flag, LeafType
from fastemailnet.outcome import BounceClass, Kind
from fastemailnet.wire import Decoder

STREAM = "suppression"
DAY_MS = 86_400_000
FOR_GOOD = 2**53 - 1  # milliseconds; every reader of JSON can hold it
HARD = frozenset({BounceClass.INVALID_RECIPIENT, BounceClass.INACTIVE_MAILBOX, BounceClass.BAD_DOMAIN})
CLASS, LANE, KIND, ACTION = "class", "lane", "kind", "action"  # keys of a fact's detail

Key = tuple[str, str, str]  # address in lower case, tenant, lane


class Origin(StrEnum):
    """Why somebody is on the list."""

    HARD_BOUNCE = "hard-bounce"
    COMPLAINT = "complaint"
    PERSON = "person"
    UNSUBSCRIBE = "unsubscribe"  # the recipient, by one click (RFC 8058)


class Reach(StrEnum):
    """For which mail an automatic entry counts."""

    GLOBAL = "global"
    TENANT = "tenant"
    LANE = "lane"  # of the tenant


class Suppress(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """Do not write to this address."""

    address: str  # in lower case
    tenant: str  # "": whoever sends
    lane: str  # "": in whatever lane
    at_ms: int  # when the reason came up
    until_ms: int
    origin: Origin
    reason: str

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.address, self.tenant, self.lane


class Lift(msgspec.Struct, frozen=True, array_like=True, tag="L"):
    """Write to this address again."""

    address: str
    tenant: str
    lane: str
    at_ms: int
    reason: str

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.address, self.tenant, self.lane


Change = Suppress | Lift
_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Change](Change)


def encode_change(change: Change) -> bytes:
    """A change as a record."""
    return _encoder.encode(change)


def decode_change(record: bytes) -> Change:
    """The change in a record. Raises msgspec.MsgspecError where it is none."""
    return _decoder.decode(record)


class Book:
    """The list as of the records read so far. About 400 octets an entry."""

    def __init__(self) -> None:
        self.entries: dict[Key, Suppress] = {}
        self.lifted: dict[Key, int] = {}

    def apply(self, change: Change) -> None:
        """One record more."""
        match change:
            case Lift():
                self.lifted[change.key] = max(change.at_ms, self.lifted.get(change.key, 0))
                held = self.entries.get(change.key)
                if held is not None and held.at_ms <= change.at_ms:
                    del self.entries[change.key]
            case Suppress() if change.at_ms > self.lifted.get(change.key, -1):
                held = self.entries.get(change.key)
                if held is None or held.until_ms < change.until_ms:  # a hard bounce does not shorten a complaint
                    self.entries[change.key] = change
            case Suppress():
                pass  # lifted since

    def find(self, address: str, tenant: str, lane: str, now_ms: int) -> Suppress | None:
        """What stops mail of this tenant and lane to this address now."""
        address = address.lower()
        for key in ((address, "", ""), (address, tenant, ""), (address, "", lane), (address, tenant, lane)):
            entry = self.entries.get(key)
            if entry is not None and entry.until_ms > now_ms:
                return entry
        return None

    def listed(self, now_ms: int, after: str = "") -> Iterator[Suppress]:
        """The entries that count now, by address; those behind the address ``after``."""
        keys: Iterable[Key] = sorted(key for key in self.entries if key[0] > after)
        return (self.entries[key] for key in keys if self.entries[key].until_ms > now_ms)


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of facts: for how long and for which mail they count."""

    hard_bounce_ms: int = 30 * DAY_MS
    hard_bounce_reach: Reach = Reach.GLOBAL
    complaint_reach: Reach = Reach.TENANT


def by_fact(fact: Fact, policy: Policy) -> Suppress | None:
    """The entry that follows from a fact, if any. What the sandbox says is about nobody."""
    if fact.flags & Flag.SANDBOX:
        return None
    if fact.type is LeafType.COMPLAINT:
        return _entry(fact, policy.complaint_reach, FOR_GOOD, Origin.COMPLAINT, "complaint")
    is_final = fact.detail.get(KIND) == Kind.BOUNCED.value or fact.detail.get(ACTION) == "failed"
    bounce_class = str(fact.detail.get(CLASS, ""))
    if fact.type not in (LeafType.FAILED, LeafType.DSN) or not is_final or bounce_class not in HARD:
        return None
    if not policy.hard_bounce_ms:
        return None
    said = f"{fact.smtp_code or ''} {fact.detail.get('reply') or fact.detail.get('reason') or ''}".strip()
    return _entry(
        fact,
        policy.hard_bounce_reach,
        fact.at_ms + policy.hard_bounce_ms,
        Origin.HARD_BOUNCE,
        f"{bounce_class}: {said}",
    )


def _entry(fact: Fact, reach: Reach, until_ms: int, origin: Origin, reason: str) -> Suppress:
    tenant = "" if reach is Reach.GLOBAL else fact.tenant
    lane = str(fact.detail.get(LANE, "")) if reach is Reach.LANE else ""
    return Suppress(fact.recipient.lower(), tenant, lane, fact.at_ms, until_ms, origin, " ".join(reason.split())[:400])
