"""Who waits in the node and who comes again later."""

import heapq

import pytest

from fastemailnet.delivery.retry import DEFAULT, next_try
from fastemailnet.delivery.throttle import FOREVER_S
from fastemailnet.delivery.waiting import BEARABLE_S, CROWD, Later, Line, PutOff, expected_s, judge
from fastemailnet.outcome import Kind
from tests.unit.delivery.test_retry import NOW_MS, outcomes, unit

DELAYS_S = DEFAULT.delays_s


def line(here: int, here_s: float, soon_s: float = 0.0, all_s: float = 0.0, paced_s: float | None = None) -> Line:
    return Line(here, here_s, here_s if paced_s is None else paced_s, soon_s, all_s)


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
        (line(0, FOREVER_S), False),
    ],
)
def test_who_is_new_waits_here_if_that_is_short(before: Line, waits: bool) -> None:
    assert (judge(before, None, DELAYS_S) is None) is waits


def test_who_is_new_has_its_turn_behind_all_others() -> None:
    assert judge(line(10, 10.0, 60.0, 3_000.0), None, DELAYS_S) == PutOff(1_200.0, 3_010.0)
    assert judge(line(10, 17.0), None, DELAYS_S) == PutOff(15.0, 17.0)


def test_who_comes_again_before_its_turn_keeps_it() -> None:
    assert judge(line(10, 10.0, 60.0, 3_000.0), 400.0, DELAYS_S) == PutOff(300.0, 400.0)
    assert judge(line(0, 0.1, 0.0, 3_000.0), 400.0, DELAYS_S) is None


def test_whose_turn_has_come_waits_as_long_as_is_bearable() -> None:
    assert judge(line(500, BEARABLE_S, 60.0, 3_000.0), 7.0, DELAYS_S) is None
    assert judge(line(500, BEARABLE_S + 1, 60.0, 3_000.0), -5.0, DELAYS_S) == PutOff(15.0, BEARABLE_S + 1)


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


def backlog(units: int, per_s: float) -> tuple[list[float], int]:
    """When each leaves, and how often all were put off: one node, a site that takes so many a second, all there at once."""
    queue: list[tuple[float, int, float | None, int]] = [(0.0, number, None, 0) for number in range(units)]
    later, free_s, times = Later(), 0.0, 0
    left: list[float] = []
    while queue:
        now_s, number, turn_s, before = heapq.heappop(queue)
        here_s = max(0.0, free_s - now_s)
        those = line(int(here_s * per_s), here_s, later.soon(now_s) / per_s, later.count(now_s) / per_s)
        turn_in_s = None if turn_s is None else turn_s - now_s
        put_off = judge(those, turn_in_s, DELAYS_S[: 2 + before]) if here_s > 0 else None
        if turn_s is not None and (put_off is None or now_s + put_off.turn_s > turn_s):
            later.come(turn_s)
        if put_off is None:
            free_s = max(free_s, now_s) + 1 / per_s
            left.append(free_s)
            continue
        times += 1
        turn_at_s = now_s + put_off.turn_s
        if turn_s is None or turn_at_s > turn_s:
            later.put(turn_at_s)
        heapq.heappush(queue, (now_s + put_off.delay_s, number, turn_at_s, before + 1))
    return left, times


@pytest.mark.parametrize(("units", "per_s"), [(300, 1 / 60), (2_000, 1.0), (20_000, 10.0)])
def test_a_backlog_leaves_at_the_pace_of_its_site(units: int, per_s: float) -> None:
    left, times = backlog(units, per_s)
    assert len(left) == units
    assert max(left) <= 1.1 * units / per_s + 60
    assert times <= 10 * units
