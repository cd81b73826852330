"""When a deferred delivery is tried again: tiers of constant delay, so that the head of each tier is always its earliest due.

1 min, 5 min, 20 min, 1 h, 3 h, then every 8 h until the unit expires (5 days; transactional mail 6 h).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from fastemailnet.envelope import Unit
from fastemailnet.outcome import Kind, Outcome

TIERS = (
    ("defer.1m", 60_000),
    ("defer.5m", 300_000),
    ("defer.20m", 1_200_000),
    ("defer.1h", 3_600_000),
    ("defer.3h", 10_800_000),
    ("defer.8h", 28_800_000),
)


@dataclass(frozen=True, slots=True)
class Retry:
    """What follows an attempt. ``copies`` are for those to be tried again: one, or one for each destination of a unit that is split."""

    outcomes: tuple[Outcome, ...]
    copies: tuple[Unit, ...]
    tier: str
    due_ms: int


def next_try(
    unit: Unit,
    attempt: int,
    outcomes: Sequence[Outcome],
    now_ms: int,
    tiers: Sequence[tuple[str, int]] | None = None,
) -> Retry:
    """Decide about the deferred recipients of attempt number ``attempt``; the others keep their outcomes.

    A recipient whose next try would come after the unit's expiry expires now. An attempt in doubt is not copied: it waits as a whole.
    """
    tiers = tiers or TIERS
    tier, delay_ms = tiers[min(attempt, len(tiers)) - 1]
    due_ms = now_ms + delay_ms
    waiting = {outcome.recipient for outcome in outcomes if outcome.kind is Kind.DEFERRED}
    if not waiting or any(outcome.kind is Kind.IN_DOUBT for outcome in outcomes):
        return Retry(tuple(outcomes), (), tier, due_ms)
    if due_ms >= unit.expires_ms:
        return Retry(tuple(_expired(outcome) for outcome in outcomes), (), tier, due_ms)
    recipients = tuple(recipient for recipient in unit.recipients if recipient.index in waiting)
    copy = msgspec.structs.replace(unit, recipients=recipients, attempt=attempt + 1)
    return Retry(tuple(outcomes), (copy,), tier, due_ms)


def _expired(outcome: Outcome) -> Outcome:
    if outcome.kind is not Kind.DEFERRED:
        return outcome
    return Outcome(
        outcome.recipient, Kind.EXPIRED, f"expires before the next try; last: {outcome.reason}", outcome.reply
    )
