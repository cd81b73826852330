"""When a deferred delivery is tried again: tiers of constant delay, so that the head of each tier is always its earliest due.

1 min, 5 min, 20 min, 1 h, 3 h, then every 8 h until the unit expires (5 days; transactional mail 6 h). Why the delivery waits sets the
tier below which none begins: who greylists wants to be asked again soon, who blocks us or has a full mailbox will not have changed
his mind in a minute, and asking counts against us. The recipients of a unit share one copy, so the most hopeful of them decides.

A unit whose turn at its site is far off is put off (``waiting``): it waits in the tier nearest to its turn, and that was no attempt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from fastemailnet.delivery.waiting import PutOff
from fastemailnet.envelope import Unit
from fastemailnet.outcome import BounceClass, Kind, Outcome

TIERS = (
    ("defer.1m", 60_000),
    ("defer.5m", 300_000),
    ("defer.20m", 1_200_000),
    ("defer.1h", 3_600_000),
    ("defer.3h", 10_800_000),
    ("defer.8h", 28_800_000),
)
TURN = ("defer.turn", 15_000)  # of what is put off and has its turn soon: nothing else waits in it
STREAMS = (TURN[0], *(name for name, _ in TIERS))  # that copies wait in
BLOCKS = (
    BounceClass.SPAM_BLOCK,
    BounceClass.SPAM_CONTENT,
    BounceClass.POLICY_RELATED,
    BounceClass.AUTHENTICATION_FAILED,
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The tiers in use, in order of delay, and the stream of the first one for the classes that do not begin at the first of all."""

    tiers: Sequence[tuple[str, int]] = TIERS  # of retries
    starts: Mapping[BounceClass, str] = field(default_factory=dict)

    def after(self, attempt: int, classes: Sequence[BounceClass | None]) -> tuple[str, int]:
        """Stream and delay (milliseconds) of the try that follows attempt number ``attempt``, for recipients of these classes."""
        first = min((self._start(bounce_class) for bounce_class in classes), default=0)
        return self.tiers[min(max(attempt - 1, first), len(self.tiers) - 1)]

    @property
    def delays_s(self) -> tuple[float, ...]:
        """By which mail may be put off."""
        return tuple(sorted(delay_ms / 1_000 for _, delay_ms in (TURN, *self.tiers)))

    def within(self, put_off: PutOff) -> tuple[str, int]:
        """The longest tier that is no longer than the delay."""
        fit = [tier for tier in self.tiers if tier[1] <= put_off.delay_s * 1_000]
        return max((TURN, *fit), key=lambda tier: tier[1])

    def _start(self, bounce_class: BounceClass | None) -> int:
        wanted = self.starts.get(bounce_class) if bounce_class is not None else None
        names = [name for name, _ in TIERS]
        used = [name for name, _ in self.tiers]
        if wanted is None:
            return 0
        # A tier that is not in use gives way to the next longer one.
        return sum(1 for name in used if names.index(name) < names.index(wanted))


def schedule(names: Sequence[str], *, greylisting: str, rate: str, block: str, quota: str) -> Schedule:
    """The schedule of these tiers ("1m", "1h" ...), each class beginning at the tier that is named for it."""
    used = tuple(tier for tier in TIERS if tier[0].removeprefix("defer.") in names)
    starts = {
        BounceClass.GREYLISTING: greylisting,
        BounceClass.RATE_LIMITED: rate,
        BounceClass.QUOTA_ISSUES: quota,
        **dict.fromkeys(BLOCKS, block),
    }
    return Schedule(used, {bounce_class: f"defer.{name}" for bounce_class, name in starts.items()})


DEFAULT = schedule(
    [name.removeprefix("defer.") for name, _ in TIERS], greylisting="1m", rate="5m", block="1h", quota="1h"
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
    by: Schedule = DEFAULT,
    put_off: PutOff | None = None,
) -> Retry:
    """Decide about the deferred recipients of attempt number ``attempt``; the others keep their outcomes.

    ``put_off``: nothing was tried, for their turn is far off.

    A recipient whose next try would come after the unit's expiry expires now. An attempt in doubt is not copied: it waits as a whole.
    """
    waiting = {outcome.recipient: outcome.bounce_class for outcome in outcomes if outcome.kind is Kind.DEFERRED}
    tried = attempt - unit.put_off
    tier, delay_ms = by.within(put_off) if put_off is not None else by.after(tried, list(waiting.values()))
    due_ms = now_ms + delay_ms
    if not waiting or any(outcome.kind is Kind.IN_DOUBT for outcome in outcomes):
        return Retry(tuple(outcomes), (), tier, due_ms)
    if due_ms >= unit.expires_ms:
        return Retry(tuple(_expired(outcome) for outcome in outcomes), (), tier, due_ms)
    recipients = tuple(recipient for recipient in unit.recipients if recipient.index in waiting)
    times, turn_ms = unit.put_off, 0
    if put_off is not None:
        times, turn_ms = times + 1, now_ms + round(put_off.turn_s * 1_000)
    copy = msgspec.structs.replace(unit, recipients=recipients, attempt=attempt + 1, put_off=times, turn_ms=turn_ms)
    return Retry(tuple(outcomes), (copy,), tier, due_ms)


def _expired(outcome: Outcome) -> Outcome:
    if outcome.kind is not Kind.DEFERRED:
        return outcome
    reason = f"expires before the next try; last: {outcome.reason}"
    return msgspec.structs.replace(outcome, kind=Kind.EXPIRED, reason=reason)
