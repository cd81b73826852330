"""What a real fleet wrote is checked from its files alone, and against what the receiver wrote down."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors import build
from actors.clock import wall_ms
from actors.journal_check import check_journal
from actors.main import app
from actors.sandbox_faults import Faults
from fastemailnet import ids
from fastemailnet.delivery import retry
from fastemailnet.envelope import Lane, Recipient, Unit, encode_unit
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import JOURNAL, Intent, Verdict, encode
from fastemailnet.log.interface import Log
from fastemailnet.outcome import Kind
from tests.integration.test_a_fleet_in_one_process import House, house

UNITS = 120


SOON = retry.Schedule((("defer.1m", 100), ("defer.5m", 10**9)))  # a second try at once, and no third


def accept(log: Log, number: int) -> None:
    """One unit of a message of its own, as the gateway appends it."""
    lane = list(Lane)[number % 3]
    message = ids.message_id(wall_ms(), number.to_bytes(10, "big"))
    name = "defer" if number % 20 == 3 else "bounce" if number % 20 == 5 else f"r{number}"
    people = (Recipient(f"{name}@x.example", 0), Recipient(f"s{number}@x.example", 1))
    body = f"From: a@example.org\r\nX-FEN-Message: {ids.to_text(message)}\r\n\r\nhello\r\n".encode()
    unit = Unit(message, lane, "", wall_ms(), wall_ms() + 10**8, "a@example.org", people, "x.example", False, body)
    log.append(lane.stream, 0, [encode_unit(unit)])


async def a_troubled_day(fleet: House) -> None:
    """Lost replies, a node that is fenced with its hands full, retries, resolutions by policy."""
    fleet.start_node("a")
    fleet.start_node("b")
    for number in range(UNITS):
        accept(fleet.log, number)
        if number == UNITS // 2:
            await fleet.until(lambda b: b["relayed"] >= 40)
            await fleet.coordinator.suspect("a", "the test says so")
    await fleet.until(lambda b: not b["open"] and not b["in_doubt"] and b["deferred"] == 0)


async def test_a_troubled_day_is_checked_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "schedule", lambda settings: SOON)
    verdicts = {lane.stream: Verdict.RETRY for lane in Lane}
    faults = Faults(delay_ms=3, break_before=0.05, break_after=0.15, seed=4)
    async with house(tmp_path, faults, Policy(verdicts=verdicts, doubt_ms=150)) as fleet:
        await a_troubled_day(fleet)
        settings = fleet.settings
    received = tmp_path / "inbox" / "received.jsonl"
    log = build.log(settings)
    findings = await asyncio.to_thread(check_journal, log, received)
    assert findings.violations == []
    assert findings.figures["units"] == UNITS
    assert findings.figures["lost"] == findings.figures["unexplained"] == findings.figures["unjournaled"] == 0
    assert findings.figures["duplicates"] > 0, "no lost reply was tried again: this run shows nothing"
    for name in ("I1", "I2", "I3", "I4", "I5", "I9", "I10", "I11", "I17", "R9", "sink"):
        assert findings.checks[name].count > 0, f"{name} had nothing to look at"

    command = ["journal", "check", str(tmp_path), "--sink", str(received), "--json", str(tmp_path / "figures.json")]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    last = told.output.splitlines()[-1]
    assert last.startswith(f"journal frames={findings.figures['frames']} units={UNITS} leases=")
    assert " violations=0 in_doubt=0 repetitions=0 sink_lines=" in last
    assert " lost=0 duplicates=" in last
    assert " unexplained=0 seconds=" in last
    assert json.loads((tmp_path / "figures.json").read_text())["checks"]["I1"]["violations"] == 0

    await asyncio.to_thread(damage, log, received)
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1
    assert "VIOLATED" in told.output
    assert "lost: " in told.output
    log.close()


def damage(log: Log, received: Path) -> None:
    """An INTENT that nobody had a right to write, and an arrival that is gone from the receiver's file."""
    log.append(JOURNAL, 0, [encode(Intent(1, 0, 1, "z", 1, 0, bytes(16), (0,)))])
    lines = received.read_text().splitlines(keepends=True)
    counts = [sum(json.loads(one)["message"] == json.loads(line)["message"] for one in lines) for line in lines]
    del lines[counts.index(1)]
    received.write_text("".join(lines))


async def test_a_fleet_that_runs_is_checked_as_it_stands(tmp_path: Path) -> None:
    async with house(tmp_path, Faults(break_after=1.0)) as fleet:
        fleet.start_node("a")
        for number in (0, 1, 2):
            accept(fleet.log, number)
        await fleet.until(lambda b: b[Kind.IN_DOUBT.value] == 6)
        findings = await asyncio.to_thread(check_journal, fleet.log, tmp_path / "inbox" / "received.jsonl")
        assert findings.violations == []
        assert (findings.figures["in_doubt"], findings.figures["unexplained"]) == (3, 0)


def test_a_directory_without_a_log_is_refused(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["journal", "check", str(tmp_path)])
    assert told.exit_code == 1
    assert "no log in" in str(told.exception)
