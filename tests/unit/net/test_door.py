"""What a door expects of its site."""

import asyncio

from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.terms import Ceilings, Terms
from fastemailnet.net.door import Door, Scope

CEILINGS = Ceilings(10)
STALL_S = 40.0
STALLED = 18  # mails in work when the host stood still


async def test_one_stall_does_not_make_a_site_slow_for_all_who_come_after() -> None:
    now_s = asyncio.get_running_loop().time()
    door = Door(Terms("site", CEILINGS), (Scope("site", CEILINGS, Shares(0, 1, now_s)),))
    before_s = door.held_s
    for _ in range(STALLED):
        door.site.busy += 1
        door.leave(None, now_s - STALL_S)
    assert before_s < door.held_s < STALL_S / 50


async def test_a_site_that_is_slow_is_known_to_be() -> None:
    now_s = asyncio.get_running_loop().time()
    door = Door(Terms("site", CEILINGS), (Scope("site", CEILINGS, Shares(0, 1, now_s)),))
    for _ in range(100):
        door.site.busy += 1
        door.leave(None, now_s - 3.0)
    assert 2.5 < door.held_s < 3.5
