import pytest

from fastemailnet.delivery.retry import DEFAULT, TIERS, next_try, schedule
from fastemailnet.delivery.route import Route, RouteKind, Target
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.outcome import BounceClass, Kind, Outcome, Reply

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
BUSY = Reply(450, (4, 2, 0), "later")


def unit(expires_ms: int = NOW_MS + 5 * DAY_MS) -> Unit:
    recipients = tuple(Recipient(f"r{i}@b.org", i) for i in range(3))
    return Unit(bytes(16), Lane.STANDARD, "t", NOW_MS, expires_ms, "a@b.org", recipients, "b.org", False, b"x\r\n")


def outcomes(*kinds: Kind) -> list[Outcome]:
    return [Outcome(i, kind, "reply to RCPT", BUSY) for i, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("attempt", "tier", "minutes"),
    [(1, "defer.1m", 1), (2, "defer.5m", 5), (3, "defer.20m", 20), (4, "defer.1h", 60), (5, "defer.3h", 180)]
    + [(attempt, "defer.8h", 480) for attempt in (6, 7, 19)],
)
def test_each_attempt_waits_longer_up_to_eight_hours(attempt: int, tier: str, minutes: int) -> None:
    retry = next_try(unit(), attempt, outcomes(Kind.DEFERRED), NOW_MS)
    assert (retry.tier, retry.due_ms) == (tier, NOW_MS + minutes * 60_000)


def why(*classes: BounceClass | None) -> list[Outcome]:
    return [Outcome(i, Kind.DEFERRED, "", BUSY, bounce_class) for i, bounce_class in enumerate(classes)]


@pytest.mark.parametrize(
    ("bounce_class", "attempt", "tier"),
    [
        (BounceClass.GREYLISTING, 1, "defer.1m"),
        (BounceClass.RATE_LIMITED, 1, "defer.5m"),
        (BounceClass.SPAM_BLOCK, 1, "defer.1h"),
        (BounceClass.SPAM_BLOCK, 4, "defer.1h"),
        (BounceClass.SPAM_BLOCK, 5, "defer.3h"),
        (BounceClass.QUOTA_ISSUES, 2, "defer.1h"),
        (BounceClass.QUOTA_ISSUES, 30, "defer.8h"),
        (BounceClass.TRANSIENT_FAILURE, 3, "defer.20m"),
        (None, 1, "defer.1m"),
    ],
)
def test_why_it_waits_decides_where_it_begins(bounce_class: BounceClass | None, attempt: int, tier: str) -> None:
    assert next_try(unit(), attempt, why(bounce_class), NOW_MS).tier == tier


def test_the_most_hopeful_recipient_of_a_copy_decides() -> None:
    assert next_try(unit(), 1, why(BounceClass.QUOTA_ISSUES, BounceClass.GREYLISTING), NOW_MS).tier == "defer.1m"
    others = [*why(BounceClass.QUOTA_ISSUES), Outcome(1, Kind.BOUNCED, "", None, BounceClass.INVALID_RECIPIENT)]
    assert next_try(unit(), 1, others, NOW_MS).tier == "defer.1h"


def test_a_start_that_is_not_in_use_gives_way_to_the_next_longer_one() -> None:
    by = schedule(["8h", "5m"], greylisting="1m", rate="1m", block="1h", quota="5m")
    assert [name for name, _ in by.tiers] == ["defer.5m", "defer.8h"]
    tiers = [next_try(unit(), 1, why(c), NOW_MS, by).tier for c in (BounceClass.GREYLISTING, BounceClass.SPAM_BLOCK)]
    assert tiers == ["defer.5m", "defer.8h"]
    assert next_try(unit(), 1, why(BounceClass.QUOTA_ISSUES), NOW_MS, by).tier == "defer.5m"
    beyond = schedule(["1m"], greylisting="8h", rate="8h", block="8h", quota="8h")
    assert next_try(unit(), 1, why(BounceClass.GREYLISTING), NOW_MS, beyond).tier == "defer.1m"
    assert DEFAULT.tiers == TIERS


def test_the_copy_is_for_those_who_wait_only() -> None:
    given = outcomes(Kind.DEFERRED, Kind.RELAYED, Kind.BOUNCED)
    retry = next_try(unit(), 4, given, NOW_MS)
    (copy,) = retry.copies
    assert [recipient.index for recipient in copy.recipients] == [0]
    assert (copy.attempt, copy.body, copy.source) == (5, b"x\r\n", None)
    assert list(retry.outcomes) == given


def test_nothing_is_copied_where_nobody_waits_or_the_attempt_is_in_doubt() -> None:
    assert next_try(unit(), 1, outcomes(Kind.RELAYED, Kind.BOUNCED, Kind.BOUNCED), NOW_MS).copies == ()
    assert next_try(unit(), 1, outcomes(Kind.IN_DOUBT, Kind.DEFERRED, Kind.IN_DOUBT), NOW_MS).copies == ()


def test_who_would_come_too_late_expires_now_and_keeps_the_reason() -> None:
    retry = next_try(unit(NOW_MS + 60_000), 1, outcomes(Kind.DEFERRED, Kind.RELAYED, Kind.DEFERRED), NOW_MS)
    assert retry.copies == ()
    assert [outcome.kind for outcome in retry.outcomes] == [Kind.EXPIRED, Kind.RELAYED, Kind.EXPIRED]
    assert "reply to RCPT" in retry.outcomes[0].reason
    assert retry.outcomes[0].reply == BUSY
    assert next_try(unit(NOW_MS + 60_001), 1, outcomes(Kind.DEFERRED), NOW_MS).copies


def test_five_days_are_nineteen_retries() -> None:
    now_ms, attempt = NOW_MS, 1
    while (retry := next_try(unit(), attempt, outcomes(Kind.DEFERRED), now_ms)).copies:
        now_ms, attempt = retry.due_ms, attempt + 1
    assert attempt - 1 == 19
    assert len(TIERS) == 6


def test_a_route_knows_its_target_unless_the_domain_decides() -> None:
    assert Route(RouteKind.SMARTHOST, "relay", 587).fixed_target() == Target("relay", 587)
    assert Route(RouteKind.SANDBOX, "127.0.0.1", 2526).is_sandbox
    assert Route(RouteKind.MX).fixed_target() is None
