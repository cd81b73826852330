"""A policy's verdict waits for what it tells, and for nothing that is not true any more."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import msgspec
import pytest

from actors import build
from actors.bodies import ALL_INLINE, Bodies
from actors.telling import AT_ONCE, LARGE_AT_ONCE, Telling
from actors.verdicts import Verdicts
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.blobs.interface import refer
from fastemailnet.config import load
from fastemailnet.envelope import Lane, Position, Recipient, Unit, decode_unit, encode_unit
from fastemailnet.errors import LogError
from fastemailnet.flashsync.coordinator import Write
from fastemailnet.flashsync.frames import JOURNAL, Fence, Intent, Resolve, Verdict, encode
from fastemailnet.flashsync.lease import Open, Spot
from fastemailnet.ledger.fact import LeafType, decode_facts
from fastemailnet.log.memory import MemoryLog
from fastemailnet.outcome import Kind

PATIENCE_S = 5.0
PEOPLE = (Recipient("r@x.example", 0), Recipient("s@x.example", 1))
UNIT = Unit(b"m" * 16, Lane.STANDARD, "t", 1, 9, "s@y.example", PEOPLE, "x.example", False, b"Subject: hi\r\n\r\nx\r\n")
FENCE = Write(Fence(1, "a", 1, 6, "silent"), 0)


class Store(FolderBlobs):
    """One that does not answer yet."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.answers, self.asked = Event(), 0

    def get(self, key: str) -> bytes:
        self.asked += 1
        self.answers.wait()
        return UNIT.body


def world(count: int, tmp_path: Any, *units: Unit) -> tuple[MemoryLog, Telling, dict[Spot, Open], list[Write]]:
    """So many doubts of one journal partition, and the verdict of each."""
    log = MemoryLog()
    log.append("mail.standard", 0, [encode_unit(unit) for unit in units or [UNIT] * count])
    log.append(JOURNAL, 0, [encode(Intent(1, n, 1, "a", 1, 5, UNIT.message, (0, 1))) for n in range(count)])
    telling = Telling(log, Verdicts(build.reporter(load(None, {})), Bodies(FolderBlobs(tmp_path), ALL_INLINE)))
    kinds = (Kind.IN_DOUBT, Kind.IN_DOUBT)
    doubts = {
        (0, n): Open(Position("mail.standard", 0, n), 1, 1, ("a", 1), (0, n), UNIT.message, kinds, 5)
        for n in range(count)
    }
    return (
        log,
        telling,
        doubts,
        [Write(Resolve(1, n, Verdict.BOUNCE, 9, "policy of the lane"), 0) for n in range(count)],
    )


async def all_told(telling: Telling) -> None:
    await asyncio.gather(*(task for _, task in telling.tasks.values()))


def resolves(writes: Sequence[Write]) -> list[Resolve]:
    return [write.frame for write in writes if isinstance(write.frame, Resolve)]


async def test_a_verdict_is_held_back_until_it_tells_and_everything_else_goes(tmp_path: Any) -> None:
    _, telling, doubts, writes = world(1, tmp_path)
    assert telling.ready([FENCE, *writes], doubts) == [FENCE]
    await all_told(telling)
    assert telling.has_news
    (frame,) = resolves(telling.ready(writes, doubts))
    facts = decode_facts(frame.evidence)
    assert [fact.type for fact in facts] == [LeafType.ACCEPTED] * 2 + [LeafType.FAILED] * 2
    assert [decode_unit(report).recipients[0].address for report in frame.reports] == ["s@y.example"]
    assert not telling.tasks


async def test_so_many_are_written_at_once_and_the_others_come_with_later_plans(tmp_path: Any) -> None:
    _, telling, doubts, writes = world(2 * AT_ONCE + 1, tmp_path)
    waiting = {one.frame.intent: one for one in writes if isinstance(one.frame, Resolve)}
    told: list[int] = []
    while waiting:
        for frame in resolves(telling.ready(list(waiting.values()), doubts)):
            told.append(frame.intent)
            del waiting[frame.intent], doubts[0, frame.intent]
        assert len(telling.tasks) <= AT_ONCE
        await all_told(telling)
    assert sorted(told) == list(range(2 * AT_ONCE + 1))


