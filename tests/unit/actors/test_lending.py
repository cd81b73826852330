"""Who lends, and what becomes of a node that nobody lends to."""

import asyncio

import pytest

from actors import sharing
from actors.coordinator import CoordinatorActor
from actors.sharing import Sharing
from fastemailnet.delivery.shares import Answer, Request, Shares
from fastemailnet.delivery.terms import Ceilings, uniform
from fastemailnet.errors import FleetError, LogError
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import CONTROL, Epoch, encode
from fastemailnet.log.memory import MemoryLog
from fastemailnet.net.doors import Doors


async def test_a_coordinator_that_was_frozen_lends_nothing_once_another_leads() -> None:
    log = MemoryLog()
    first = CoordinatorActor(log, Policy(), 2)
    first.append([first.machine.candidacy(0)])
    first.read_all()
    assert await first.lend(Request(0, (1, 1), {})) is not None
    log.append(CONTROL, 0, [encode(Epoch(2, 0))])
    assert await first.lend(Request(0, (1, 2), {})) is None


@pytest.mark.parametrize("error", [FleetError("away"), LogError("read", "disk"), TimeoutError()])
async def test_a_node_asks_again_whatever_ails_the_coordinator(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "EVERY_S", 0.0)
    shares, again = Shares(0, 2, 0.0), asyncio.Event()

    async def lend(request: Request) -> Answer | None:
        if request.turn[1] == 1:
            raise error
        again.set()
        return None

    task = asyncio.create_task(Sharing(Doors(uniform(Ceilings(2)), shares), shares, lend).run(1))
    await asyncio.wait_for(again.wait(), 10)
    task.cancel()
