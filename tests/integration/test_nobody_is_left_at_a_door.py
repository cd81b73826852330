"""Whatever becomes of limits, of parts of them and of those who wait: each has its turn or is put off, every place is given back."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from fastemailnet.delivery.demand import PLAIN
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shares import Answer, Grant, Key, Shares, What
from fastemailnet.delivery.terms import Ceilings, Terms
from fastemailnet.delivery.throttle import Pace
from fastemailnet.envelope import Lane
from fastemailnet.net.clock import since_boot_s
from fastemailnet.net.door import Claim, Door, TurnIsFarError
from fastemailnet.net.doors import Doors

SITES = ("a", "b", "c")
MAILS = 250
SPAN_S = 0.5
CHANGE_EVERY_S = 0.02


class World:
    """Three sites of one provider, to which not all of their domains belong."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.limits = dict.fromkeys(SITES, 5)
        self.of_provider, self.pace = 7, None
        self.shares = Shares(0, 1, since_boot_s())
        self.doors = Doors(self.terms, self.shares)
        self.ended = 0

    def terms(self, domain: str, hosts: Sequence[str]) -> Terms:
        ceilings = Ceilings(self.limits[hosts[0]], self.pace)
        if domain == "vain.example":
            return Terms(hosts[0], ceilings)
        return Terms(hosts[0], ceilings, "big", Ceilings(self.of_provider))

    async def change(self) -> None:
        """Limits rise and sink, parts come and end."""
        while True:
            await asyncio.sleep(CHANGE_EVERY_S)
            site, now_s = self.draw.choice(SITES), since_boot_s()
            self.limits[site], self.of_provider = self.draw.randrange(1, 9), self.draw.randrange(1, 9)
            self.pace = self.draw.choice([None, Pace(300.0, 5.0), Pace(2_000.0, 1.0)])
            grant = Grant(9.0, float(self.draw.randrange(9)))
            self.shares.answered(Answer((1, 1), {Key(f"{site}:25", What.CONNECTIONS): grant}), now_s, now_s)
            self.doors.heed_shares()

    async def send(self) -> None:
        """One mail, from its coming until its place is given back."""
        await asyncio.sleep(self.draw.random() * SPAN_S)
        domain, site = self.draw.choice(("x.example", "vain.example")), self.draw.choice(SITES)
        hop = Hop(Target(site, 25), ("192.0.2.1",))
        delays_s = self.draw.choice([(), (15.0, 60.0)])
        claim = Claim(self.draw.choice(list(Lane)), self.draw.choice("tuv"), delays_s)
        try:
            await self.through(self.doors.of(domain, [hop]), claim, hop.target)
        except TurnIsFarError:
            assert delays_s
        self.ended += 1

    async def through(self, door: Door, claim: Claim, target: Target) -> None:
        await door.enter(claim, target, PLAIN)
        try:
            await asyncio.sleep(self.draw.random() * 0.02)
        finally:
            door.leave(None)


@pytest.mark.parametrize("seed", range(5))
async def test_nobody_is_left_at_a_door(seed: int) -> None:
    world = World(seed)
    changing = asyncio.create_task(world.change())
    mails = [asyncio.create_task(world.send()) for _ in range(MAILS)]
    for mail in world.draw.sample(mails, MAILS // 5):
        await asyncio.sleep(world.draw.random() * 2 * SPAN_S / (MAILS // 5))
        mail.cancel()
    async with asyncio.timeout(60):
        found = await asyncio.gather(*mails, return_exceptions=True)
    changing.cancel()
    assert {type(one) for one in found} <= {type(None), asyncio.CancelledError}
    assert world.ended >= MAILS * 4 // 5
    scopes = [*world.doors.sites.values(), *world.doors.providers.values()]
    assert [(scope.busy, len(scope.crowd)) for scope in scopes] == [(0, 0)] * 4
    assert not any(door.waiting for door in world.doors.doors.values())
