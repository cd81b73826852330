"""Whatever is lost, late or restarted: the nodes together never use more than the limit, and what one wants it gets."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.delivery.shares import (
    GONE_S,
    LEASE_S,
    MAX_KEYS,
    Answer,
    Key,
    Lender,
    Request,
    Shares,
    What,
    Wish,
    part,
)

SITES = [Key("a", What.CONNECTIONS), Key("b", What.MESSAGE_RATE)]
STEP_S = 0.25


@dataclass
class Clocked:
    """A node's process, whose clock began somewhere, and the call that it has under way."""

    shares: Shares
    offset_s: float
    incarnation: int
    sent: tuple[Request, float] | None = None
    answer: Answer | None = None  # on its way
    wants: dict[Key, float] = field(default_factory=dict)


class World:
    def __init__(self, nodes: int, limit: int) -> None:
        self.nodes, self.limit, self.now_s, self.serial = nodes, limit, 1_000.0, 0
        self.lender = Lender(nodes, self.fresh(), self.now_s)
        self.processes = [self.process(node) for node in range(nodes)]
        self.late: list[tuple[int, Request]] = []
        self.swiftness, self.trouble = 1.0, 0.0

    def fresh(self) -> int:
        self.serial += 1
        return self.serial

    def process(self, node: int) -> Clocked:
        offset_s = 17.0 * self.fresh()
        return Clocked(Shares(node, self.nodes, self.now_s + offset_s), offset_s, self.fresh())

    def clock(self, node: int) -> float:
        return self.now_s + self.processes[node].offset_s

    def send(self, node: int) -> None:
        """A request leaves; one that is under way is given up, but may still be read."""
        one = self.processes[node]
        if one.sent is not None:
            self.late.append((node, one.sent[0]))
        wants = {key: (float(self.limit), one.wants.get(key, 0.0), 0.0) for key in SITES}
        one.sent, one.answer = (one.shares.request(one.incarnation, wants, self.clock(node)), self.clock(node)), None

    def read(self, node: int) -> None:
        """The call that is under way is read."""
        one = self.processes[node]
        if one.sent is not None and one.answer is None:
            one.answer = self.lender.lend(one.sent[0], self.now_s)

    def answer(self, node: int) -> None:
        """It is answered, having been read now or before."""
        self.read(node)
        one = self.processes[node]
        if one.answer is not None and one.sent is not None:
            one.shares.answered(one.answer, one.sent[1], self.clock(node))
        one.sent = one.answer = None

    def read_late(self) -> None:
        """A call that was given up is read after all."""
        if self.late:
            _, request = self.late.pop(0)
            self.lender.lend(request, self.now_s)

    def used(self, key: Key) -> float:
        return sum(process.shares.of(key, self.limit, self.clock(node)) for node, process in enumerate(self.processes))

    def check(self) -> None:
        for key in SITES:
            assert self.used(key) <= self.limit + 1e-9, (key, self.used(key))


def shake(world: World, draw: Random) -> None:
    """A quarter of a second in which anything may go wrong; what does, and how often, differs from world to world."""
    for node, one in enumerate(world.processes):
        if draw.random() < 0.05:
            one.wants = dict.fromkeys(SITES, float(draw.choice([0, 1, 4, 30])))
        if draw.random() < (0.6 if one.sent is None else 0.05):
            world.send(node)
        if draw.random() < world.swiftness:
            world.read(node)
        if draw.random() < world.swiftness:
            world.answer(node)
        if draw.random() < world.trouble:
            world.processes[node] = world.process(node)
    if world.late and draw.random() < 0.3:
        world.read_late()
    if draw.random() < world.trouble:
        world.lender = Lender(world.nodes, world.fresh(), world.now_s)
    if draw.random() < world.trouble:  # nobody is answered for a while
        for _ in range(draw.randrange(40)):
            world.now_s += STEP_S
            world.check()
    world.now_s += STEP_S
    world.check()


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 4), st.sampled_from([1, 2, 5, 12]), st.integers(0, 2**32))
def test_no_more_than_the_limit_is_ever_used(nodes: int, limit: int, seed: int) -> None:
    draw = Random(seed)
    world = World(nodes, limit)
    world.swiftness, world.trouble = draw.choice([0.3, 0.7, 0.95]), draw.choice([0.0, 0.01, 0.03])
    for _ in range(200):
        shake(world, draw)


def rounds(world: World, count: int) -> None:
    for _ in range(count):
        for node in range(world.nodes):
            world.send(node)
            world.answer(node)
        world.now_s += 1.0
        world.check()


