"""Which outcomes the sender is told of by mail (RFC 3461 section 5.2, RFC 3464), and which never.

    outcome                                  reported as   where NOTIFY has          and
    bounced, expired, suppressed, dead       failed        FAILURE, or is not given
    deferred                                 delayed       DELAY                     the mail is old enough; once
    relayed                                  relayed       SUCCESS                   the next hop does not do it (no DSN)

Nothing is reported to the null reverse-path: no bounce of a bounce. Mail that our own gate rejected is not reported by mail either: who
abuses an account forges the reverse-path, and the report would be spam to a stranger. Its sender sees it in the timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastemailnet.envelope import Recipient, Unit
from fastemailnet.outcome import BounceClass, Kind, Outcome

Status = tuple[int, int, int]
FAILED = frozenset({Kind.BOUNCED, Kind.EXPIRED, Kind.SUPPRESSED, Kind.DEAD})
TOO_OLD: Status = (4, 4, 7)  # delivery time expired (RFC 3463 section 3.5)
_STATUS: dict[BounceClass, tuple[int, int]] = {
    BounceClass.INVALID_RECIPIENT: (1, 1),
    BounceClass.BAD_DOMAIN: (1, 2),
    BounceClass.INACTIVE_MAILBOX: (2, 1),
    BounceClass.QUOTA_ISSUES: (2, 2),
    BounceClass.CONTENT_RELATED: (6, 0),
    BounceClass.ROUTING_ERRORS: (4, 4),
    BounceClass.SPAM_BLOCK: (7, 1),
    BounceClass.SPAM_CONTENT: (7, 1),
    BounceClass.POLICY_RELATED: (7, 1),
}


class Action(StrEnum):
    """The action field of a report (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Told:
    """What the sender is told of one recipient."""

    recipient: Recipient
    action: Action
    outcome: Outcome

    @property
    def status(self) -> Status:
        """The enhanced status code; its class says what the action says, except for mail that was only too old."""
        if self.outcome.kind is Kind.EXPIRED:
            return TOO_OLD
        digit = {Action.FAILED: 5, Action.DELAYED: 4, Action.RELAYED: 2}[self.action]
        found = self.outcome.enhanced
        if found is not None and found[0] == digit:
            return found
        why = self.outcome.bounce_class
        subject, detail = _STATUS.get(why, (0, 0)) if why is not None else (0, 0)
        return digit, subject, detail


def told(
    unit: Unit, outcomes: Sequence[Outcome], *, passes_dsn: bool, now_ms: int, delay_after_ms: int
) -> tuple[Told, ...]:
    """What the sender of a unit is told of these outcomes. ``passes_dsn``: the next hop reports on for itself."""
    if not unit.reverse_path:
        return ()
    age_ms = now_ms - unit.accepted_ms
    is_delay_due = age_ms >= delay_after_ms and (unit.reporting is None or not unit.reporting.delay_told_ms)
    recipients = {recipient.index: recipient for recipient in unit.recipients}
    found = []
    for outcome in outcomes:
        recipient = recipients[outcome.recipient]
        wanted = recipient.notify.split(",") if recipient.notify else ["FAILURE"]
        if outcome.kind in FAILED and "FAILURE" in wanted:
            found.append(Told(recipient, Action.FAILED, outcome))
        elif outcome.kind is Kind.DEFERRED and "DELAY" in wanted and is_delay_due:
            found.append(Told(recipient, Action.DELAYED, outcome))
        elif outcome.kind is Kind.RELAYED and "SUCCESS" in wanted and not passes_dsn:
            found.append(Told(recipient, Action.RELAYED, outcome))
    return tuple(found)
