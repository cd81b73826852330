"""The gateway's side of the suppression list: what a person adds or takes off becomes a record before it is answered."""

import asyncio
from collections.abc import Sequence
from itertools import islice, takewhile

from actors.clock import wall_ms
from actors.suppressions import Suppressions
from fastemailnet import ids
from fastemailnet.delivery.suppression import (
    DAY_MS,
    FOR_GOOD,
    STREAM,
    Change,
    Lift,
    Origin,
    Suppress,
    encode_change,
)
from fastemailnet.delivery.unsubscription import Leaving
from fastemailnet.errors import NotFound
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.web.suppression import Addition, Removal


class SuppressionListing:
    """Implements ``web.suppression.Listing`` and ``web.unsubscribe.Leavers``."""

    def __init__(self, log: Log, group: GroupCommit) -> None:
        self.log = log
        self.group = group
        self.list: Suppressions | None = None  # read when it is first asked for, off the loop
        self.one_at_a_time = asyncio.Lock()

    async def suppressed(self, after: str, limit: int) -> Sequence[Suppress]:
        """See ``Listing.suppressed``."""
        book = (await self._read()).book
        listed = book.listed(wall_ms(), after)
        page = list(islice(listed, limit))
        # A page ends behind an address, never among its entries: the next one begins behind the address.
        return [*page, *takewhile(lambda entry: entry.address == page[-1].address, listed)]

    async def suppress(self, wish: Addition) -> Suppress:
        """See ``Listing.suppress``."""
        now_ms = wall_ms()
        until_ms = FOR_GOOD if wish.days is None else now_ms + wish.days * DAY_MS
        entry = Suppress(wish.address, wish.tenant, wish.lane, now_ms, until_ms, Origin.PERSON, wish.reason)
        await self._append(entry)
        return entry

    async def lift(self, wish: Removal) -> Suppress:
        """See ``Listing.lift``."""
        change = Lift(wish.address, wish.tenant, wish.lane, wall_ms(), wish.reason)
        entry = (await self._read()).book.entries.get(change.key)
        if entry is None or entry.until_ms <= change.at_ms:
            where = f"tenant {wish.tenant or 'all'}, lane {wish.lane or 'all'}"
            raise NotFound(f"{wish.address} is not on the suppression list ({where})")
        await self._append(change)
        return entry

    async def unsubscribe(self, leaving: Leaving) -> None:
        """See ``web.unsubscribe.Leavers``. Who is on the list for good is not put on it again, or one link could fill the log."""
        reason = f"one click in message {ids.to_text(leaving.message)}"
        who = (leaving.address, leaving.tenant, leaving.lane.value)
        entry = Suppress(*who, wall_ms(), FOR_GOOD, Origin.UNSUBSCRIBE, reason)
        held = (await self._read()).book.entries.get(entry.key)
        if held is None or held.until_ms < FOR_GOOD:
            await self._append(entry)

    async def _append(self, change: Change) -> None:
        await self.group.append(STREAM, 0, [encode_change(change)])

    async def _read(self) -> Suppressions:
        async with self.one_at_a_time:
            if self.list is None:
                self.list = await asyncio.to_thread(Suppressions, self.log)
            await asyncio.to_thread(self.list.catch_up)
            return self.list
