"""What happened to each delivery, for programs: one JSON record for each transition, in the stream ``events``, keyed by message.

A projection of the journal like any other. The ledger's process makes it, before it takes the facts into its own files, so that a crash
between the two tells an event again and never loses one; ``event_id`` names the place of the fact in the journal and tells a
repetition from news.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from actors.timeline import state_of
from fastemailnet import ids
from fastemailnet.ledger.fact import Fact
from fastemailnet.log.interface import Log

EVENTS = "events"


class Events:
    """Appends to the stream, which has one partition: a request to a broker costs as much for one event as for a hundred."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def tell(self, found: Mapping[int, Iterable[tuple[int, Fact]]]) -> None:
        """Facts by journal partition, with their positions and in order; durable on return.

        Raises:
            LogError: as the log raises it; perhaps some are told.
        """
        pairs = [pair for partition, facts in found.items() for pair in events(partition, facts)]
        if pairs:
            self.log.append(EVENTS, 0, [record for _, record in pairs], keys=[key for key, _ in pairs])


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
