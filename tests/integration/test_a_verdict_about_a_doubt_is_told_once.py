"""A verdict about a doubt, of a person or a policy, comes back to the sender as any final failure: once, and for those whom it ends."""

import asyncio
import email
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flufl.bounce import all_failures

from actors import build
from actors.bodies import Bodies
from actors.journal_check import check_journal
from actors.ledger import LedgerActor
from actors.reports import Reporter, Written
from actors.sandbox_faults import Faults
from actors.timeline import timeline
from actors.verdicts import Verdicts
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.client import AsyncClient
from fastemailnet.config import load
from fastemailnet.envelope import Lane, Position, Recipient, Unit, decode_unit
from fastemailnet.errors import FleetError, LedgerError, NotFound
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import (
    JOURNAL,
    NOT_NUMBERED,
    Intent,
    Outcome,
    Resolve,
    Verdict,
    decode_journal,
    encode,
)
from fastemailnet.flashsync.lease import Open
from fastemailnet.outcome import Kind
from fastemailnet.outcome import Outcome as Outcome_
from tests.integration.test_a_doubt_is_resolved_by_a_person import doubtful
from tests.integration.test_a_fleet_in_one_process import House, house
from tests.integration.test_a_sender_is_told_once import Dying, reports

PEOPLE = ("r@x.example", "defer@x.example", "bounce@x.example")
BOUNCED = {b"bounce@x.example"}  # that the node told itself


def failed(fleet: House) -> list[set[bytes]]:
    """Of whom each report says that the mail failed for good."""
    return [all_failures(email.message_from_bytes(report))[1] for report in reports(fleet)]


def say_it_again(fleet: House, partition: int) -> None:
    """A second verdict behind the first, and the node's word of what became of it behind both: each with a report that is a lie now."""
    (verdict,) = [frame for frame in fleet.frames() if isinstance(frame, Resolve)]
    (doubt,) = [frame for frame in fleet.frames() if isinstance(frame, Outcome) and Kind.IN_DOUBT in frame.kinds]
    lie = msgspec.structs.replace(verdict, reports=doubt.reports)
    assert doubt.reports
    late = msgspec.structs.replace(doubt, kinds=(Kind.BOUNCED,) * 3, seq=NOT_NUMBERED, evidence=b"")
    fleet.log.append(JOURNAL, partition, [encode(lie), encode(late)])


@pytest.mark.parametrize(
    ("verdict", "told", "balance", "states"),
    [
        ("bounce", {b"r@x.example", b"defer@x.example"}, (2, 1, 0), ("bounced", "expired", "bounced")),
        ("assume-relayed", {b"defer@x.example"}, (1, 1, 1), ("resolved", "expired", "bounced")),
    ],
)
async def test_a_verdict_that_ends_mail_is_told_once_whoever_dies_or_speaks_again(
    tmp_path: Path, verdict: str, told: set[bytes], balance: tuple[int, int, int], states: tuple[str, ...]
) -> None:
    async with doubtful(tmp_path, Faults(break_after=1.0), *PEOPLE, IN_DOUBT__STANDARD="hold") as (fleet, url):
        (doubt,) = fleet.auditor.in_doubt()
        async with AsyncClient(url) as client:
            both = [client.resolve(doubt["id"], verdict, f"reviewer {number}") for number in range(2)]
            answers = await asyncio.gather(*both, return_exceptions=True)
        assert [type(answer) for answer in answers].count(NotFound) == 1
        say_it_again(fleet, doubt["journal"])
        for _ in range(2):
            with pytest.raises(LedgerError, match="died between"):
                await Dying(**build.ledger_parts(fleet.settings)).run()
            assert failed(fleet) == [BOUNCED, told]
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        found = await fleet.until(
            lambda b: b["in_doubt"] == 2 and b["open"] == 0
        )  # the reports: every reply is lost here
        assert tuple(found[kind] for kind in ("bounced", "expired", "relayed")) == balance
        assert failed(fleet) == [BOUNCED, told]
        assert b"Status: 4.4.7" in reports(fleet)[1]
        assert (b"Status: 5.4.2" in reports(fleet)[1]) is (verdict == "bounce")
        assert b"reviewer" in reports(fleet)[1]
        (intent, *_) = [frame for frame in fleet.frames() if isinstance(frame, Intent)]
        rows = await ledger.timeline(intent.message, fleet.auditor.journal_positions())
        spoken = [row for row in rows if row.detail.get("verdict")]
        assert len(spoken) == 2
        shown = timeline(intent.message, rows, (), set())
        assert tuple(delivery["state"] for delivery in shown["deliveries"]) == states


