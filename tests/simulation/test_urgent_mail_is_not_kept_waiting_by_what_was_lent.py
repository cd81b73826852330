"""Two nodes share a slow site's connections: one has a backlog of bulk, transactional mail comes to either by turns, in bursts.

Real are the doors, the shares, the node's side of lending and the coordinator's; a delivery is a sleep.
"""

import asyncio
from itertools import chain

import pytest

from actors.sharing import Sharing
from fastemailnet.delivery.demand import PLAIN
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.lately import SPAN_S
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shares import Answer, Lender, Request, Shares
from fastemailnet.delivery.terms import Ceilings, uniform
from fastemailnet.envelope import Lane
from fastemailnet.net.door import Claim
from fastemailnet.net.doors import Doors
from tests.simulation.jumping import clock_s, run

CONNECTIONS = 20
HELD_S = 0.31  # by a mail: three replies of a site that thinks a tenth of a second before each
BACKLOG = 100  # bulk mails that wait at any time
HOP = Hop(Target("10.0.0.1", 25), ("10.0.0.1",))


class Fleet:
    """Both nodes at one site."""

    def __init__(self) -> None:
        now_s = clock_s()
        self.lender = Lender(2, 1, now_s)
        self.shares = [Shares(node, 2, now_s) for node in range(2)]
        self.doors = [Doors(uniform(Ceilings(CONNECTIONS)), one) for one in self.shares]
        asking = (Sharing(doors, one, self.lend).run(1) for doors, one in zip(self.doors, self.shares, strict=True))
        bulk = (self.bulk() for _ in range(BACKLOG))
        self.tasks = [asyncio.create_task(part) for part in chain(asking, bulk)]
        self.bulk_done = 0

    async def lend(self, request: Request) -> Answer | None:
        return self.lender.lend(request, clock_s())

    async def mail(self, node: int, lane: Lane) -> float:
        """One mail; how long it waited for a connection."""
        came_s = clock_s()
        door = self.doors[node].of("slow.example", [HOP])
        await door.enter(Claim(lane), HOP.target, PLAIN)
        entered_s = clock_s()
        await asyncio.sleep(HELD_S)
        door.caution.succeeded(CONNECTIONS)
        door.leave(None, entered_s, lane)
        return entered_s - came_s

    async def bulk(self) -> None:
        while True:
            await self.mail(0, Lane.BULK)
            self.bulk_done += 1

    async def burst(self, node: int) -> list[float]:
        """Twenty transactional mails within a second, and how long each waited."""
        mails = []
        for _ in range(20):
            mails.append(asyncio.create_task(self.mail(node, Lane.TRANSACTIONAL)))
            await asyncio.sleep(0.05)
        return list(await asyncio.gather(*mails))


@pytest.mark.parametrize("pause_s", [0.0, 2.0, SPAN_S / 3])
def test_bursts_that_come_again_find_what_the_one_before_had(monkeypatch: pytest.MonkeyPatch, pause_s: float) -> None:
    async def story() -> None:
        fleet = Fleet()
        await asyncio.sleep(10.0)
        for number in range(20):
            waits_s = await fleet.burst(number % 2)
            if number > 2:  # the first at a node finds what the other had borrowed for bulk
                assert max(waits_s) < HELD_S
            await asyncio.sleep(pause_s)

    run(monkeypatch, story)


def test_what_nothing_urgent_needs_any_more_is_lent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        fleet = Fleet()
        for _ in range(5):
            await fleet.burst(1)
        await asyncio.sleep(2 * SPAN_S + 5.0)
        before, span_s = fleet.bulk_done, 30.0
        await asyncio.sleep(span_s)
        # A place of twenty is for transactional mail at the node that has the bulk, and a connection is left to the other.
        assert fleet.bulk_done - before > 0.95 * (CONNECTIONS - 3) * span_s / HELD_S

    run(monkeypatch, story)
