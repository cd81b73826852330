"""The suppression list as a process has it: folded from its stream, caught up before every question.

A node asks in the attempt itself, just before MAIL: a complaint counts for what waits in a tier or behind a connection, too.
"""

from collections.abc import Callable, Collection, Sequence

from actors.followed import Followed
from actors.unread import Unread
from fastemailnet.delivery.suppression import STREAM, Book, Change, Policy, by_fact, decode_change, encode_change
from fastemailnet.envelope import Unit
from fastemailnet.ledger.fact import Fact
from fastemailnet.log.interface import Fenced, Log
from fastemailnet.outcome import BounceClass, Kind, Outcome

STATUS = (5, 7, 1)  # RFC 3463: delivery not authorized


class Suppressions:
    """The list of one process. The first reading of a long list takes about 2 s a million entries."""

    def __init__(self, log: Log, unread: Unread | None = None) -> None:
        self.book = Book()
        self.changes = Followed(log, STREAM, decode_change, self.book.apply, unread or Unread())

    def catch_up(self) -> None:
        """Read what is new."""
        self.changes.catch_up()

    def stopped(self, unit: Unit, spared: Collection[int], now_ms: int) -> list[Outcome]:
        """The outcomes of the unit's recipients that are not written to. ``spared``: those whom an earlier end may have reached.

        To ask a peer whether it took a message is no new message, and a doubt must be settled.
        """
        self.catch_up()
        found = []
        for recipient in unit.recipients:
            entry = self.book.find(recipient.address, unit.tenant, unit.lane.value, now_ms)
            if entry is not None and recipient.index not in spared:
                reason = f"on the suppression list ({entry.origin.value}): {entry.reason}"
                found.append(
                    Outcome(recipient.index, Kind.SUPPRESSED, reason, None, BounceClass.POLICY_RELATED, STATUS)
                )
        return found


def projector(log: Log, policy: Policy) -> Callable[[Sequence[Fact]], None]:
    """Appends what facts do to the list. Who reads facts calls it before it remembers that it read them: twice perhaps, never not."""

    def project(facts: Sequence[Fact]) -> None:
        changes: list[Change] = [entry for fact in facts if (entry := by_fact(fact, policy)) is not None]
        if changes:
            landed = log.append(STREAM, 0, [encode_change(change) for change in changes])
            assert not isinstance(landed, Fenced)  # the stream has no tokens

    return project
