"""A node's door to the log: its frames go into one journal partition, batched over all sessions.

Permissions (INTENT, OUTCOME before the point of no return, BEAT) carry the token and may be refused; facts (OUTCOME behind an
INTENT, VOID) never are (R5). Every acknowledged append under the token pushes the node's deadline on (R2).
"""

import asyncio
from collections.abc import Sequence

from actors.clock import monotonic_ms
from fastemailnet.envelope import Dead, Position, Unit, encode_dead, encode_unit
from fastemailnet.errors import LogError
from fastemailnet.flashsync.frames import JOURNAL, NodeFrame, encode
from fastemailnet.flashsync.node import Right
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced, Token

DEAD = "dead"
COPY_OCTETS = 2_097_152  # of bodies in one append of copies
LARGE_OCTETS = 65_536  # of a body whose copies wait for their turn
LARGE_AT_ONCE = 8


class Journal:
    """The journal of one incarnation."""

    def __init__(self, group: GroupCommit, slot: int, right: Right) -> None:
        self.group = group
        self.slot = slot
        self.right = right
        self.token = Token(right.node, right.incarnation)
        self.large = asyncio.Semaphore(
            LARGE_AT_ONCE
        )  # a host that defers all at once must not have all bodies here twice

    async def ask(self, frame: NodeFrame) -> int | None:
        """Append a permission; its position, or None where the incarnation is fenced."""
        sent_ms = monotonic_ms()
        numbered = self.right.numbered(frame)
        landed = await self.group.append(JOURNAL, self.slot, [encode(numbered)], token=self.token)
        if isinstance(landed, Fenced):
            self.right.fence()
            return None
        self.right.acknowledged(sent_ms)
        return landed[0]

    async def tell(self, frame: NodeFrame) -> None:
        """Append a fact."""
        landed = await self.group.append(JOURNAL, self.slot, [encode(self.right.numbered(frame))], is_urgent=False)
        if isinstance(landed, Fenced):
            raise LogError("the log fenced an append that carried no token")

    async def copy(self, tier: str, units: Sequence[Unit]) -> list[Position]:
        """Append copies to a deferral tier; where they stand once all are durable. Many large ones go in several appends."""
        if len(units[0].body) <= LARGE_OCTETS:
            return await self._copy(tier, units)
        async with self.large:
            return await self._copy(tier, units)

    async def _copy(self, tier: str, units: Sequence[Unit]) -> list[Position]:
        places: list[Position] = []
        at_once = max(1, COPY_OCTETS // max(1, len(units[0].body)))  # all are of one message
        for first in range(0, len(units), at_once):
            places += await self._append(tier, [encode_unit(unit) for unit in units[first : first + at_once]])
        return places

    async def keep(self, dead: Dead) -> Position:
        """Append to the stream of what could not be worked on."""
        (at,) = await self._append(DEAD, [encode_dead(dead)])
        return at

    async def _append(self, stream: str, records: list[bytes]) -> list[Position]:
        landed = await self.group.append(stream, 0, records)
        if isinstance(landed, Fenced):
            raise LogError("the log fenced an append that carried no token")
        return [Position(stream, 0, offset) for offset in landed]