def test_who_wants_all_gets_all_but_what_is_kept_for_the_others() -> None:
    world = World(3, 12)
    world.processes[1].wants = dict.fromkeys(SITES, 12.0)
    rounds(world, 6)
    assert world.processes[1].shares.of(SITES[0], 12, world.clock(1)) == 10
    assert world.processes[1].shares.of(SITES[1], 12, world.clock(1)) > 11


def test_two_who_want_all_share_it_evenly_and_get_it_back_when_the_coordinator_is_gone() -> None:
    world = World(2, 12)
    for process in world.processes:
        process.wants = dict.fromkeys(SITES, 12.0)
    rounds(world, 6)
    world.processes[0].wants = {}
    rounds(world, 6)
    assert [world.processes[node].shares.of(SITES[0], 12, world.clock(node)) for node in range(2)] == [1, 11]
    for _ in range(40):
        world.now_s += STEP_S
        world.check()
    assert [world.processes[node].shares.of(SITES[0], 12, world.clock(node)) for node in range(2)] == [6, 6]


def test_a_new_process_uses_nothing_before_it_was_answered_or_time_has_gone_by() -> None:
    shares = Shares(0, 2, 0.0)
    assert shares.of(SITES[0], 10, 0.0) == 0
    assert shares.of(SITES[0], 10, 2 * LEASE_S) == 5
    shares.answered(Answer((1, 1), {}), 0.0, 1.0)
    assert shares.of(SITES[0], 10, 1.0) == 5


@pytest.mark.parametrize("who", range(3))
def test_a_limit_below_the_number_of_nodes_is_for_whoever_has_mail(who: int) -> None:
    world = World(3, 1)
    world.processes[who].wants = dict.fromkeys(SITES, 1.0)
    rounds(world, 10)
    assert world.processes[who].shares.of(SITES[0], 1, world.clock(who)) == 1


def test_of_those_who_want_more_than_there_is_each_has_its_turn() -> None:
    world = World(3, 1)
    had = [0.0] * 3
    for process in world.processes:
        process.wants = dict.fromkeys(SITES, 1.0)
    for _ in range(90):
        rounds(world, 1)
        had = [sum(one) for one in zip(had, parts(world), strict=True)]
    assert min(had) >= 12, had


def parts(world: World) -> list[float]:
    return [one.shares.of(SITES[0], world.limit, world.clock(node)) for node, one in enumerate(world.processes)]


def test_own_parts_are_whole_and_sum_to_the_limit() -> None:
    for limit in range(20):
        for site in "abcd":
            parts = [part(Key(site, What.CONNECTIONS), limit, node, 3) for node in range(3)]
            assert sum(parts) == limit
            assert max(parts) - min(parts) <= 1


def test_a_limit_that_sinks_holds_at_once() -> None:
    world = World(2, 12)
    world.processes[0].wants = {SITES[0]: 12.0}
    rounds(world, 6)
    assert sum(world.processes[node].shares.of(SITES[0], 2, world.clock(node)) for node in range(2)) <= 2


def test_a_node_that_is_silent_wants_nothing_any_more() -> None:
    world = World(2, 12)
    for process in world.processes:
        process.wants = dict.fromkeys(SITES, 12.0)
    rounds(world, 4)
    for _ in range(12):  # only node 0 speaks
        world.send(0)
        world.answer(0)
        world.now_s += 1.0
    # The silent one may be at its own part by now, and is not lent from.
    assert world.processes[0].shares.of(SITES[0], 12, world.clock(0)) == 6


def test_what_a_node_had_open_when_it_died_is_not_missed_for_ever() -> None:
    lender, key = Lender(2, 1, 0.0), SITES[0]

    def lent(at_s: float) -> float:
        answer = lender.lend(Request(1, (1, int(at_s)), {key: Wish(12, 12, 0, 6)}), at_s)
        assert answer is not None
        assert answer.grants is not None
        return answer.grants[key].amount

    lender.lend(Request(0, (1, 1), {key: Wish(12, 12, 10, 6)}), 10.0)
    assert lent(20.0) == 2
    assert lent(10.0 + GONE_S + 1) == 6


def test_no_more_limits_are_lent_than_the_coordinator_has_time_for() -> None:
    lender = Lender(2, 1, 0.0)
    wishes = {Key(f"site {number}", What.CONNECTIONS): Wish(12, 12, 0, 6) for number in range(MAX_KEYS + 50)}
    answer = lender.lend(Request(0, (1, 1), wishes), 10.0)
    assert answer is not None
    assert answer.grants is not None
    assert len(answer.grants) == MAX_KEYS < 2_000
