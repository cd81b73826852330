"""Who waits in the node and who comes again later."""

from dataclasses import replace

import pytest

from fastemailnet.delivery.retry import DEFAULT, next_try
from fastemailnet.delivery.throttle import FOREVER_S
from fastemailnet.delivery.waiting import BEARABLE_S, CROWD, Later, Line, PutOff, expected_s, judge
from fastemailnet.outcome import Kind
from tests.unit.delivery.test_retry import NOW_MS, outcomes, unit

DELAYS_S = DEFAULT.delays_s


def line(here: int, here_s: float, soon_s: float = 0.0, before_s: float = 0.0, paced_s: float | None = None) -> Line:
    return Line(here, here_s, here_s if paced_s is None else paced_s, soon_s, before_s=before_s)


@pytest.mark.parametrize(
    ("before", "waits"),
    [
        (line(0, 15.9), True),
        (line(0, 16.1), False),
        (line(CROWD, 0.9), True),
        (line(CROWD, 1.1), False),
        (line(CROWD, 4.9, paced_s=0.0), True),
        (line(CROWD, 5.1, paced_s=0.0), False),
        (line(CROWD - 1, 1.1), True),
        (line(0, 0.1, 16.0, 16.0), False),
        (line(0, 0.1, 16.0, 10.0), True),
        (line(0, FOREVER_S), False),
    ],
)
def test_who_is_new_waits_here_if_that_is_short(before: Line, waits: bool) -> None:
    assert (judge(before, None, DELAYS_S) is None) is waits


def test_who_is_new_has_its_turn_behind_all_others() -> None:
    assert judge(line(10, 10.0, 60.0, 3_000.0), None, DELAYS_S) == PutOff(1_200.0, 3_010.0)
    assert judge(line(10, 17.0), None, DELAYS_S) == PutOff(15.0, 17.0)


def test_who_comes_again_before_its_turn_keeps_it_or_takes_an_earlier_one_that_nobody_has() -> None:
    assert judge(line(10, 10.0, 60.0, 3_000.0), 400.0, DELAYS_S) == PutOff(300.0, 400.0)
    assert judge(line(10, 10.0, 60.0, 80.0), 400.0, DELAYS_S) == PutOff(60.0, 90.0)
    assert judge(line(10, 10.0, 60.0, 0.0), 400.0, DELAYS_S) is None
    assert judge(line(0, 0.1, 0.0, 3_000.0), 400.0, DELAYS_S) is None


def test_who_may_have_its_turn_sooner_comes_sooner() -> None:
    assert judge(replace(line(0, 600.0), haste=0.5), None, DELAYS_S) == PutOff(300.0, 600.0)
    assert judge(replace(line(0, 600.0), haste=0.05), None, DELAYS_S) == PutOff(15.0, 600.0)


def test_the_first_turn_that_nobody_has() -> None:
    later = Later()
    for turn_s in (60.0, 120.0, 240.0):
        later.put(turn_s)
    assert later.before_gap(60.0, 1 / 60, FOREVER_S) == 2
    assert later.before_gap(0.0, 1 / 60, FOREVER_S) == 0
    assert later.before_gap(60.0, 1 / 120, FOREVER_S) == 3  # at half the pace there is none
    later.come(120.0)
    assert later.before_gap(60.0, 1 / 60, FOREVER_S) == 1


def test_who_keeps_its_turn_is_not_counted_beyond_it() -> None:
    later = Later()
    for turn in range(1_000, 2_000):
        later.put(60.0 * turn)
    assert later.count(60_000.0) == 1_000
    assert later.before_gap(60_000.0, 1 / 60, FOREVER_S) == 1_000
    assert later.before_gap(60_000.0, 1 / 60, 600.0) == 10
    assert later.before_gap(60_000.0, 0.0, 600.0) == 0


def test_whose_turn_has_come_waits_as_long_as_is_bearable() -> None:
    assert judge(line(500, BEARABLE_S, 60.0, 3_000.0), 7.0, DELAYS_S) is None
    assert judge(line(500, BEARABLE_S + 1, 60.0, 3_000.0), -5.0, DELAYS_S) == PutOff(15.0, BEARABLE_S + 1)
    overdue = replace(line(0, 60.0, 60.0, 3_000.0), overdue_s=90.0)  # who did not have theirs either
    assert judge(overdue, 0.0, DELAYS_S) == PutOff(60.0, 150.0)


def test_transactional_mail_waits_as_long_too() -> None:
    assert judge(line(CROWD, BEARABLE_S, 60.0, 3_000.0), None, DELAYS_S, is_urgent=True) is None
    assert judge(line(CROWD, BEARABLE_S + 1), None, DELAYS_S, is_urgent=True) == PutOff(15.0, BEARABLE_S + 1)


def test_nothing_moves_where_nothing_may() -> None:
    assert expected_s(0.5, 10, 2.0) == 5.5
    assert expected_s(FOREVER_S, 10, 2.0) == 5.5
    assert expected_s(0.0, 1, 0.0) == FOREVER_S


def test_those_who_are_to_come_again_are_counted_until_their_turn() -> None:
    later = Later()
    for turn_s in (70.0, 70.0, 400.0):
        later.put(turn_s)
    assert [later.count(now_s) for now_s in (0.0, 70.0, 76.0, 500.0)] == [3, 3, 1, 0]
    later.put(570.0)
    assert [later.soon(now_s) for now_s in (505.0, 560.0, 576.0)] == [0, 1, 0]
    later.put(5.0)  # its turn is over
    assert [later.count(now_s) for now_s in (502.0, 506.0, 576.0)] == [2, 1, 0]


def test_who_has_come_again_is_not_to_come_again() -> None:
    later = Later()
    for turn_s in (70.0, 99.9, 400.0):
        later.put(turn_s)
    later.come(71.0)
    later.come(100.1)  # by another clock
    later.come(200.0)  # of another node
    assert [later.count(now_s) for now_s in (0.0, 390.0, 405.0)] == [1, 1, 0]
    later.come(400.0)
    assert later.count(405.0) == 0


def test_to_be_put_off_is_no_attempt() -> None:
    waits = outcomes(Kind.DEFERRED, Kind.DEFERRED, Kind.DEFERRED)
    one = next_try(unit(), 1, waits, NOW_MS, DEFAULT, PutOff(300.0, 410.0))
    [copy] = one.copies
    assert (one.tier, copy.attempt, copy.put_off, copy.turn_ms) == ("defer.5m", 2, 1, NOW_MS + 410_000)
    again = next_try(copy, 2, waits, NOW_MS)
    [second] = again.copies
    assert (again.tier, second.attempt, second.put_off, second.turn_ms) == ("defer.1m", 3, 1, 0)
    assert next_try(second, 3, waits, NOW_MS).tier == "defer.5m"
