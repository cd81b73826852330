"""What passes at a pace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.throttle import FOREVER_S, Pace, Throttle


def passed(pace: Pace, times: list[float]) -> list[float]:
    """Of those who come at these times, who passes without waiting."""
    throttle, gone = Throttle(), []
    for now_s in times:
        if throttle.wait_s(pace, now_s) <= 0:
            throttle.spend(pace, now_s)
            gone.append(now_s)
    return gone


@given(
    st.floats(0.1, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 100), max_size=300),
    st.floats(0, 90),
    st.floats(0, 10),
)
def test_no_span_sees_more_than_a_burst_and_the_rate(
    per_s: float, burst: int, times: list[float], start_s: float, span_s: float
) -> None:
    gone = passed(Pace(per_s, burst), sorted(times))
    within = [at for at in gone if start_s <= at <= start_s + span_s]
    assert len(within) <= burst + per_s * span_s + 1e-6


@given(st.floats(0.1, 50), st.integers(1, 20))
def test_who_waits_as_long_as_told_passes(per_s: float, burst: int) -> None:
    pace, throttle, now_s = Pace(per_s, burst), Throttle(), 1_000.0
    for _ in range(60):
        now_s += throttle.wait_s(pace, now_s)
        throttle.spend(pace, now_s)
    assert abs(now_s - 1_000.0 - (60 - burst) / per_s) < 1e-3


def test_without_a_burst_a_second_s_worth_goes_at_once_and_one_at_least() -> None:
    assert len(passed(Pace(10.0), [5.0] * 50)) == 10
    assert len(passed(Pace(1 / 60), [5.0] * 50)) == 1


def test_no_pace_lets_all_pass_and_a_pace_of_nothing_none() -> None:
    assert Throttle().wait_s(None, 0.0) == 0
    assert Throttle().wait_s(Pace(0.0), 0.0) == FOREVER_S


def test_another_pace_counts_at_once_for_those_who_wait_already() -> None:
    throttle = Throttle()
    throttle.spend(Pace(1 / 600), 0.0)  # by a small part of a limit, before more was lent
    assert throttle.wait_s(Pace(1 / 60), 0.0) == pytest.approx(60)
    assert throttle.wait_s(Pace(0.0), 1.0) == FOREVER_S
    assert throttle.wait_s(Pace(1 / 60), 30.0) == pytest.approx(30)
    assert throttle.wait_s(Pace(1 / 600), 30.0) == pytest.approx(300)
    throttle.spend(Pace(1 / 60), 330.0)
    assert throttle.wait_s(Pace(1 / 60), 330.0) == pytest.approx(60)