class Speaks:
    """A node that speaks of its doubt just before a RESOLVE of it lands, so many times: the first recipient had been refused."""

    def __init__(self, fleet: House, times: int) -> None:
        self.fleet, self.times, self.said = fleet, times, 0
        self.log = fleet.coordinator.log
        self.whole = self.log.append
        (self.word,) = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]

    def append(self, stream: str, partition: int, records: list[bytes], **more: Any) -> Any:
        if stream == JOURNAL and isinstance(decode_journal(records[0]), Resolve) and self.said < self.times:
            self.said += 1
            self.speak(partition)
        return self.whole(stream, partition, records, **more)

    def speak(self, partition: int) -> None:
        unit = next(unit for unit in map(decode_unit, mails(self.fleet)) if unit.reverse_path)
        refused = [Outcome_(0, Kind.BOUNCED, "no such user")]
        reporter = build.reporter(self.fleet.settings)
        told = reporter.report(unit, 1, refused, "", passes_dsn=False, now_ms=self.word.at_ms)
        kinds = (Kind.BOUNCED, Kind.IN_DOUBT)
        word = msgspec.structs.replace(self.word, kinds=kinds, reports=told.units, evidence=b"", seq=NOT_NUMBERED)
        self.whole(JOURNAL, partition, [encode(word)])


def mails(fleet: House) -> list[bytes]:
    """The records of the lane."""
    return [record for _, record in fleet.log.fetch("mail.standard", 0, 0, 1_000)]


async def test_a_node_that_speaks_just_before_the_verdict_has_nobody_told_twice_nor_the_person_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ("r@x.example", "s@x.example")
    async with doubtful(tmp_path, Faults(break_after=1.0), *people, IN_DOUBT__STANDARD="hold") as (fleet, url):
        (doubt,) = fleet.auditor.in_doubt()
        speaks = Speaks(fleet, 1)
        monkeypatch.setattr(fleet.coordinator.log, "append", speaks.append)
        async with AsyncClient(url) as client:
            answer = await client.resolve(doubt["id"], "bounce", "they are gone")
        assert [one["state"] for one in answer["recipients"]] == ["bounced", "in_doubt"]
        first, second = [frame for frame in fleet.frames() if isinstance(frame, Resolve)]
        assert first.heeds < second.heeds
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        await fleet.until(lambda b: b["bounced"] == 2 and b["accepted"] == 4)
        assert failed(fleet) == [{b"r@x.example"}, {b"s@x.example"}]
        assert check_journal(fleet.log).violations == []


async def test_the_verdict_of_a_policy_heeds_what_the_node_said_just_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy(verdicts={"mail.standard": Verdict.BOUNCE}, doubt_ms=1_500)
    async with house(tmp_path, Faults(break_after=1.0), policy) as fleet:
        fleet.start_node("a")
        fleet.accept("r@x.example", "s@x.example")
        await fleet.until(lambda b: b["in_doubt"] == 2)
        speaks = Speaks(fleet, 1)
        monkeypatch.setattr(fleet.coordinator.log, "append", speaks.append)
        await fleet.until(lambda b: b["bounced"] == 2)
        assert len([frame for frame in fleet.frames() if isinstance(frame, Resolve)]) == 2
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        await fleet.until(lambda b: b["accepted"] == 4)
        assert failed(fleet) == [{b"r@x.example"}, {b"s@x.example"}]


async def test_a_node_that_does_not_stop_speaking_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = ("r@x.example", "s@x.example")
    async with doubtful(tmp_path, Faults(break_after=1.0), *people, IN_DOUBT__STANDARD="hold") as (fleet, url):
        (doubt,) = fleet.auditor.in_doubt()
        monkeypatch.setattr(fleet.coordinator.log, "append", Speaks(fleet, 99).append)
        async with AsyncClient(url) as client:
            with pytest.raises(FleetError, match="decide it later"):
                await client.resolve(doubt["id"], "bounce", "they are gone")
        assert len(fleet.auditor.in_doubt()) == 1


