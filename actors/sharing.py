"""A node's side of the fleet's limits: asks the coordinator for its parts, again and again, and has the doors heed them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastemailnet.delivery.shares import LEASE_S, Answer, Request, Shares
from fastemailnet.errors import FastEmailNetError
from fastemailnet.net.clock import since_boot_s
from fastemailnet.net.doors import Doors

EVERY_S = 1.0
SOON_S = 0.05  # while nothing was lent yet
HUNGRY_S = 0.25  # while somebody waits

Lend = Callable[[Request], Awaitable[Answer | None]]


class Sharing:
    """The conversation of one process. Without a coordinator the parts end by themselves (``shares``)."""

    def __init__(self, doors: Doors, shares: Shares, lend: Lend) -> None:
        self.doors, self.shares, self.lend = doors, shares, lend

    async def run(self, incarnation: int) -> None:
        """Ask for ever."""
        before_s = since_boot_s() - EVERY_S
        while True:
            now_s = since_boot_s()
            wants = self.doors.wants(now_s - before_s)
            before_s = now_s
            request = self.shares.request(incarnation, wants, now_s)
            # An answer that is later than this must not be heeded any more.
            pause_s = EVERY_S
            with suppress(FastEmailNetError, TimeoutError):
                answer = await asyncio.wait_for(self.lend(request), LEASE_S)
                if answer is not None:
                    self.shares.answered(answer, now_s, since_boot_s())
                pause_s = SOON_S if answer is None or answer.grants is None else EVERY_S
            self.doors.heed_shares()
            await asyncio.sleep(min(pause_s, HUNGRY_S) if self.doors.is_crowded else pause_s)
