"""Records that another program appended: delivered by the same fleet, split by destination, dead where they are malformed.

A back end of the log hands such a record out as ``encode_native`` packs it; here it is appended in that form.
"""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from actors.clock import wall_ms
from actors.journal_check import check_journal
from actors.sandbox_faults import Faults
from actors.timeline import timeline
from fastemailnet import ids
from fastemailnet.admission.native import message_of_record
from fastemailnet.archive.receipts import Row
from fastemailnet.delivery import retry
from fastemailnet.envelope import Lane, Position
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import Outcome, Verdict
from fastemailnet.ledger.fact import Fact, LeafType, decode_facts
from fastemailnet.native import Native, encode_native
from tests.integration.test_a_fleet_in_one_process import House, house

MESSAGE = b"From: Shop <shop@shop.example>\nTo: ann@mail.example\nSubject: hello\n\nbody\n"
STREAM = Lane.STANDARD.stream


def put(fleet: House, *to: str, value: bytes = MESSAGE, lane: Lane = Lane.STANDARD, at_ms: int = 0) -> Position:
    """A record of a foreign producer; where it stands."""
    headers = tuple(("fen-to", one.encode()) for one in to)
    landed = fleet.log.append(lane.stream, 0, [encode_native(Native(headers, at_ms or wall_ms(), value))])
    assert isinstance(landed, range)
    return Position(lane.stream, 0, landed[0])


def facts(fleet: House) -> list[Fact]:
    return [fact for frame in fleet.frames() if isinstance(frame, Outcome) for fact in decode_facts(frame.evidence)]


def outcomes(fleet: House) -> list[Outcome]:
    return [frame for frame in fleet.frames() if isinstance(frame, Outcome)]