async def test_a_coordinator_that_has_not_read_the_doubt_yet_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway had read it, and its person was told that it is in doubt no more."""
    async with doubtful(tmp_path, Faults(break_after=1.0), "r@x.example", IN_DOUBT__STANDARD="hold") as (fleet, url):
        (doubt,) = fleet.auditor.in_doubt()
        resolve, asked = fleet.coordinator.resolve, []

        async def lagging(*of: Any) -> bool:
            asked.append(of)
            return len(asked) > 1 and await resolve(*of)

        monkeypatch.setattr(fleet.coordinator, "resolve", lagging)
        async with AsyncClient(url) as client:
            await client.resolve(doubt["id"], "bounce", "they are gone")
        assert len(asked) == 2
        assert fleet.auditor.balance()["bounced"] == 1


async def test_a_verdict_by_which_mail_goes_on_is_a_fact_and_no_report(tmp_path: Path) -> None:
    async with doubtful(tmp_path, Faults(break_after=0.5, seed=1), IN_DOUBT__STANDARD="hold") as (fleet, url):
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        (doubt,) = fleet.auditor.in_doubt()
        async with AsyncClient(url) as client:
            await client.resolve(doubt["id"], "retry", "not in their log")
        await fleet.until(lambda b: b["relayed"] >= 1 and bool(failed(fleet)))  # the ledger hands reports in
        assert failed(fleet)[0] == BOUNCED
        assert not any(b"r@x.example" in one for one in map(b"".join, failed(fleet)))


async def test_the_report_returns_the_header_of_a_large_message_and_does_without_it_if_need_be(tmp_path: Path) -> None:
    bodies = Bodies(FolderBlobs(tmp_path / "blobs"), 1)
    header = b"From: a@example.org\r\nSubject: hello\r\n\r\n"
    people = (Recipient("r@x.example", 0),)
    unit = Unit(b"m" * 16, Lane.BULK, "", 1, 2, "a@example.org", people, "x.example", False, header + b"x" * 9_000)
    (unit,) = await bodies.put_out([unit])
    assert unit.body == b""
    entry = Open(Position("mail.bulk", 0, 0), 1, 1, ("a", 1), (0, 0), unit.message, (Kind.IN_DOUBT,), 5)
    intent = Intent(1, 0, 1, "a", 1, 5, unit.message, (0,))
    verdicts = Verdicts(build.reporter(load(None, {})), bodies)
    for is_kept in (True, False):
        if not is_kept:
            shutil.rmtree(tmp_path / "blobs")
        _, (report,) = await verdicts.told(entry, intent, unit, Verdict.BOUNCE, "gone", 1_700_000_000_000)
        assert (b"Subject: hello" in decode_unit(report).body) is is_kept
        assert all_failures(email.message_from_bytes(decode_unit(report).body))[1] == {b"r@x.example"}


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Verdict.BOUNCE, {b"r@x.example", b"defer@x.example"}),
        (Verdict.ASSUME_RELAYED, {b"defer@x.example"}),
    ],
)
async def test_the_verdict_of_a_policy_is_told_as_that_of_a_person_is(
    tmp_path: Path, verdict: Verdict, told: set[bytes]
) -> None:
    policy = Policy(verdicts={"mail.standard": verdict}, doubt_ms=200)
    async with house(tmp_path, Faults(break_after=1.0), policy) as fleet:
        fleet.start_node("a")
        fleet.accept(*PEOPLE)
        await fleet.until(lambda b: b["accepted"] == 3 and b["open"] + b["in_doubt"] == 0)
        (intent,) = [frame for frame in fleet.frames() if isinstance(frame, Intent)]
        say_it_again(fleet, next(iter(fleet.auditor.journal_positions())))
        for _ in range(2):
            with pytest.raises(LedgerError, match="died between"):
                await Dying(**build.ledger_parts(fleet.settings)).run()
            assert failed(fleet) == [BOUNCED, told]
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        await fleet.until(lambda b: b["accepted"] == 5 and b["open"] + b["in_doubt"] == 0)  # every reply is lost here
        assert failed(fleet) == [BOUNCED, told]
        assert b"policy of the lane" in reports(fleet)[1]
        rows = await ledger.timeline(intent.message, fleet.auditor.journal_positions())
        assert [row.recipient_index for row in rows if row.detail.get("verdict") == verdict.value] == [0, 1]


class Torn(Reporter):
    """Cannot make a report of this mail."""

    def report(self, *_: object, **__: object) -> Written:
        raise ZeroDivisionError


async def test_a_doubt_of_which_no_report_can_be_made_is_settled_without(tmp_path: Path) -> None:
    policy = Policy(verdicts={"mail.standard": Verdict.BOUNCE}, doubt_ms=200)
    async with house(tmp_path, Faults(break_after=1.0), policy) as fleet:
        assert fleet.coordinator.telling is not None
        told = fleet.coordinator.telling.verdicts
        fleet.coordinator.telling.verdicts = Verdicts(Torn(told.reporter.limits, 0, 0), told.bodies)
        fleet.start_node("a")
        fleet.accept("r@x.example")
        assert (await fleet.until(lambda b: b["accepted"] == b["bounced"]))["in_doubt"] == 0
