"""Suspicious mail goes out with signed fields that say so, the same octets in every attempt, whatever becomes of the classifier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dkim

from actors import build
from actors.journal_check import check_journal
from actors.node import NodeActor
from actors.sandbox_faults import Faults
from fastemailnet.delivery.gate import Action, Bar
from fastemailnet.envelope import Lane
from fastemailnet.flashsync.frames import Intent, Outcome, Verdict
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.message.dkim import dns_record
from tests.integration.test_a_fleet_in_one_process import House, house

BAD = (0.05, 0.15, 0.8)
FORGED = "X-Spam-Flag: NO\r\nX-Spam-Status: No, score=-9\r\n required=5\r\n"
TAGS = b"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=0.950 required=0.500 tests=PHISH\r\nX-Spam-Score: 0.950\r\n"


@asynccontextmanager
async def tagging(
    tmp_path: Path, faults: Faults | None = None, remembers: bool = False, **given: str
) -> AsyncIterator[House]:
    """A fleet whose gate tags standard mail, and an inbox that keeps what comes."""
    settings = {
        "CLASSIFIER__HOLD_THRESHOLD": "0.5",
        "SCORE_ACTION__STANDARD": "tag",
        "SANDBOX__STORE_BODIES": "true",
        "IN_DOUBT__STANDARD": "hold",
    }
    async with house(tmp_path, faults, remembers=remembers, **settings, **given) as fleet:
        yield fleet


def kept(fleet: House) -> list[bytes]:
    """What the inbox kept, oldest first."""
    return [path.read_bytes() for path in sorted((fleet.settings.fleet.data / "inbox" / "bodies").iterdir())]


def is_verified(fleet: House, content: bytes) -> bool:
    """Whether a foreign verifier accepts the signature."""
    (key,) = build.signer(fleet.settings).keys
    verified: bool = dkim.verify(content, dnsfunc=lambda name, timeout=5: dns_record(key).encode())
    return verified


def facts(fleet: House, key: str) -> list[Any]:
    """What the attempts said under a key of their facts."""
    outcomes = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]
    return [fact.detail[key] for frame in outcomes for fact in decode_facts(frame.evidence) if key in fact.detail]


def loses_its_classifier(node: NodeActor) -> None:
    """From now on no score comes."""

    async def gone(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        raise ConnectionError("the classifier is gone")

    node.examiner.scorer = gone


async def again(fleet: House) -> None:
    """A person has what is in doubt sent once more."""
    await fleet.until(lambda b: b["in_doubt"] == 1)
    (doubt,) = fleet.auditor.in_doubt()
    assert await fleet.coordinator.resolve(doubt["journal"], doubt["intent"], Verdict.RETRY.value, "once more")


async def test_a_suspicious_mail_is_tagged_under_its_signature_and_forged_fields_are_gone(
    tmp_path: Path, over: dict[str, str]
) -> None:
    async with tagging(tmp_path, **over) as fleet:
        node = fleet.start_node("a", BAD)
        fleet.accept("r@x.example", fields=FORGED)
        fleet.accept("s@x.example", lane=Lane.BULK)  # which the gate holds
        await fleet.until(lambda b: (b["relayed"], b["held"], b["open"]) == (1, 1, 0))
        (content,) = kept(fleet)
        assert content.count(TAGS) == 1
        assert content.lower().count(b"x-spam") == 3 * 2  # each in the header and in h=
        assert is_verified(fleet, content)
        assert not is_verified(fleet, content.replace(b"X-Spam-Flag: YES", b"X-Spam-Flag: NO"))
        assert check_journal(fleet.log).violations == []
        assert (await node.status())["gate"] == {"tag": 1, "hold": 1}
        told = facts(fleet, "reason")
        assert told[0] == "goes on as a copy that is tagged: phish score 0.950"
        assert "tagged: phish score 0.950 (found at an earlier attempt)" in facts(fleet, "gate")


async def test_to_be_tagged_is_no_delay_of_which_a_sender_is_told(tmp_path: Path, over: dict[str, str]) -> None:
    async with tagging(tmp_path, **over) as fleet:
        fleet.start_node("a", BAD)
        waited = {"accepted_ago_ms": 86_400_000, "expires_in_ms": 864_000_000}
        fleet.accept("r@x.example", notify="DELAY", **waited)
        await fleet.until(lambda b: b["relayed"] == 1)
        assert not any(frame.reports for frame in fleet.frames() if isinstance(frame, Outcome))


async def test_every_attempt_transmits_the_same_although_the_classifier_is_gone_and_the_gate_has_changed(
    tmp_path: Path, over: dict[str, str]
) -> None:
    async with tagging(tmp_path, Faults(break_after=1.0), **over) as fleet:
        node = fleet.start_node("a", BAD)
        fleet.accept("r@x.example", fields=FORGED)
        await fleet.until(lambda b: b["in_doubt"] == 1)
        loses_its_classifier(node)
        await again(fleet)
        await fleet.until(lambda b: b["in_doubt"] == 1 and len(fleet.arrivals()) == 2)
        node.examiner.gate = replace(node.examiner.gate, bars=dict.fromkeys(Lane, Bar(0.99, action=Action.ACCEPT)))
        await again(fleet)
        await fleet.until(lambda b: b["in_doubt"] == 1 and len(fleet.arrivals()) == 3)
        first, second, third = kept(fleet)
        assert first == second == third
        assert TAGS in first
        assert [frame.attempt for frame in fleet.frames() if isinstance(frame, Outcome)] == [1, 2, 3, 4]
        assert check_journal(fleet.log).violations == []


async def test_what_went_without_a_score_at_first_stays_as_it_was(tmp_path: Path, over: dict[str, str]) -> None:
    async with tagging(tmp_path, Faults(break_after=1.0), **over) as fleet:
        node = fleet.start_node("a", BAD)
        scorer = node.examiner.scorer
        loses_its_classifier(node)
        fleet.accept("r@x.example")
        await fleet.until(lambda b: b["in_doubt"] == 1)
        node.examiner.scorer = scorer
        await again(fleet)
        await fleet.until(lambda b: b["in_doubt"] == 1 and len(fleet.arrivals()) == 2)
        first, second = kept(fleet)
        assert first == second
        assert b"X-Spam" not in first
        assert any(
            str(told).startswith("not tagged, since it was tried before without") for told in facts(fleet, "gate")
        )


async def test_a_peer_that_remembers_is_asked_about_the_same_octets(tmp_path: Path, over: dict[str, str]) -> None:
    async with tagging(tmp_path, Faults(break_after=1.0), remembers=True, **over) as fleet:
        node = fleet.start_node("a", BAD)
        fleet.accept("r@x.example")
        await fleet.until(lambda b: b["in_doubt"] == 1)
        loses_its_classifier(node)
        await fleet.until(lambda b: b["relayed"] == 1)
        (content,) = kept(fleet)
        assert TAGS in content
        assert [frame.asked.attempt for frame in fleet.frames() if isinstance(frame, Intent) and frame.asked] == [2, 2]
        assert check_journal(fleet.log).violations == []