async def test_what_the_node_said_meanwhile_is_heeded(tmp_path: Any) -> None:
    _, telling, doubts, writes = world(1, tmp_path)
    telling.ready(writes, doubts)
    await all_told(telling)
    doubts[0, 0] = replace(doubts[0, 0], kinds=(Kind.BOUNCED, Kind.IN_DOUBT))
    assert telling.ready(writes, doubts) == []
    await all_told(telling)
    (frame,) = resolves(telling.ready(writes, doubts))
    (report,) = frame.reports
    assert b"s@x.example" in decode_unit(report).body
    assert b"r@x.example" not in decode_unit(report).body
    assert telling.ready([], {}) == []


async def test_a_log_that_cannot_be_read_now_is_asked_again(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log, telling, doubts, writes = world(1, tmp_path)
    with monkeypatch.context() as broken:

        def fetch(*_: object) -> list[tuple[int, bytes]]:
            raise LogError("no broker answers")

        broken.setattr(log, "fetch", fetch)
        assert telling.ready(writes, doubts) == []
        await all_told(telling)
        assert telling.ready(writes, doubts) == []
    assert telling.ready(writes, doubts) == []
    await all_told(telling)
    assert resolves(telling.ready(writes, doubts))[0].reports


async def test_a_log_that_does_not_answer_keeps_nobody_from_its_threads(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, telling, doubts, writes = world(AT_ONCE, tmp_path)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))  # where the coordinator appends its fences
    answers = Event()
    fetch = log.fetch

    def slow(*of: Any) -> list[tuple[int, bytes]]:
        answers.wait()
        return fetch(*of)

    monkeypatch.setattr(log, "fetch", slow)
    assert telling.ready(writes, doubts) == []
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "appended"), PATIENCE_S) == "appended"
    finally:
        answers.set()
    await all_told(telling)
    assert len(resolves(telling.ready(writes, doubts))) == AT_ONCE


async def test_a_store_of_bodies_that_does_not_answer_holds_up_no_other_mail(tmp_path: Any) -> None:
    large = msgspec.structs.replace(UNIT, body=b"", blob=refer(UNIT))
    _, telling, doubts, writes = world(3 * AT_ONCE, tmp_path, *[large] * 2 * AT_ONCE, *[UNIT] * AT_ONCE)
    store = Store(tmp_path)
    telling.verdicts = Verdicts(telling.verdicts.reporter, Bodies(store, ALL_INLINE))
    told: set[int] = set()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(told) < AT_ONCE:
                told |= {frame.intent for frame in resolves(telling.ready(writes, doubts))}
                doubts = {spot: entry for spot, entry in doubts.items() if spot[1] not in told}
                writes = [one for one in writes if isinstance(one.frame, Resolve) and one.frame.intent not in told]
                await asyncio.sleep(0.001)
        assert told == set(range(2 * AT_ONCE, 3 * AT_ONCE))
        assert 0 < store.asked <= LARGE_AT_ONCE
    finally:
        store.answers.set()
    await all_told(telling)
    frames = resolves(telling.ready(writes, doubts))
    assert len(frames) == 2 * AT_ONCE
    assert all(b"Subject: hi" in decode_unit(report).body for frame in frames for report in frame.reports)


async def test_a_mail_that_is_not_kept_any_more_is_decided_without(tmp_path: Any) -> None:
    log, telling, doubts, writes = world(1, tmp_path)
    log.trim("mail.standard", 0, 1)
    assert telling.ready(writes, doubts) == []
    await all_told(telling)
    assert telling.ready(writes, doubts) == writes
