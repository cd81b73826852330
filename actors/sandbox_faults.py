"""What the capture inbox does wrong on demand, as mail sandboxes do: so that senders see their bounces and retries.

A recipient's local part (without a ``+tag``) chooses a refusal by its name, on any domain. Probabilities break
connections at the two places that matter to a sender who must not send twice: before the message was kept, and after
it was kept but before the reply. Over CHECKPOINT the second can be asked about, and is answered. Draws come from a seed, so
that a run can be repeated.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fastemailnet.outcome import Reply

AT_RCPT: Final = {
    "bounce": Reply(550, (5, 1, 1), "no such mailbox (sandbox)"),
    "full": Reply(552, (5, 2, 2), "mailbox full (sandbox)"),
    "defer": Reply(451, (4, 7, 1), "greylisted, try again later (sandbox)"),
    "busy": Reply(452, (4, 2, 2), "mailbox busy, try again later (sandbox)"),
}
AT_END: Final = {
    "reject": Reply(554, (5, 7, 1), "message refused after the end of data (sandbox)"),
    "later": Reply(451, (4, 3, 0), "not taken now, try again later (sandbox)"),
}


class Break(Enum):
    """Whether and where the connection of a message ends."""

    NEVER = "never"
    BEFORE_KEEPING = "before-keeping"  # not received, and the sender cannot know
    AFTER_KEEPING = "after-keeping"  # received, and the sender cannot know


@dataclass(frozen=True, slots=True)
class Faults:
    """How often, how late, and by which seed."""

    delay_ms: int = 0  # of the reply to a message
    break_before: float = 0.0  # probability of BEFORE_KEEPING
    break_after: float = 0.0  # probability of AFTER_KEEPING
    seed: int = 0

    def draw(self, chance: float) -> Break:
        """Where a message's connection ends; ``chance`` is uniform in [0, 1)."""
        if chance < self.break_before:
            return Break.BEFORE_KEEPING
        return Break.AFTER_KEEPING if chance < self.break_before + self.break_after else Break.NEVER


def refused_at_rcpt(address: str) -> Reply | None:
    """The refusal that a recipient asks for at RCPT."""
    return AT_RCPT.get(_name(address))


def refused_at_end(recipients: list[str]) -> Reply | None:
    """The refusal that the first such recipient asks for after the end of data."""
    return next((reply for reply in map(AT_END.get, map(_name, recipients)) if reply), None)


def _name(address: str) -> str:
    return address.rpartition("@")[0].partition("+")[0].lower()
