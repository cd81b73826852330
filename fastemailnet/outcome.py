"""What became of a delivery: values, never exceptions. One recipient, one outcome."""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """Classes of a delivery. ``FINAL`` ones end it; the others wait for time, a person or a fact."""

    RELAYED = "relayed"  # a 2xx after the end of data from the next hop
    BOUNCED = "bounced"  # refused for good by the next hop or by routing
    EXPIRED = "expired"
    REJECTED = "rejected"  # refused by us: spam policy or invalid
    SUPPRESSED = "suppressed"
    DEAD = "dead"
    DEFERRED = "deferred"
    HELD = "held"
    IN_DOUBT = "in_doubt"


FINAL = frozenset({Kind.RELAYED, Kind.BOUNCED, Kind.EXPIRED, Kind.REJECTED, Kind.SUPPRESSED, Kind.DEAD})


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """An SMTP reply as received (RFC 5321 section 4.2)."""

    code: int
    enhanced: tuple[int, int, int] | None  # RFC 3463; None where the peer sent none
    text: str  # the lines without codes, joined by "\n", undecodable octets replaced


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """The end of one attempt for one recipient."""

    recipient: int  # Recipient.index
    kind: Kind
    reason: str  # one line for people: what happened and where
    reply: Reply | None = None
