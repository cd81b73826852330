"""What happened to each delivery, for programs: one JSON record for each transition, in the stream ``events``, keyed by message.

A projection of the journal like any other. The ledger's process makes it, before it takes the facts into its own files, so that a crash
between the two tells an event again and never loses one; ``event_id`` names the place of the fact in the journal and tells a
repetition from news.
"""

import json
from collections.abc import Iterable, Iterator

from actors.timeline import state_of
from fastemailnet import ids
from fastemailnet.ledger.fact import Fact
from fastemailnet.log.interface import Log

EVENTS = "events"


class Events:
    """Appends to the stream, spread over its partitions by message."""

    def __init__(self, log: Log, partitions: int) -> None:
        self.log = log
        self.partitions = partitions

    def tell(self, partition: int, facts: Iterable[tuple[int, Fact]]) -> None:
        """The facts of one journal partition with their positions, in order; durable on return.

        Raises:
            LogError: as the log raises it; perhaps some are told.
        """
        spread: dict[int, list[tuple[bytes, bytes]]] = {}
        for key, record in events(partition, facts):
            spread.setdefault(key[-1] % self.partitions, []).append((key, record))
        for number, pairs in spread.items():
            self.log.append(EVENTS, number, [record for _, record in pairs], keys=[key for key, _ in pairs])


def events(partition: int, facts: Iterable[tuple[int, Fact]]) -> Iterator[tuple[bytes, bytes]]:
    """Key (the message's id as text) and JSON of each fact; several facts of one position are told apart by their number."""
    last, number = -1, 0
    for position, fact in facts:
        number = number + 1 if position == last else 0
        last = position
        message = ids.to_text(fact.message)
        event = {
            "event_id": f"{partition}-{position}-{number}",
            "event": state_of(fact.type, fact.detail),
            "at_ms": fact.at_ms,
            "message": message,
            "delivery": ids.to_text(fact.delivery),
            "recipient": fact.recipient,
            "sender": fact.sender,
            "tenant": fact.tenant,
            "attempt": fact.attempt,
            **fact.detail,
        }
        if fact.smtp_code:
            event |= {"code": fact.smtp_code, "enhanced": ".".join(map(str, fact.enhanced or ()))}
        yield message.encode(), json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
