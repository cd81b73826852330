"""What other programs see of a fleet on a real broker: events keyed by message, repeated under the same id after a crash, and lag."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from actors import build, coordinator
from actors.ledger import LedgerActor
from fastemailnet.config import load
from tests.integration.kafka_log_world import settings_on
from tests.integration.test_a_fleet_in_one_process import house

MAILS = 30
PATIENCE_S = 30


class Killed(BaseException):
    """The process ends here."""


def told(bootstrap: str, prefix: str) -> list[tuple[str, dict[str, Any]]]:
    """Every event with its key, as any consumer reads them."""
    place = TopicPartition(f"{prefix}events", 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end, found = consumer.end_offsets([place])[place], []
    while len(found) < end:
        found += [(r.key.decode(), json.loads(r.value)) for r in consumer.poll(500).get(place, [])]
    consumer.close()
    return found


async def test_events_are_told_at_least_once_and_keyed_by_message(
    tmp_path: Path, bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_on(bootstrap, prefix, tmp_path)
    async with house(tmp_path, **given) as fleet:
        fleet.start_node("a")
        for number in range(MAILS):
            fleet.accept(f"r{number}@x.example")
        await fleet.until(lambda balance: balance["relayed"] == MAILS)
    environ = {"FASTEMAILNET_FLEET__DATA": str(tmp_path), **{f"FASTEMAILNET_{k}": v for k, v in given.items()}}
    settings = load(None, environ)
    ledger = LedgerActor(**build.ledger_parts(settings))
    ledger.positions = ledger._recover()

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(ledger.keeper, "append", killed)
    with pytest.raises(Killed):
        step_until_told(ledger)
    first = told(bootstrap, prefix)
    assert first
    ledger.keeper.close()
    after = LedgerActor(**build.ledger_parts(settings))
    after.positions = after._recover()
    leaves = 0
    while leaves < 2 * MAILS:
        leaves += after._step()
    events = told(bootstrap, prefix)
    by_id: dict[str, dict[str, Any]] = {}
    for key, event in events:
        assert key == event["message"]
        assert by_id.setdefault(event["event_id"], event) == event
    assert len(events) > len(by_id)
    assert sorted(event["event"] for event in by_id.values()) == ["accepted"] * MAILS + ["relayed"] * MAILS
    assert {event["recipient"] for event in by_id.values()} == {f"r{number}@x.example" for number in range(MAILS)}
    ledger.log.close()
    after.log.close()


def step_until_told(ledger: LedgerActor) -> None:
    while True:
        ledger._step()


async def test_low_watermarks_are_committed_for_lag_tools(
    tmp_path: Path, bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "SHOW_S", 0.1)
    given = settings_on(bootstrap, prefix, tmp_path)
    async with house(tmp_path, **given) as fleet:
        fleet.start_node("a")
        for number in range(MAILS):
            fleet.accept(f"r{number}@x.example")
        await fleet.until(lambda balance: balance["relayed"] == MAILS)
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        group = f"{prefix}fastemailnet"
        committed: dict[str, int] = {}
        while sum(committed.values()) < MAILS:
            assert asyncio.get_running_loop().time() < deadline, committed
            await asyncio.sleep(0.1)
            offsets = admin.list_group_offsets({group: None})[group]
            mail = f"{prefix}mail.standard"
            committed = {f"{at.topic}/{at.partition}": o.offset for at, o in offsets.items() if at.topic == mail}
        admin.close()
        assert sum(committed.values()) == MAILS
