"""Failures that other senders met in production, made here on purpose: each names where it was met."""

from pathlib import Path

import pytest

from actors.sandbox_faults import Faults
from fastemailnet.envelope import Lane
from fastemailnet.smtp import session
from fastemailnet.smtp.classify import Phase
from tests.integration.test_a_fleet_in_one_process import house

BACKLOG = 300


async def test_a_peer_too_slow_to_answer_has_one_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to five copies after a time-out at the end of data (postal #3016)."""
    monkeypatch.setitem(session.TIMEOUTS_S, Phase.END, 0.1)
    async with house(tmp_path, Faults(delay_ms=3_000), IN_DOUBT__STANDARD="hold") as fleet:
        fleet.start_node("a")
        fleet.accept("r@x.example")
        balance = await fleet.until(lambda b: b["in_doubt"] == 1)
        assert (balance["open"], balance["relayed"]) == (0, 0)
        [doubt] = fleet.auditor.in_doubt()
        assert doubt["reason"] == "no reply to the end of data"
    assert len(fleet.arrivals()) == 1


async def test_a_backlog_of_bulk_holds_no_transactional_mail_up(tmp_path: Path) -> None:
    """Bulk starves transactional mail (kumomta #321)."""
    async with house(tmp_path, Faults(delay_ms=20)) as fleet:
        for number in range(BACKLOG):
            fleet.accept(f"bulk{number}@x.example", lane=Lane.BULK)
        fleet.start_node("a")
        await fleet.until(lambda b: b["relayed"] >= 10)
        for number in range(5):
            fleet.accept(f"urgent{number}@x.example", lane=Lane.TRANSACTIONAL)
        await fleet.until(lambda b: b["relayed"] == BACKLOG + 5)
        order = [line["recipients"][0] for line in fleet.arrivals()]
        urgent = [place for place, name in enumerate(order) if name.startswith("urgent")]
        assert urgent[-1] < BACKLOG // 2, urgent
