"""Whoever tells first of a first attempt, its node or a verdict about it, tells that the mail was accepted; nobody tells it twice."""

import asyncio
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from actors import build
from actors.evidence import evidence, resolved
from actors.ledger import LedgerActor
from actors.sandbox_faults import Faults
from fastemailnet.archive.receipts import Row
from fastemailnet.config import load
from fastemailnet.envelope import Lane, Recipient, Unit, encode_unit
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import JOURNAL, NO_INTENT, Fence, Intent, JournalFrame, Resolve, Verdict, encode
from fastemailnet.flashsync.frames import Outcome as OutcomeFrame
from fastemailnet.ledger.fact import Flag, LeafType
from fastemailnet.log.interface import Fenced
from fastemailnet.outcome import Kind, Outcome
from tests.integration.test_a_fleet_in_one_process import house

PATIENCE_S = 30.0
UNIT = Unit(b"m" * 16, Lane.STANDARD, "t", 1, 9, "s@y.example", (Recipient("r@x.example", 0),), "x.example", False, b"")
INTENT = Intent(1, 0, 1, "a", 1, 5, UNIT.message, (0,))
FENCE = Fence(1, "a", 1, 6, "silent")


def spoken(kind: Kind, attempt: int = 1, node: str = "a", intent: int = 0) -> OutcomeFrame:
    """What a node tells."""
    more = {"at_ms": 7, "content_sha256": b"", "flags": Flag(0), "where": {}}
    proof = evidence(UNIT, attempt, [Outcome(0, kind, "r")], **more)
    return OutcomeFrame(1, 0, attempt, node, 1, 7, intent, (kind,), None, proof)


def decided(verdict: Verdict, *, is_kept: bool = True) -> Resolve:
    """What a policy or a person decides; ``is_kept``: whether the mail was there to be told of."""
    becomes = {Verdict.BOUNCE: Kind.BOUNCED, Verdict.ASSUME_RELAYED: Kind.RELAYED}.get(verdict, Kind.IN_DOUBT)
    proof = resolved(UNIT, 1, [Outcome(0, becomes, "r")], verdict, "r", 8) if is_kept else b""
    return Resolve(1, 0, verdict, 8, "r", None, proof)


def again(kind: Kind) -> tuple[JournalFrame, ...]:
    """The second attempt, by another node, which writes this partition too."""
    return Intent(2, 0, 2, "b", 1, 9, UNIT.message, (0,)), spoken(kind, 2, "b", -1)


STORIES: dict[str, tuple[JournalFrame, ...]] = {
    "a reply": (INTENT, spoken(Kind.RELAYED)),
    "an append that landed twice": (INTENT, spoken(Kind.RELAYED), spoken(Kind.RELAYED)),
    "silence, a retry": (INTENT, FENCE, decided(Verdict.RETRY), *again(Kind.RELAYED)),
    "silence, a retry, a late word": (INTENT, FENCE, decided(Verdict.RETRY), spoken(Kind.RELAYED)),
    "silence, a late word, a retry that is void": (INTENT, FENCE, spoken(Kind.RELAYED), decided(Verdict.RETRY)),
    "silence, given up": (INTENT, FENCE, decided(Verdict.BOUNCE)),
    "silence, taken for relayed, two verdicts": (
        INTENT,
        FENCE,
        decided(Verdict.ASSUME_RELAYED),
        decided(Verdict.ASSUME_RELAYED),
    ),
    "a doubt, a verdict": (INTENT, spoken(Kind.IN_DOUBT), decided(Verdict.RETRY), *again(Kind.BOUNCED)),
    "a doubt, a verdict, a late word": (INTENT, spoken(Kind.IN_DOUBT), decided(Verdict.BOUNCE), spoken(Kind.RELAYED)),
    "a doubt, a reply after all": (INTENT, spoken(Kind.IN_DOUBT), spoken(Kind.RELAYED)),
    "a verdict that knew no mail, a late word": (
        INTENT,
        FENCE,
        decided(Verdict.RETRY, is_kept=False),
        spoken(Kind.RELAYED),
    ),
}


