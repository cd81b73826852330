"""The right of one node incarnation to act (R1, R2, R4, R8).

A node learns its leases from control and from nowhere else: a call may only tell it to look. It acts while it is not fenced and
while its deadline, counted from the moment it *sent* an append that the log acknowledged, has not passed. The log needs no clock to
be right (R3); the deadline keeps a frozen node from ending a message after the fleet has waited for it and resolved the doubt.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec

from fastemailnet.flashsync.frames import Assign, ControlFrame, Epoch, Join, NodeFrame, Split, is_fact
from fastemailnet.flashsync.lease import Lease

TTL_MS = 5_000
DEADLINE_MARGIN_MS = 200
INTENT_MAX_AGE_MS = 30_000
BEAT_EVERY_MS = 1_000
F = TypeVar("F", bound=NodeFrame)


class Standing(Enum):
    """Whether the incarnation still has permissions."""

    HOLDING = "holding"
    FENCED = "fenced"


class Release(Enum):
    """The answer to: may the end of this message be written now?"""

    GRANTED = "granted"
    FENCED = "the node is fenced"
    DEADLINE = "the node's lease is near its end"
    STALE = "the INTENT is too old"


@dataclass(slots=True)
class Right:
    """What one incarnation may do. Times are milliseconds of one monotonic clock of the node."""

    node: str
    incarnation: int
    sent_ms: int  # when the newest acknowledged append was sent
    epoch: int = 0
    standing: Standing = Standing.HOLDING
    intent_age_ms: int = INTENT_MAX_AGE_MS
    numbers: dict[bool, int] = field(
        default_factory=lambda: {False: 0, True: 0}
    )  # of the next permission, of the next fact

    def numbered(self, frame: F) -> F:
        """The frame with the number that its place in the order of this incarnation's appends gives it (R9)."""
        facts = is_fact(frame)
        number = self.numbers[facts]
        self.numbers[facts] = number + 1
        return msgspec.structs.replace(frame, seq=number)

    def control_read(self, frame: ControlFrame) -> Lease | Split | None:
        """What a control frame says to this incarnation, if it is valid (R1) and for it (R8): a lease, or a wish to share one."""
        match frame:
            case Epoch():
                self.epoch = max(self.epoch, frame.epoch)
            case Join() if frame.epoch == self.epoch and frame.node == self.node:
                if frame.incarnation > self.incarnation:
                    self.fence()
            case Assign() if self.may_hold(frame):
                return Lease.of(frame)
            case Split() if frame.epoch == self.epoch and self.standing is Standing.HOLDING:
                return frame
        return None

    def may_hold(self, frame: Assign) -> bool:
        """R1, R8: an ASSIGN counts only in the newest epoch and for exactly this incarnation."""
        return frame.epoch == self.epoch and (frame.node, frame.incarnation) == (self.node, self.incarnation)

    def acknowledged(self, sent_ms: int) -> None:
        """The log acknowledged an append that was sent at ``sent_ms`` with no fence before it."""
        self.sent_ms = max(self.sent_ms, sent_ms)

    def fence(self) -> None:
        """A FENCE was met: there is no way back for this incarnation."""
        self.standing = Standing.FENCED

    def may_end(self, intent_sent_ms: int, now_ms: int) -> Release:
        """R4: asked in the same turn of the loop in which the end would be written."""
        if self.standing is Standing.FENCED:
            return Release.FENCED
        if now_ms >= self.sent_ms + TTL_MS - DEADLINE_MARGIN_MS:
            return Release.DEADLINE
        if now_ms - intent_sent_ms >= self.intent_age_ms:
            return Release.STALE
        return Release.GRANTED

    def beat_due(self, now_ms: int) -> bool:
        """Whether nothing was acknowledged for so long that a BEAT must say that the node lives."""
        return self.standing is Standing.HOLDING and now_ms - self.sent_ms >= BEAT_EVERY_MS
