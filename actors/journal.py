"""A node's door to the log: its frames go into one journal partition, batched over all sessions.

Permissions (INTENT, OUTCOME before the point of no return, BEAT) carry the token and may be refused; facts (OUTCOME behind an
INTENT, VOID) never are (R5). Every acknowledged append under the token pushes the node's deadline on (R2).
"""

from actors.clock import monotonic_ms
from fastemailnet.envelope import Position, Unit, encode_unit
from fastemailnet.errors import LogError
from fastemailnet.flashsync.frames import JOURNAL, NodeFrame, encode
from fastemailnet.flashsync.node import Right
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced, Token


class Journal:
    """The journal of one incarnation."""

    def __init__(self, group: GroupCommit, slot: int, right: Right) -> None:
        self.group = group
        self.slot = slot
        self.right = right
        self.token = Token(right.node, right.incarnation)

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
        landed = await self.group.append(JOURNAL, self.slot, [encode(self.right.numbered(frame))])
        if isinstance(landed, Fenced):
            raise LogError("the log fenced an append that carried no token")

    async def copy(self, tier: str, unit: Unit) -> Position:
        """Append a copy of the unit to a deferral tier; where it stands once it is durable."""
        landed = await self.group.append(tier, 0, [encode_unit(unit)])
        if isinstance(landed, Fenced):
            raise LogError("the log fenced an append that carried no token")
        return Position(tier, 0, landed[0])
