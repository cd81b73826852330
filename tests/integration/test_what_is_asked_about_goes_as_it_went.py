"""An end at a CHECKPOINT peer without its OUTCOME, and other keys and settings since: what is asked about goes as it went."""

import hashlib
from pathlib import Path

import pytest

from actors.clock import wall_ms
from actors.journal_check import check_journal
from actors.node import NodeActor
from actors.sandbox_faults import Faults
from fastemailnet.delivery.unsubscription import KEY_OCTETS, OneClick, Seal
from fastemailnet.envelope import Lane, Recipient, Unit, encode_unit
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import Intent
from fastemailnet.ids import message_id
from fastemailnet.message.dkim import DkimKey, Signer, generate
from tests.integration.test_a_fleet_in_one_process import House, house
from tests.integration.test_a_tagged_mail_says_so_in_every_attempt import kept

BODY = b"From: news@example.org\r\nSubject: news\r\n\r\nhello\r\n"
PEM = generate()
POLICY = Policy(ask_ms=200, beat_timeout_ms=10**9)


def signs_by(node: NodeActor, selector: str) -> None:
    node.examiner.signer = Signer([DkimKey("example.org", selector, PEM)])


def leads_elsewhere(node: NodeActor, url: str) -> None:
    node.examiner.one_click = OneClick(Seal(b"k" * KEY_OCTETS), url)


def is_called(node: NodeActor, hostname: str) -> None:
    assert node.serving is not None
    node.serving.shop.pool.hostname = hostname


CHANGES = {
    "a key with a longer name": lambda node: signs_by(node, "s" * 60),
    "a key with a shorter name": lambda node: signs_by(node, "s"),
    "no key": lambda node: setattr(node.examiner, "signer", None),
    "another URL": lambda node: leads_elsewhere(node, "https://a.much.longer.name.than.before.example"),
    "no URL": lambda node: setattr(node.examiner, "one_click", None),
    "another name of the host": lambda node: is_called(node, "renamed.example"),
}


async def goes_on_otherwise(fleet: House, change: str) -> None:
    """A mail of which nobody knows whether it was taken, and a fleet that would send other octets now."""
    node = fleet.start_node("a")
    signs_by(node, "selector")
    leads_elsewhere(node, "https://list.example")
    now_ms, people = wall_ms(), (Recipient("r@x.example", 0),)
    times, about = (now_ms, now_ms + 3_600_000), ("news@example.org", people, "x.example", False)
    unit = Unit(message_id(now_ms, b"r" * 10), Lane.BULK, "", *times, *about, BODY, is_personal=True)
    fleet.log.append(Lane.BULK.stream, 0, [encode_unit(unit)])
    await fleet.until(lambda b: b["in_doubt"] == 1)
    CHANGES[change](node)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_peer_that_has_it_settles_the_doubt_and_gets_no_second_copy(tmp_path: Path, change: str) -> None:
    async with house(tmp_path, Faults(break_after=1.0), POLICY, remembers=True, SANDBOX__STORE_BODIES="true") as fleet:
        await goes_on_otherwise(fleet, change)
        balance = await fleet.until(lambda b: b["open"] == b["in_doubt"] == 0)
        assert (balance["relayed"], balance["deferred"]) == (1, 0)
        assert len(fleet.arrivals()) == 1
        assert check_journal(fleet.log).violations == []


@pytest.mark.parametrize("change", CHANGES)
async def test_a_peer_that_has_it_not_gets_the_octets_of_then(tmp_path: Path, change: str) -> None:
    # The first draw of this seed breaks the connection, the second does not.
    faults = Faults(break_before=0.5, seed=1)
    async with house(tmp_path, faults, POLICY, remembers=True, SANDBOX__STORE_BODIES="true") as fleet:
        await goes_on_otherwise(fleet, change)
        assert (await fleet.until(lambda b: b["open"] == b["in_doubt"] == 0))["relayed"] == 1
        (content,) = kept(fleet)
        assert b"s=selector;" in content
        assert b"<https://list.example/" in content
        first, second = [frame for frame in fleet.frames() if isinstance(frame, Intent)]
        assert first.asked is not None
        assert first.asked == second.asked
        assert first.asked.before is not None
        assert content == first.asked.before + BODY
        (arrival,) = fleet.arrivals()
        assert arrival["sha256"] == hashlib.sha256(content).hexdigest()
        assert arrival["transid"].endswith(f"@{first.asked.host}")  # type: ignore[attr-defined]