async def test_records_of_every_lane_are_delivered_beside_those_of_the_gateway(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        fleet.start_node("a")
        fleet.start_node("b")
        for number in range(60):
            put(fleet, *([f"r{number}@x.example"] if number % 2 else []), lane=list(Lane)[number % 3])
            fleet.accept(f"g{number}@x.example")
        balance = await fleet.until(lambda b: b["relayed"] == 120)
        assert (balance["accepted"], balance["open"], balance["dead"]) == (120, 0, 0)
        assert len(fleet.arrivals()) == 120
        assert check_journal(fleet.log, tmp_path / "inbox" / "received.jsonl").violations == []


async def test_a_record_for_several_destinations_is_one_transaction_for_each(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        fleet.start_node("a")
        place = put(fleet, "a@one.example, b@two.example", "c@one.example", "bounce@three.example", lane=Lane.BULK)
        balance = await fleet.until(lambda b: b["relayed"] == 3 and b["bounced"] == 1)
        assert (balance["accepted"], balance["open"], balance["deferred"]) == (4, 0, 0)
        arrived = sorted(sorted(line["recipients"]) for line in fleet.arrivals())  # type: ignore[call-overload]
        assert arrived == [["a@one.example", "c@one.example"], ["b@two.example"]]
        split, *parts = outcomes(fleet)
        assert [deferral.copy.stream for deferral in split.deferrals] == ["defer.now.bulk"] * 3
        assert {deferral.source for deferral in split.deferrals} == {place}
        assert sorted(len(part.kinds) for part in parts) == [1, 1, 2]
        assert {part.attempt for part in parts} == {1}
        told = facts(fleet)
        assert [fact.type for fact in told].count(LeafType.ACCEPTED) == 4
        assert [fact.type for fact in told].count(LeafType.DEFERRED) == 0
        assert {fact.message for fact in told} == {message_of_record(told[0].at_ms, place)}
        assert check_journal(fleet.log, tmp_path / "inbox" / "received.jsonl").violations == []


async def test_a_retry_and_a_doubt_of_one_destination_concern_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "TIERS", (("defer.1m", 200), ("defer.5m", 3_600_000)))
    async with house(tmp_path) as fleet:
        fleet.start_node("a")
        put(fleet, "defer@slow.example", "a@one.example", "b@two.example")
        await fleet.until(lambda b: b["relayed"] == 2 and b["deferred"] == 1)
        deadline = asyncio.get_running_loop().time() + 10
        while len(tries := [one for one in outcomes(fleet) if one.deferral and not one.more]) < 2:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
        # The split was no attempt: the first retry waits a minute and the second five, as for any mail.
        streams = [(one.attempt, one.deferral.copy.stream) for one in tries if one.deferral is not None]
        assert streams == [(1, "defer.1m"), (2, "defer.5m")]
        assert len(fleet.arrivals()) == 2
        assert check_journal(fleet.log, tmp_path / "inbox" / "received.jsonl").violations == []


async def test_parts_in_doubt_are_settled_one_by_one(tmp_path: Path) -> None:
    policy = Policy(verdicts={lane.stream: Verdict.ASSUME_RELAYED for lane in Lane}, doubt_ms=100)
    async with house(tmp_path, Faults(break_after=0.5, seed=7), policy) as fleet:
        fleet.start_node("a")
        for number in range(10):
            put(fleet, *(f"r{number}@d{domain}.example" for domain in range(4)))
        balance = await fleet.until(lambda b: b["relayed"] == 40)
        assert (balance["expired"], balance["open"], balance["in_doubt"]) == (0, 0, 0)
        assert sum(len(line["recipients"]) for line in fleet.arrivals()) == 40  # type: ignore[arg-type]
        assert check_journal(fleet.log).violations == []


async def test_a_split_survives_the_end_of_its_node(tmp_path: Path) -> None:
    async with house(tmp_path, Faults(delay_ms=20)) as fleet:
        fleet.start_node("a")
        for number in range(60):
            put(fleet, *(f"r{number}@d{domain}.example" for domain in range(3)))
            if number == 30:
                await fleet.until(lambda b: b["relayed"] >= 10)
                await fleet.coordinator.suspect("a", "the test says so")
        balance = await fleet.until(lambda b: b["relayed"] + b["in_doubt"] == 180)
        assert balance["open"] == 0
        findings = check_journal(fleet.log, tmp_path / "inbox" / "received.jsonl")
        assert findings.violations == []
        assert findings.figures["lost"] == 0


async def test_a_malformed_record_is_kept_with_its_reasons_and_blocks_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        bad = [
            put(fleet, "r@x.example", value=b"no message"),
            put(fleet, "no at sign"),
            put(fleet, "r@x.example", value=MESSAGE + b"smuggled\r\n"),
        ]
        fleet.log.append(STREAM, 0, [b"junk", b""])  # and an offset without a record, as a Kafka transaction leaves it
        put(fleet, "good@x.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] == 1 and b["dead"] == 4)
        assert (balance["accepted"], balance["open"]) == (5, 0)
        kept = [json.loads(record) for _, record in fleet.log.fetch("dead", 0, 0, 10)]
        by_place = {one["place"]: one for one in kept}
        assert set(by_place) == {*map(str, bad), f"{STREAM}/0@3"}
        assert "no From field" in " ".join(by_place[str(bad[0])]["reasons"])
        assert "no list of addresses" in by_place[str(bad[1])]["reasons"][0]
        assert "bare LF" in by_place[str(bad[2])]["reasons"][0]
        assert base64.b64decode(by_place[f"{STREAM}/0@3"]["record"]) == b"junk"
        died = {ids.to_text(fact.message): fact.detail for fact in facts(fleet) if fact.type is LeafType.FAILED}
        assert set(died) == {one["message"] for one in kept}
        assert all("kept as dead/0@" in str(detail["reason"]) for detail in died.values())
        assert check_journal(fleet.log).violations == []


async def test_what_a_person_sees_of_a_malformed_record(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        place = put(fleet, value=b"no message", at_ms=1_700_000_000_000)
        fleet.start_node("a")
        await fleet.until(lambda b: b["dead"] == 1)
        rows = [
            Row(number, x.at_ms, x.type, x.delivery, x.recipient_index, x.recipient, x.attempt, 0, None, 0, x.detail)
            for number, x in enumerate(facts(fleet))
        ]
        message = message_of_record(1_700_000_000_000, place)
        (delivery,) = timeline(message, rows, fleet.auditor.waiting(message), set())["deliveries"]
        assert delivery["state"] == "dead"
        assert "no From field" in delivery["events"][1]["reason"]


async def test_a_large_record_for_many_destinations_is_split_within_the_node_s_bounds(tmp_path: Path) -> None:
    async with house(tmp_path, LIMITS__PENDING_OCTETS="8000000") as fleet:
        value = MESSAGE + b"a line of a large message\n" * 35_000
        fleet.start_node("a")
        put(fleet, *(f"r@d{number}.example" for number in range(30)), value=value)
        balance = await fleet.until(lambda b: b["relayed"] == 30)
        assert (balance["open"], balance["deferred"]) == (0, 0)
