"""How much mail of a tenant is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.admission.quota import DAY_MS, Quota, Uses
from fastemailnet.errors import DailyExceeded, MessageError, RateExceeded

MINUTE = Quota(per_s=1.0, burst=60, rate="60/m")
SLOW = Quota(per_s=1 / 60, burst=1, rate="60/h,max_burst=1")
DAILY = Quota(daily=10)
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2


def test_a_rate_may_come_all_at_once_and_then_evenly() -> None:
    uses = Uses()
    for _ in range(60):
        uses.take("acme", MINUTE, 1, NOON_MS, 0.0)
    with pytest.raises(RateExceeded, match=r"'acme' may hand in 60/m recipients, and has; try again in 1 s") as refused:
        uses.take("acme", MINUTE, 1, NOON_MS, 0.0)
    assert refused.value.retry_after_s == 1
    uses.take("other", MINUTE, 1, NOON_MS, 0.0)
    uses.take("acme", MINUTE, 1, NOON_MS, 1.0)
    with pytest.raises(RateExceeded):
        uses.refuse_now("acme", MINUTE, 1.5)


def test_a_message_for_many_passes_and_keeps_the_next_waiting() -> None:
    uses = Uses()
    uses.take("acme", SLOW, 5, NOON_MS, 0.0)
    with pytest.raises(RateExceeded) as refused:
        uses.take("acme", SLOW, 1, NOON_MS, 60.0)
    assert refused.value.retry_after_s == 240
    uses.take("acme", SLOW, 1, NOON_MS, 300.0)


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0.0, 30.0)), max_size=60), st.integers(1, 40))
def test_no_more_than_burst_and_rate_pass_but_for_the_last_message(mails: list[tuple[int, float]], burst: int) -> None:
    quota, uses, now_s = Quota(1.0, burst, "r"), Uses(), 0.0
    passed: list[tuple[float, int]] = []
    for recipients, pause_s in mails:
        now_s += pause_s
        try:
            uses.take("acme", quota, recipients, NOON_MS, now_s)
        except RateExceeded:
            continue
        passed.append((now_s, recipients))
    for first, (begin_s, _) in enumerate(passed):
        total = 0
        for at_s, recipients in passed[first:]:
            assert total <= burst - 1 + (at_s - begin_s) + 1e-6  # of those before it
            total += recipients


def test_of_a_day_no_more_than_its_number_is_taken_and_the_next_begins_at_midnight_utc() -> None:
    uses = Uses()
    uses.take("acme", DAILY, 6, NOON_MS, 0.0)
    with pytest.raises(DailyExceeded, match=r"10 recipients a day \(UTC\), had 6 and wants 5 more") as refused:
        uses.take("acme", DAILY, 5, NOON_MS, 0.0)
    assert refused.value.retry_after_s == 12 * 3_600
    uses.take("acme", DAILY, 4, NOON_MS, 0.0)
    with pytest.raises(DailyExceeded):
        uses.take("acme", DAILY, 1, NOON_MS, 0.0)
    with pytest.raises(DailyExceeded):
        uses.take("acme", DAILY, 1, NOON_MS - DAY_MS, 0.0)  # a clock that goes back begins no day anew
    uses.take("acme", DAILY, 10, NOON_MS + DAY_MS // 2, 0.0)


def test_a_clock_that_was_days_ahead_keeps_nobody_waiting_for_that_day() -> None:
    uses = Uses()
    uses.take("acme", DAILY, 10, NOON_MS + 300 * DAY_MS, 0.0)
    uses.take("acme", DAILY, 10, NOON_MS, 0.0)
    with pytest.raises(DailyExceeded, match=r"try again in 43200 s"):
        uses.take("acme", DAILY, 1, NOON_MS, 0.0)


def test_of_a_clock_that_went_back_over_midnight_the_day_that_began_is_waited_for() -> None:
    uses = Uses()
    uses.take("acme", DAILY, 10, NOON_MS, 0.0)
    with pytest.raises(DailyExceeded) as refused:
        uses.take("acme", DAILY, 1, NOON_MS - DAY_MS, 0.0)
    assert refused.value.retry_after_s == 36 * 3_600


def test_a_rate_that_is_changed_counts_for_what_was_taken_before() -> None:
    uses = Uses()
    uses.take("acme", SLOW, 600, NOON_MS, 0.0)
    assert uses.wait_s("acme", SLOW, 0.0) == pytest.approx(36_000)
    assert uses.wait_s("acme", MINUTE, 0.0) == pytest.approx(541)  # 59 of the 600 may be ahead
    uses.take("acme", MINUTE, 1, NOON_MS, 541.0)
    uses.give_back("acme", SLOW, 600, NOON_MS // DAY_MS)
    uses.refuse_now("acme", MINUTE, 541.0)
    assert uses.wait_s("acme", SLOW, 541.0) == 0.0


def test_what_no_day_would_take_is_refused_for_good() -> None:
    with pytest.raises(MessageError, match=r"11 recipients at envelope \(limit: 10 a day of tenant 'acme'\)"):
        Uses().take("acme", DAILY, 11, NOON_MS, 0.0)


def test_what_is_refused_takes_nothing_and_what_was_not_appended_is_given_back() -> None:
    quota, uses = Quota(1.0, 4, "4/4s", daily=10), Uses()
    uses.take("acme", quota, 4, NOON_MS, 0.0)
    for _ in range(3):
        with pytest.raises(RateExceeded):
            uses.take("acme", quota, 4, NOON_MS, 0.5)
    assert uses.used == {"acme": 4}
    uses.give_back("acme", quota, 4, NOON_MS // DAY_MS)
    assert uses.used == {"acme": 0}
    assert uses.wait_s("acme", quota, 0.0) == 0.0
    uses.take("acme", quota, 3, NOON_MS + DAY_MS, 9.0)
    uses.give_back("acme", quota, 2, NOON_MS // DAY_MS)  # of yesterday
    assert uses.used == {"acme": 3}


def test_a_tenant_without_a_quota_is_counted_all_the_same() -> None:
    uses = Uses(NOON_MS // DAY_MS, {"acme": 9})
    uses.take("acme", Quota(), 1_000, NOON_MS, 0.0)
    assert uses.used == {"acme": 1_009}
    with pytest.raises(DailyExceeded):
        uses.take("acme", DAILY, 1, NOON_MS, 0.0)
