"""A site that takes few mails a second, and a backlog for it: others' mail passes, its own is put off and goes at its pace."""

import asyncio
from pathlib import Path

import pytest

from actors.journal_check import check_journal
from fastemailnet.delivery import retry
from fastemailnet.flashsync.frames import Intent, Outcome
from tests.integration.test_rules_react_to_replies import commanded, shaping

SLOW = """
["x.example"]
mx_rollup = false
max_message_rate = "20/s,max_burst=1"
"""
BACKLOG = 300  # more than a node works on at once


async def test_mail_for_others_passes_and_the_backlog_goes_at_its_site_s_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "TURN", ("defer.turn", 2_000))
    async with shaping(tmp_path, SLOW) as (fleet, _):
        for number in range(BACKLOG):
            fleet.accept(f"r{number}@x.example", domain="x.example")
        for number in range(40):
            fleet.accept(f"r{number}@y.example", domain="y.example")
        fleet.start_node("a")
        await fleet.until(lambda b: b["relayed"] == BACKLOG + 40)
        order = [str(one["recipients"]) for one in fleet.arrivals()]
        others = [at for at, name in enumerate(order) if "y.example" in name]
        assert others[-1] < 150  # of 340: it stood behind all of them
        assert len(set(order)) == len(order) == BACKLOG + 40
        frames = fleet.frames()
        put_off = [one for one in frames if isinstance(one, Outcome) and one.deferral is not None]
        assert BACKLOG / 2 < len(put_off) < 8 * BACKLOG
        assert sum(isinstance(frame, Intent) for frame in frames) == BACKLOG + 40
        assert check_journal(fleet.log).violations == []
        assert {one.deferral.copy.stream for one in put_off if one.deferral is not None} == {"defer.turn"}


async def test_what_would_be_too_old_by_its_turn_expires_in_time_and_holds_no_place(tmp_path: Path) -> None:
    async with shaping(tmp_path, SLOW.replace("20/s", "1/h")) as (fleet, _):
        for number in range(140):  # more than a node works on at once of a lane
            fleet.accept(f"r{number}@x.example", domain="x.example", expires_in_ms=4_000)
        fleet.accept("r@y.example", domain="y.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] + b["expired"] == 141)
        assert balance["relayed"] == 2


async def test_why_tells_what_the_nodes_see(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SLOW.replace("20/s", "1/min")
    async with shaping(tmp_path, slow) as (fleet, url):
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        for number in range(5):
            fleet.accept(f"r{number}@x.example", domain="x.example")
        fleet.start_node("node-0")
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (1, 4))
        assert await asyncio.to_thread(commanded, "why", "x.example") == 0
        told = capsys.readouterr().out
        assert "node-0: 0 of 5 connections in use; 0 wait, 4 come again later; at most 1 message a minute" in told
        assert "max_message_rate = 1/m,max_burst=1" in told
