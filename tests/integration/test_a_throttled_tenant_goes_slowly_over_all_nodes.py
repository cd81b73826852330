"""Suspicious mail of a throttled tenant leaves at its rate over two nodes, its honest mail and that of others at once; and ``why``."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from actors.journal_check import check_journal
from fastemailnet.delivery import retry, waiting
from fastemailnet.delivery.gate import Action, Bar
from fastemailnet.envelope import Lane, decode_unit
from fastemailnet.flashsync.frames import Intent, Outcome
from fastemailnet.ledger.fact import decode_facts
from tests.integration.kafka_log_world import everything
from tests.integration.test_a_fleet_in_one_process import House, house
from tests.integration.test_rules_react_to_replies import commanded, shaping, soon

__all__ = ["soon"]  # a fixture
RATE_PER_S = 2
MAILS = 16
BURST = 2  # one of each node
ON_THEIR_WAY = 2  # to have one's turn and to arrive are two things, for each node
TENANTS = """
["acme"]
throttle = "120/m"
standard = "throttle"
["slow"]
throttle = "10/h"
standard = "throttle"
"""


def given(tmp_path: Path) -> dict[str, str]:
    """Settings: two tenants are throttled, each in one lane; all else that is suspicious is accepted."""
    (tmp_path / "tenants.toml").write_text(TENANTS)
    lanes = {f"SCORE_ACTION__{lane.value.upper()}": "accept" for lane in Lane}
    tenants = {"CLASSIFIER__TENANTS": str(tmp_path / "tenants.toml")}
    return {"CLASSIFIER__HOLD_THRESHOLD": "0.5", **lanes, **tenants}


def start(fleet: House, name: str, asked: list[str]) -> None:
    """A node that takes mail with "offer" in its subject for spam, and tells which texts it asked about."""
    node = fleet.start_node(name)

    async def scores(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        asked.extend(texts)
        return [(0.1, 0.9, 0.0) if "offer" in text else (1.0, 0.0, 0.0) for text in texts]

    node.examiner.scorer = scores


async def test_the_rate_holds_over_two_nodes_and_other_mail_flows(
    tmp_path: Path, over: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "TURN", ("defer.turn", 1_000))
    monkeypatch.setattr(waiting, "LONG_S", 1.0)
    async with house(tmp_path, **given(tmp_path), FLEET__NODES="2", **over) as fleet:
        asked: list[str] = []
        for number in range(MAILS):
            fleet.accept(f"bad{number}@x.example", tenant="acme", fields=f"Subject: offer {number}\r\n")
            fleet.accept(f"good{number}@x.example", tenant="acme")
            fleet.accept(f"other{number}@x.example", tenant="other", fields="Subject: offer\r\n")
            lane = Lane.BULK
            fleet.accept(f"bulk{number}@x.example", tenant="acme", lane=lane, fields="Subject: offer\r\n")
        start(fleet, "node-0", asked)
        start(fleet, "node-1", asked)
        await fleet.until(lambda b: b["relayed"] == 4 * MAILS)
        arrivals = fleet.arrivals()
        bad = [(at, one) for at, one in enumerate(arrivals) if "bad" in str(one["recipients"])]
        at_ms = [int(str(one["at_ms"])) for _, one in bad]
        assert at_ms[-1] - at_ms[0] >= (MAILS - BURST - ON_THEIR_WAY) / RATE_PER_S * 1_000
        assert [at for at, _ in bad[-4:]] == list(range(4 * MAILS - 4, 4 * MAILS))  # whatever else there was had left
        assert len(arrivals) == 4 * MAILS
        assert sum(isinstance(frame, Intent) for frame in fleet.frames()) == 4 * MAILS
        assert sum("offer" in text and text.split("offer ")[-1][:1].isdigit() for text in asked) == MAILS  # once each
        assert "" not in asked  # who comes again is known
        assert any(isinstance(frame, Outcome) and frame.deferral is not None for frame in fleet.frames())
        assert check_journal(fleet.log).violations == []


async def test_what_is_throttled_is_known_without_a_classifier(
    tmp_path: Path, over: dict[str, str], soon: None
) -> None:
    async with house(tmp_path, **given(tmp_path), **over) as fleet:
        asked: list[str] = []
        for number in range(3):
            fleet.accept(f"r{number}@x.example", tenant="slow", fields="Subject: offer\r\n")
        start(fleet, "node-0", asked)
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (1, 2))

        async def gone(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
            raise ConnectionError("the classifier is gone")

        fleet.nodes[0].examiner.scorer = gone
        outcomes = [frame for frame in fleet.frames() if isinstance(frame, Outcome) and frame.deferral is not None]
        await fleet.until(
            lambda b: sum(isinstance(x, Outcome) for x in fleet.frames()) >= 1 + 2 * 2 and b["deferred"] == 2
        )
        assert len(fleet.arrivals()) == 1
        copies = {one.deferral.copy.stream for one in outcomes if one.deferral is not None}
        units = [decode_unit(record) for stream in copies for record in everything(fleet.log, stream, 0)]
        assert {unit.suspicion.scores for unit in units if unit.suspicion is not None} == {(0.1, 0.9, 0.0)}


async def test_a_gate_that_is_made_stricter_means_what_waits(tmp_path: Path, over: dict[str, str], soon: None) -> None:
    async with house(tmp_path, **given(tmp_path), **over) as fleet:
        for number in range(3):
            fleet.accept(f"r{number}@x.example", tenant="slow", fields="Subject: offer\r\n")
        start(fleet, "node-0", [])
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (1, 2))
        examiner = fleet.nodes[0].examiner
        held = Bar(0.5, action=Action.HOLD)
        examiner.gate = replace(examiner.gate, bars=dict.fromkeys(Lane, held), tenants={})
        await fleet.until(lambda b: (b["relayed"], b["held"], b["deferred"]) == (1, 2, 0))
        last = [frame for frame in fleet.frames() if isinstance(frame, Outcome)][-1]
        (fact,) = decode_facts(last.evidence)
        assert fact.detail["scores"] == "0.1000 0.9000 0.0000"
        assert fact.detail["held"] == "held by the spam gate: spam score 0.900 (found at an earlier attempt)"


async def test_why_says_that_a_mail_is_throttled_and_until_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shaping(tmp_path, "", **given(tmp_path)) as (fleet, url):
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        messages = [fleet.accept("r@x.example", tenant="slow", fields="Subject: offer\r\n") for _ in range(2)]
        start(fleet, "node-0", [])
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (1, 1))
        told = []
        for message in messages:
            assert await asyncio.to_thread(commanded, "why", message) == 0
            told.append(capsys.readouterr().out)
        (waits,) = [text for text in told if "nothing: it is relayed" not in text]
        assert "r@x.example: throttled by the spam gate (spam score 0.900): its turn is at 20" in waits
        assert "; the next attempt is due at 20" in waits
        assert "throttle of slow: node-0: 0 wait, 1 come again later; at most 10 messages an hour" in waits
