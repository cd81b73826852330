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


class BounceClass(StrEnum):
    """Why a delivery failed or waits: what the words and codes of a reply come to. KumoMTA's names, and two more of ours."""

    INVALID_RECIPIENT = "InvalidRecipient"  # no such mailbox
    INACTIVE_MAILBOX = "InactiveMailbox"  # it was one; disabled, suspended, closed
    BAD_DOMAIN = "BadDomain"  # the recipient's domain does not exist or takes no mail
    INVALID_SENDER = "InvalidSender"  # the reverse-path is refused as such
    QUOTA_ISSUES = "QuotaIssues"  # the mailbox is full
    RATE_LIMITED = "RateLimited"  # ours: too many messages or connections from us, or for them
    GREYLISTING = "Greylisting"  # ours: strangers are asked to come again
    SPAM_BLOCK = "SpamBlock"  # we are refused as a source: address, network, reputation
    SPAM_CONTENT = "SpamContent"  # the message is refused as spam
    VIRUS_RELATED = "VirusRelated"
    POLICY_RELATED = "PolicyRelated"
    AUTHENTICATION_FAILED = "AuthenticationFailed"  # of the message: SPF, DKIM, DMARC
    BAD_CONFIGURATION = "BadConfiguration"  # of our own: AUTH or TLS that the next hop asks of us
    RELAY_DENIED = "RelayDenied"
    CONTENT_RELATED = "ContentRelated"  # size, form, encoding
    TOO_MANY_RECIPIENTS = "TooManyRecipients"
    PROTOCOL_ERRORS = "ProtocolErrors"
    DNS_FAILURE = "DNSFailure"
    ROUTING_ERRORS = "RoutingErrors"
    NO_ANSWER_FROM_HOST = "NoAnswerFromHost"
    BAD_CONNECTION = "BadConnection"
    MESSAGE_EXPIRED = "MessageExpired"
    TRANSIENT_FAILURE = "TransientFailure"
    UNCATEGORIZED = "Uncategorized"


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
    bounce_class: BounceClass | None = None  # of what failed or waits
    status: tuple[int, int, int] | None = None  # RFC 3463, where it was we who found out and no reply says it

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced status code: the peer's, or our own."""
        return self.status if self.reply is None else self.reply.enhanced