async def leaves(tmp_path: Path, frames: tuple[JournalFrame, ...], stops: int) -> list[Row]:
    """The timeline of the mail after these frames. ``stops``: how many frames one life of the ledger reads."""
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    rows: list[Row] = []
    for first in range(0, len(frames), stops):
        landed = log.append(JOURNAL, 0, [encode(frame) for frame in frames[first : first + stops]])
        assert not isinstance(landed, Fenced)
        ledger = LedgerActor(**build.ledger_parts(settings))
        task = asyncio.create_task(ledger.run())
        rows = await ledger.timeline(UNIT.message, {0: landed[-1] + 1})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(ledger.thread.shutdown)
        ledger.keeper.close()
    log.close()
    return rows


@pytest.mark.parametrize("stops", [1, 9])
@pytest.mark.parametrize("story", STORIES)
async def test_it_is_told_once_and_first_whoever_speaks_and_whenever_the_ledger_starts_anew(
    tmp_path: Path, story: str, stops: int
) -> None:
    rows = await leaves(tmp_path, STORIES[story], stops)
    assert [row.type for row in rows].count(LeafType.ACCEPTED) == 1
    assert rows[0].type is LeafType.ACCEPTED
    assert all(one.leaf < other.leaf for one, other in pairwise(rows))


@pytest.mark.parametrize("lane", list(Lane))
async def test_a_fleet_tells_it_of_mail_whose_node_was_fenced_and_spoke_too_late(tmp_path: Path, lane: Lane) -> None:
    """The peer takes the mail and answers when the node is fenced and the doubt resolved: then the node's word comes as well."""
    verdicts = (Verdict.RETRY, Verdict.BOUNCE, Verdict.ASSUME_RELAYED)
    by_lane = {one.stream: verdict for one, verdict in zip(Lane, verdicts, strict=True)}
    policy = Policy(verdicts=by_lane, doubt_ms=200)
    async with house(tmp_path, Faults(delay_ms=1_500), policy) as fleet:
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        fleet.start_node("a")
        fleet.accept("r@x.example", lane=lane)
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not (begun := [frame for frame in fleet.frames() if isinstance(frame, Intent)]):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        await fleet.coordinator.suspect("a", "for the test")
        await fleet.until(lambda b: b["open"] + b["in_doubt"] == 0)
        message, is_late = begun[0].message, False
        while not is_late:
            assert asyncio.get_running_loop().time() < deadline
            is_late = any(isinstance(x, OutcomeFrame) and x.attempt == x.incarnation == 1 for x in fleet.frames())
            await asyncio.sleep(0.02)
        fleet.auditor.catch_up()
        rows = await ledger.timeline(message, fleet.auditor.journal_positions())
        types = [row.type for row in rows]
        assert types.count(LeafType.ACCEPTED) == 1
        assert types[0] is LeafType.ACCEPTED
        assert any(row.detail.get("verdict") for row in rows)
        assert LeafType.RELAYED in types


@pytest.mark.parametrize("stops", [1, 9])
@pytest.mark.parametrize("story", ["before the end", "behind an INTENT"])
async def test_a_frame_that_landed_twice_has_one_leaf_and_one_report(tmp_path: Path, story: str, stops: int) -> None:
    """An append whose acknowledgement was lost may stand in the log twice; its number tells (R9)."""
    report = encode_unit(msgspec.structs.replace(UNIT, message=b"r" * 16, reverse_path=""))
    is_fact = story != "before the end"
    told = spoken(Kind.BOUNCED, intent=0 if is_fact else NO_INTENT)
    told = msgspec.structs.replace(told, seq=0 if is_fact else 1, reports=(report,))
    rows = await leaves(tmp_path, (msgspec.structs.replace(INTENT, seq=0), told, told), stops)
    assert [row.type for row in rows] == [LeafType.ACCEPTED, LeafType.FAILED]
    log = build.log(load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)}))
    assert log.ends(Lane.STANDARD.stream) == {(Lane.STANDARD.stream, 0): 1}
    log.close()
