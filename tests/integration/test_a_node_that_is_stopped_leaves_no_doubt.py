"""A node that is asked to leave begins nothing more and hears what became of the mail whose end it has written."""

import asyncio
from pathlib import Path

from actors.sandbox_faults import Faults
from fastemailnet.flashsync.frames import Intent, Outcome
from tests.integration.test_a_fleet_in_one_process import PATIENCE_S, House, house

MAILS = 4  # fewer than connections to a new host


async def ended(fleet: House) -> None:
    """Wait until the ends of all mails are written."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while sum(isinstance(frame, Intent) for frame in fleet.frames()) < MAILS:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_it_waits_for_replies_and_the_rest_is_for_the_next(tmp_path: Path) -> None:
    async with house(tmp_path, Faults(delay_ms=1_000)) as fleet:
        node = fleet.start_node("a")
        for number in range(MAILS):
            fleet.accept(f"r{number}@x.example")
        await ended(fleet)
        leaving = asyncio.create_task(node.drain(PATIENCE_S))
        await asyncio.sleep(0.1)
        fleet.accept("rest@x.example")
        assert await leaving == 0
        balance = await fleet.until(lambda b: b["relayed"] == MAILS)
        assert (balance["in_doubt"], balance["open"]) == (0, 1)
        fleet.tasks.pop().cancel()
        fleet.start_node("a")
        await fleet.until(lambda b: b["relayed"] == MAILS + 1)
        assert len(fleet.arrivals()) == MAILS + 1
        assert sum(isinstance(frame, Outcome) for frame in fleet.frames()) == MAILS + 1


async def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with house(tmp_path, Faults(delay_ms=3_000)) as fleet:
        node = fleet.start_node("a")
        for number in range(MAILS):
            fleet.accept(f"r{number}@x.example")
        await ended(fleet)
        assert await node.drain(0.1) == MAILS


async def test_one_that_has_nothing_to_wait_for_leaves_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        node = fleet.start_node("a")
        assert await node.drain(PATIENCE_S) == 0
        fleet.accept("r@x.example")
        await asyncio.sleep(0.5)
        assert (await fleet.until(lambda b: b["accepted"] == 1))["open"] == 1
