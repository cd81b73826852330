"""A record that decodes and that nobody could work on is dead like one that does not decode, and the mail behind it goes."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import leases
from actors.journal_check import check_journal
from actors.poison import DEAD_STRIKES, UNTOLD_STRIKES
from actors.reports import Reporter, Written
from fastemailnet.delivery.route import Route
from fastemailnet.envelope import Lane, Recipient, Unit, encode_unit
from fastemailnet.flashsync.frames import Outcome
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.native import Native, encode_native
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.pool import Pool
from fastemailnet.outcome import Kind
from tests.integration.test_a_fleet_in_one_process import House, house

BODY = b"From: a@y.example\r\nTo: bounce@x.example\r\n\r\nhello\r\n"
NOW_MS = 1_790_000_000_000
UNIT = Unit(
    b"m" * 16,
    Lane.STANDARD,
    "",
    NOW_MS,
    1 << 62,
    "a@y.example",
    (Recipient("bounce@x.example", 0),),
    "x.example",
    False,
    BODY,
)
YEAR_10000_MS = 253_402_300_800_000
RECORDS = {
    "no recipients": encode_unit(msgspec.structs.replace(UNIT, recipients=())),
    "no recipients of several domains": encode_unit(msgspec.structs.replace(UNIT, recipients=(), domain="")),
    "an index below 0": encode_unit(msgspec.structs.replace(UNIT, recipients=(Recipient("r@x.example", -1),))),
    "an index beyond all": encode_unit(msgspec.structs.replace(UNIT, recipients=(Recipient("r@x.example", 1 << 40),))),
    "a time before all": encode_unit(msgspec.structs.replace(UNIT, accepted_ms=-(1 << 62))),
    "a time beyond the calendar": encode_unit(msgspec.structs.replace(UNIT, accepted_ms=1 << 62)),
    "a producer's time beyond the calendar": encode_native(Native((), YEAR_10000_MS, BODY)),
}
LIVE = {
    "an expiry beyond the calendar": encode_unit(UNIT),
    "one of mail that waits": encode_unit(
        msgspec.structs.replace(UNIT, recipients=(Recipient("defer@x.example", 0, "DELAY"),), accepted_ms=1)
    ),
}


@pytest.mark.parametrize("name", RECORDS)
async def test_it_is_dead(tmp_path: Path, name: str) -> None:
    async with house(tmp_path) as fleet:
        fleet.log.append(Lane.STANDARD.stream, 0, [RECORDS[name]])
        fleet.accept("r@z.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["dead"] == 1 and b["relayed"] == 1)
        assert balance["open"] == 0


@pytest.mark.parametrize("name", LIVE)
async def test_one_that_can_be_worked_on_is(tmp_path: Path, name: str) -> None:
    async with house(tmp_path, BLOBS__INLINE_OCTETS="10") as fleet:
        fleet.log.append(Lane.STANDARD.stream, 0, [LIVE[name]])
        fleet.accept("r@z.example")
        fleet.start_node("a")
        await fleet.until(lambda b: b["bounced"] + b["deferred"] == 1 and b["relayed"] == 1)


async def ends(fleet: House, error: str) -> None:
    """A node starts, and its process ends over an error."""
    fleet.start_node("a")
    with pytest.raises(RuntimeError, match=error):
        await asyncio.wait_for(fleet.tasks.pop(), 30.0)
    for work in [work for work in asyncio.all_tasks() if "Incarnation.work" in repr(work)]:
        work.cancel()  # they end with their process


@pytest.mark.parametrize("settled", [(), (Kind.BOUNCED, Kind.IN_DOUBT)])
async def test_one_whose_death_cannot_be_told_ends_one_process_more_and_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settled: tuple[Kind, ...]
) -> None:
    """Whatever a mail meets, at the fourth process nothing of it is looked at any more."""
    whole = Reporter.report

    def report(self: Reporter, unit: Unit, *args: Any, **more: Any) -> Written:
        if unit.domain == "boom.example":
            raise RuntimeError("no report of this")
        return whole(self, unit, *args, **more)

    taken = leases.taken

    def behind_a_doubt(*of: Any) -> leases.Taken:
        found = taken(*of)
        return replace(found, settled=settled) if getattr(found.unit, "domain", "") == "boom.example" else found

    monkeypatch.setattr(Reporter, "report", report)
    async with house(tmp_path) as fleet:
        fleet.accept("r@boom.example", "s@boom.example", domain="boom.example", expires_in_ms=-1)
        monkeypatch.setattr(leases, "taken", behind_a_doubt)
        for _ in range(UNTOLD_STRIKES):
            await ends(fleet, "no report of this")
        fleet.accept("r@z.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] == 1 and b["open"] == b["in_doubt"] == 0)
        assert balance["dead"] + balance["bounced"] == 2
        (outcome,) = [frame for frame in fleet.frames() if isinstance(frame, Outcome) and Kind.DEAD in frame.kinds]
        assert outcome.reports == ()
        facts = decode_facts(outcome.evidence)
        assert {fact.detail.get("kind") for fact in facts} >= {"dead"}
        assert any("its sender is not told" in str(fact.detail.get("reason")) for fact in facts)
        assert check_journal(fleet.log).violations == []


async def test_one_over_which_processes_end_for_whatever_error_is_dead_at_the_third(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw, where no blame for a look is: the mail that meets it ends three processes and no more."""
    whole = Pool.deliver

    async def deliver(self: Pool, way: Route, domain: str, *args: Any) -> Delivery:
        if domain == "boom.example":
            raise RuntimeError("nobody foresaw this")
        return await whole(self, way, domain, *args)

    monkeypatch.setattr(Pool, "deliver", deliver)
    async with house(tmp_path) as fleet:
        fleet.accept("r@boom.example", domain="boom.example")
        for number in range(20):
            fleet.accept(f"r{number}@z.example")
        for _ in range(DEAD_STRIKES):
            await ends(fleet, "nobody foresaw this")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["dead"] == 1 and b["open"] == 0)
        assert balance["relayed"] + balance["in_doubt"] == 20
