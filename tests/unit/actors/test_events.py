"""Each fact is one event, with an id that names its place and nothing else."""

import json

from actors.events import EVENTS, Events, events
from fastemailnet import ids
from fastemailnet.ledger.fact import Fact, LeafType
from fastemailnet.log.memory import MemoryLog

MESSAGE = ids.message_id(1_700_000_000_000, bytes(10))


def fact(what: LeafType, index: int = 0, **detail: str) -> Fact:
    who = (MESSAGE, index, ids.delivery_id(MESSAGE, index))
    names = ("default", "a@example.org", f"r{index}@x.example")
    return Fact(what, 1_700_000_000_001, *who, 1, 250, (2, 0, 0), 0, *names, b"", dict(detail), bytes(32))


def test_an_event_says_what_happened_to_which_delivery() -> None:
    ((key, record),) = events(3, [(17, fact(LeafType.RELAYED, reply="OK", host="mx.x.example", kind="relayed"))])
    assert key == ids.to_text(MESSAGE).encode()
    assert json.loads(record) == {
        "event_id": "3-17-0",
        "event": "relayed",
        "at_ms": 1_700_000_000_001,
        "message": ids.to_text(MESSAGE),
        "delivery": ids.to_text(ids.delivery_id(MESSAGE, 0)),
        "recipient": "r0@x.example",
        "sender": "a@example.org",
        "tenant": "default",
        "attempt": 1,
        "reply": "OK",
        "host": "mx.x.example",
        "kind": "relayed",
        "code": 250,
        "enhanced": "2.0.0",
    }


def test_facts_of_one_frame_have_ids_of_their_own() -> None:
    facts = [(4, fact(LeafType.ACCEPTED)), (4, fact(LeafType.RELAYED)), (5, fact(LeafType.FAILED, 1, kind="expired"))]
    told = [json.loads(record) for _, record in events(0, facts)]
    assert [(event["event_id"], event["event"]) for event in told] == [
        ("0-4-0", "accepted"),
        ("0-4-1", "relayed"),
        ("0-5-0", "expired"),
    ]
    assert told == [json.loads(record) for _, record in events(0, facts)]


def test_facts_of_several_partitions_are_told_in_one_append() -> None:
    log = MemoryLog()
    Events(log).tell({0: [(1, fact(LeafType.RELAYED))], 5: [(2, fact(LeafType.RELAYED))], 7: []})
    assert [json.loads(record)["event_id"] for _, record in log.fetch(EVENTS, 0, 0, 9)] == ["0-1-0", "5-2-0"]
    Events(log).tell({0: []})
    assert log.end(EVENTS, 0) == 2
