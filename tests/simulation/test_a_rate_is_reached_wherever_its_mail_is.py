"""Nodes, doors, tiers and the lender for hours of a clock that jumps: a slow rate is reached wherever its mail is, and never exceeded.

Real are the doors, the shares, the node's side of lending and the coordinator's; a tier is a sleep, after which mail comes to any node.
"""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

import pytest

from actors.sharing import Sharing
from fastemailnet.delivery.gate import throttle_of
from fastemailnet.delivery.retry import DEFAULT
from fastemailnet.delivery.shaping.limits import parse_rate
from fastemailnet.delivery.shares import Answer, Lender, Request, Shares
from fastemailnet.delivery.terms import Terms
from fastemailnet.delivery.waiting import PATIENCE_S
from fastemailnet.net.door import Claim, TurnIsFarError
from fastemailnet.net.doors import Doors
from tests.simulation.jumping import clock_s, run

HOUR_S = 3_600.0
MOST_TIMES = 45  # that a mail is put off in three hours, where it comes to another node each time
Return: TypeAlias = Callable[
    [int, int], int
]  # from number of a mail and how often it was put off, the node that it comes to


class Fleet:
    """Some nodes that share one throttle, and what went through it."""

    def __init__(self, nodes: int, rate: str) -> None:
        now_s = clock_s()
        self.terms = throttle_of("acme", parse_rate(rate))
        self.lender = Lender(nodes, 1, now_s)
        self.shares = [Shares(node, nodes, now_s) for node in range(nodes)]
        self.doors = [Doors(_nowhere, one) for one in self.shares]
        self.asking = [
            asyncio.create_task(Sharing(doors, one, self.lend).run(1))
            for doors, one in zip(self.doors, self.shares, strict=True)
        ]
        self.passed_s: list[float] = []
        self.put_off = 0

    async def lend(self, request: Request) -> Answer | None:
        return self.lender.lend(request, clock_s())

    async def mail(self, number: int, node_of: Return) -> None:
        """One mail, until it has passed."""
        turn_s, times = None, 0
        while True:
            left_s = None if turn_s is None else turn_s - clock_s()
            claim = Claim(
                delays_s=DEFAULT.delays_s[: 2 + times], turn_s=left_s, patience_s=PATIENCE_S, throttle=self.terms
            )
            try:
                await self.doors[node_of(number, times)].take_turn(claim)
            except TurnIsFarError as far:
                turn_s = clock_s() + far.put_off.turn_s
                times += 1
                self.put_off += 1
                await asyncio.sleep(far.put_off.delay_s + Random(number * 1_000 + times).uniform(0.0, 0.5))
            else:
                self.passed_s.append(clock_s())
                return

    def most_in(self, span_s: float) -> int:
        """The most that passed in any span of so long."""
        return max(sum(first <= at < first + span_s for at in self.passed_s) for first in self.passed_s)


def _nowhere(_: str, hosts: Sequence[str]) -> Terms:
    raise AssertionError(hosts)


def to_one(number: int, times: int) -> int:
    return 0


def to_any(number: int, times: int) -> int:
    return Random(number * 1_000 + times).randrange(2)


def spread_then_to_one(number: int, times: int) -> int:
    """As tiers are leased: a copy that is due goes to the first of those that have nothing."""
    return 0 if times else number % 2


def half_each(number: int, times: int) -> int:
    return number % 2


def mostly_one(number: int, times: int) -> int:
    return int(number % 10 == 0)


async def backlog(nodes: int, per_h: int, mails: int, node_of: Return) -> None:
    """All is there at once, and leaves at the rate: no hour has more than a mail of each node above it."""
    fleet = Fleet(nodes, f"{per_h}/h")
    begun_s = clock_s()
    async with asyncio.TaskGroup() as group:
        for number in range(mails):
            group.create_task(fleet.mail(number, node_of))
    for task in fleet.asking:
        task.cancel()
    assert fleet.passed_s[-1] - begun_s <= 1.03 * mails / per_h * HOUR_S
    assert fleet.most_in(HOUR_S) <= per_h + nodes
    assert fleet.put_off <= MOST_TIMES * mails


@pytest.mark.parametrize("node_of", [to_one, to_any, spread_then_to_one, half_each, mostly_one])
@pytest.mark.parametrize(("per_h", "mails"), [(12, 36), (60, 180), (600, 600)])
def test_a_backlog_leaves_at_its_rate_over_two_nodes(
    monkeypatch: pytest.MonkeyPatch, node_of: Return, per_h: int, mails: int
) -> None:
    run(monkeypatch, lambda: backlog(2, per_h, mails, node_of))


def test_and_over_many_nodes_of_which_one_has_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, lambda: backlog(6, 60, 180, to_one))


@pytest.mark.parametrize(("per_h", "mails"), [(60, 300), (3_600, 2_000)])
def test_a_single_node_leaves_no_turn_unused(monkeypatch: pytest.MonkeyPatch, per_h: int, mails: int) -> None:
    run(monkeypatch, lambda: backlog(1, per_h, mails, to_one))


def test_what_trickles_in_at_both_nodes_stays_below_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node that passes changes all the time, and with it the parts."""

    async def story() -> None:
        fleet, draw = Fleet(2, "60/h"), Random(7)
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(fleet.mail(number, to_any))
                await asyncio.sleep(draw.expovariate(1 / 60.0))
        for task in fleet.asking:
            task.cancel()
        assert fleet.most_in(HOUR_S) <= 60 + 2
        assert fleet.most_in(60.0) <= 1 + 2

    run(monkeypatch, story)
