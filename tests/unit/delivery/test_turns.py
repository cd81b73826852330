"""I15: how lanes share what is scarce."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.turns import WEIGHTS, Turns
from fastemailnet.envelope import Lane

LANES = list(WEIGHTS)


def served(turns: Turns[int], count: int) -> list[Lane]:
    found = []
    for _ in range(count):
        taken = turns.take()
        assert taken is not None
        found.append(taken[0])
    return found


def full(count: int) -> Turns[int]:
    turns: Turns[int] = Turns()
    for number in range(count):
        for lane in LANES:
            turns.put(lane, number)
    return turns


def test_lanes_that_all_wait_share_16_to_4_to_1() -> None:
    assert Counter(served(full(200), 210)) == {Lane.TRANSACTIONAL: 160, Lane.STANDARD: 40, Lane.BULK: 10}


def test_no_lane_waits_longer_than_a_round() -> None:
    order = served(full(200), 210)
    bulk = [at for at, lane in enumerate(order) if lane is Lane.BULK]
    assert max(after - before for before, after in pairwise(bulk)) <= 21


def test_an_idle_lane_saves_nothing_up() -> None:
    turns: Turns[int] = Turns()
    for number in range(300):
        turns.put(Lane.BULK, number)
    served(turns, 100)  # the others idle for a hundred rounds
    for number in range(300):
        turns.put(Lane.TRANSACTIONAL, number)
    assert Counter(served(turns, 170))[Lane.TRANSACTIONAL] == 160


def test_a_lane_that_may_not_be_served_holds_nobody_up() -> None:
    turns = full(3)
    assert [turns.take(lambda lane: lane is Lane.BULK) for _ in range(4)] == [
        (Lane.BULK, 0),
        (Lane.BULK, 1),
        (Lane.BULK, 2),
        None,
    ]


@given(st.lists(st.sampled_from([*LANES, None]), max_size=200))
def test_everything_comes_out_once_and_each_lane_in_order(steps: list[Lane | None]) -> None:
    turns: Turns[int] = Turns()
    put: dict[Lane, list[int]] = {lane: [] for lane in LANES}
    got: dict[Lane, list[int]] = {lane: [] for lane in LANES}
    for number, step in enumerate([*steps, *[None] * len(steps)]):
        if step is not None:
            turns.put(step, number)
            put[step].append(number)
        elif (taken := turns.take()) is not None:
            got[taken[0]].append(taken[1])
    assert got == put
    assert not len(turns)


def test_tenants_of_a_lane_take_turns_however_much_one_has_waiting() -> None:
    turns: Turns[str] = Turns()
    for number in range(50):
        turns.put(Lane.BULK, f"a{number}", "a")
    for number in range(3):
        turns.put(Lane.BULK, f"b{number}", "b")
    order = [taken[1] for _ in range(8) if (taken := turns.take()) is not None]
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "a4"]


def test_a_lane_s_part_depends_on_who_else_waits() -> None:
    turns: Turns[int] = Turns()
    assert turns.part_of(Lane.BULK) == 1
    turns.put(Lane.BULK, 1)
    turns.put(Lane.STANDARD, 1)
    assert (turns.part_of(Lane.BULK), turns.part_of(Lane.STANDARD)) == (1 / 5, 4 / 5)
    assert turns.part_of(Lane.TRANSACTIONAL) == 16 / 21
