"""Who waits in the node and who comes again later."""

import pytest

from fastemailnet.delivery.retry import DEFAULT, next_try
from fastemailnet.delivery.throttle import FOREVER_S
from fastemailnet.delivery.waiting import CROWD, Later, expected_s, is_put_off
from fastemailnet.outcome import Kind
from tests.unit.delivery.test_retry import NOW_MS, outcomes, unit


@pytest.mark.parametrize(
    ("wait_s", "here", "put_off"),
    [(0.5, 1_000, False), (2.0, CROWD - 1, False), (2.0, CROWD, True), (6.0, 0, True), (float("inf"), 0, True)],
)
def test_who_waits_long_or_in_a_crowd_is_put_off(wait_s: float, here: int, put_off: bool) -> None:
    assert is_put_off(wait_s, here) is put_off


def test_nothing_moves_where_nothing_may() -> None:
    assert expected_s(0.5, 10, 2.0) == 5.5
    assert expected_s(FOREVER_S, 10, 2.0) == 5.5
    assert expected_s(0.0, 1, 0.0) == FOREVER_S


def test_those_who_are_to_come_again_are_counted_until_then() -> None:
    later = Later()
    for due_s in (70.0, 70.0, 400.0):
        later.put(due_s)
    assert [later.count(now_s) for now_s in (0.0, 119.0, 121.0, 500.0)] == [3, 3, 1, 0]


@pytest.mark.parametrize(
    ("wait_s", "tier"), [(2, "defer.1m"), (299, "defer.1m"), (300, "defer.5m"), (7_200, "defer.1h"), (1e6, "defer.8h")]
)
def test_a_unit_is_put_off_to_the_tier_before_its_turn(wait_s: float, tier: str) -> None:
    assert DEFAULT.within(round(wait_s * 1_000))[0] == tier


def test_to_be_put_off_is_no_attempt() -> None:
    waits = outcomes(Kind.DEFERRED, Kind.DEFERRED, Kind.DEFERRED)
    one = next_try(unit(), 1, waits, NOW_MS, DEFAULT, 2_000)
    [copy] = one.copies
    assert (one.tier, copy.attempt, copy.put_off) == ("defer.1m", 2, 1)
    again = next_try(copy, 2, waits, NOW_MS)
    assert (again.tier, again.copies[0].attempt, again.copies[0].put_off) == ("defer.1m", 3, 1)
    assert next_try(again.copies[0], 3, waits, NOW_MS).tier == "defer.5m"
