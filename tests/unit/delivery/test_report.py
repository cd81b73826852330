import pytest

from fastemailnet.delivery.report import Action, told
from fastemailnet.envelope import Lane, Recipient, Reporting, Unit
from fastemailnet.outcome import BounceClass, Kind, Outcome, Reply

HOUR_MS = 3_600_000


def unit(notify: str = "", sender: str = "a@b.org", reporting: Reporting | None = None) -> Unit:
    people = (Recipient("eva@c.org", 0, notify), Recipient("adam@c.org", 3, "NEVER"))
    return Unit(bytes(16), Lane.BULK, "t", 0, 10**9, sender, people, "c.org", False, b"x\r\n", reporting=reporting)


def actions(of: Unit, kind: Kind, passes_dsn: bool = False, now_ms: int = 5 * HOUR_MS) -> list[Action]:
    outcomes = [Outcome(0, kind, ""), Outcome(3, kind, "")]
    found = told(of, outcomes, passes_dsn=passes_dsn, now_ms=now_ms, delay_after_ms=4 * HOUR_MS)
    assert all(one.recipient.index == 0 for one in found), "NEVER means never"
    return [one.action for one in found]


@pytest.mark.parametrize("kind", [Kind.BOUNCED, Kind.EXPIRED, Kind.SUPPRESSED, Kind.DEAD])
def test_a_final_failure_is_told_unless_somebody_does_not_want_it(kind: Kind) -> None:
    assert actions(unit(), kind) == actions(unit("SUCCESS,FAILURE"), kind) == [Action.FAILED]
    assert actions(unit("SUCCESS,DELAY"), kind) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_there_is_no_bounce_of_a_bounce(kind: Kind) -> None:
    assert actions(unit("SUCCESS,FAILURE,DELAY", sender=""), kind) == []


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.HELD, Kind.IN_DOUBT])
def test_what_we_refuse_or_do_not_know_is_not_told_by_mail(kind: Kind) -> None:
    assert actions(unit("SUCCESS,FAILURE,DELAY"), kind) == []


def test_a_delay_is_told_once_to_who_asked_when_it_is_one() -> None:
    assert actions(unit("DELAY"), Kind.DEFERRED) == [Action.DELAYED]
    assert actions(unit("DELAY"), Kind.DEFERRED, now_ms=4 * HOUR_MS - 1) == []
    assert actions(unit(), Kind.DEFERRED) == []
    assert actions(unit("DELAY", reporting=Reporting("FULL")), Kind.DEFERRED) == [Action.DELAYED]
    assert actions(unit("DELAY", reporting=Reporting(delay_told_ms=1)), Kind.DEFERRED) == []


def test_success_is_ours_to_tell_where_the_next_hop_does_not() -> None:
    assert actions(unit("SUCCESS"), Kind.RELAYED) == [Action.RELAYED]
    assert actions(unit("SUCCESS"), Kind.RELAYED, passes_dsn=True) == []
    assert actions(unit(), Kind.RELAYED) == []


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(0, Kind.BOUNCED, "", Reply(550, (5, 7, 1), "")), (5, 7, 1)),
        (Outcome(0, Kind.BOUNCED, "", Reply(550, None, ""), BounceClass.INVALID_RECIPIENT), (5, 1, 1)),
        (Outcome(0, Kind.BOUNCED, "", Reply(550, (4, 2, 2), ""), BounceClass.QUOTA_ISSUES), (5, 2, 2)),
        (Outcome(0, Kind.BOUNCED, "", None, BounceClass.CONTENT_RELATED, (5, 6, 3)), (5, 6, 3)),
        (Outcome(0, Kind.BOUNCED, ""), (5, 0, 0)),
        (Outcome(0, Kind.EXPIRED, "", Reply(450, (4, 2, 0), "")), (4, 4, 7)),
        (Outcome(0, Kind.DEFERRED, "", Reply(450, None, "")), (4, 0, 0)),
        (Outcome(0, Kind.RELAYED, "", Reply(250, None, "")), (2, 0, 0)),
    ],
)
def test_the_status_says_what_the_action_says(outcome: Outcome, status: tuple[int, int, int]) -> None:
    of = unit("SUCCESS,FAILURE,DELAY")
    (one,) = told(of, [outcome], passes_dsn=False, now_ms=5 * HOUR_MS, delay_after_ms=4 * HOUR_MS)
    assert one.status == status
