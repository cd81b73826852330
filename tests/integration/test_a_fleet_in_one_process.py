"""Coordinator, nodes and inbox on one event loop without Ray: real log, real sockets, and faults that the inbox makes."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actors import build, poison
from actors.auditor import Auditor
from actors.clock import wall_ms
from actors.coordinator import CoordinatorActor
from actors.inbox import Inbox
from actors.journal_check import check_journal
from actors.node import NodeActor
from actors.sandbox_faults import Faults
from fastemailnet import ids
from fastemailnet.config import Settings, load
from fastemailnet.delivery import retry
from fastemailnet.envelope import Lane, Position, Recipient, Unit, encode_unit, place_of
from fastemailnet.errors import FleetError
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import JOURNAL, Beat, Outcome, Resolve, Verdict, decode_journal
from fastemailnet.ledger.fact import LeafType, decode_facts
from fastemailnet.log.interface import Log
from tests.integration.kafka_log_world import everything

PATIENCE_S = 60.0


@dataclass
class House:
    """What a test needs."""

    settings: Settings
    log: Log
    coordinator: CoordinatorActor
    auditor: Auditor
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    nodes: list[NodeActor] = field(default_factory=list)
    smtp_port: int = 0  # of the gateway, where there is one
    smtp_policy: Any = None

    def start_node(self, name: str, score: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> NodeActor:
        """A node of its own, as a process would have it. ``score``: of every mail."""

        async def scores(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
            return [score] * len(texts)

        node = NodeActor(**build.node_parts(self.settings, name, self.coordinator.join, scores, self.coordinator.lend))
        self.nodes.append(node)
        self.tasks.append(asyncio.create_task(node.run()))
        return node

    def accept(
        self,
        *recipients: str,
        lane: Lane = Lane.STANDARD,
        expires_in_ms: int = 3_600_000,
        order_key: str = "",
        sender: str = "a@example.org",
        notify: str = "",
        domain: str = "x.example",
        tenant: str = "",
        fields: str = "",
        accepted_ago_ms: int = 0,
    ) -> str:
        """One accepted unit, as the gateway appends it; its message's id. ``fields``: more of the header, each with its CRLF."""
        message = ids.message_id(wall_ms(), os.urandom(10))
        named = f"X-FEN-Message: {ids.to_text(message)}\r\n"
        body = f"From: a@example.org\r\n{named}{fields}\r\nhello\r\n".encode()
        people = tuple(Recipient(address, index, notify) for index, address in enumerate(recipients))
        at_ms = wall_ms() - accepted_ago_ms
        unit = Unit(message, lane, tenant, at_ms, at_ms + expires_in_ms, sender, people, domain, False, body)
        self.log.append(*place_of(lane, order_key, message), [encode_unit(unit)])
        return ids.to_text(message)

    async def until(self, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """The balance, once something holds of it."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not holds(balance := self.auditor.balance()):
            assert asyncio.get_running_loop().time() < deadline, balance
            await asyncio.sleep(0.02)
        assert balance["difference"] == 0
        return balance

    def frames(self) -> list[object]:
        """Every journal frame but beats."""
        found = [decode_journal(record) for where in self.log.ends(JOURNAL) for record in everything(self.log, *where)]
        return [frame for frame in found if not isinstance(frame, Beat)]

    def arrivals(self) -> list[dict[str, object]]:
        """What the inbox wrote down."""
        path = self.settings.fleet.data / "inbox" / "received.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


@asynccontextmanager
async def house(
    tmp_path: Path,
    faults: Faults | None = None,
    policy: Policy | None = None,
    remembers: bool = False,
    **given: str,
) -> AsyncIterator[House]:
    """A coordinator and an inbox; nodes are started by the test. ``given``: settings, as the environment would have them."""
    environ = {"FASTEMAILNET_FLEET__DATA": str(tmp_path), "FASTEMAILNET_SANDBOX__SMTP_PORT": "0"}
    environ["FASTEMAILNET_FLEET__NODES"] = "1"  # each has the limits for itself
    environ |= {f"FASTEMAILNET_{name}": value for name, value in given.items()}
    settings = load(None, environ)
    inbox = Inbox(settings.sandbox, tmp_path / "inbox", faults, checkpoint=remembers)
    port = await inbox.start()
    settings = load(None, {**environ, "FASTEMAILNET_SANDBOX__SMTP_PORT": str(port)})
    log = build.log(settings)
    coordinator = CoordinatorActor(
        log, policy or build.policy(settings), settings.fleet.nodes, verdicts=build.verdicts(settings)
    )
    built = House(settings, log, coordinator, Auditor(build.log(settings)))
    built.tasks.append(asyncio.create_task(built.coordinator.run()))
    try:
        yield built
    finally:
        for task in built.tasks:
            task.cancel()
        results = await asyncio.gather(*built.tasks, return_exceptions=True)
        await inbox.close()
        for node in built.nodes:
            await node.group.close()
        # Threads of a log that stays open go on asking a broker, beside all tests that follow.
        for one in (log, built.auditor.log, *(node.log for node in built.nodes)):
            one.close()
    assert not [r for r in results if isinstance(r, Exception)], results


async def test_mail_of_every_lane_is_relayed_once_by_two_nodes(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, **over) as fleet:
        fleet.start_node("a")
        fleet.start_node("b")
        for number in range(100):
            fleet.accept(f"r{number}@x.example", lane=list(Lane)[number % 3])
        balance = await fleet.until(lambda b: b["relayed"] == 100)
        assert balance["open"] == 0
        assert len(fleet.arrivals()) == 100


async def test_recipients_of_one_unit_have_each_their_own_outcome(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, **over) as fleet:
        fleet.start_node("a")
        fleet.accept("ok@x.example", "bounce@x.example", "defer@x.example")
        balance = await fleet.until(lambda b: b["deferred"] == 1)
        assert (balance["relayed"], balance["bounced"], balance["open"]) == (1, 1, 0)
        (outcome,) = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]
        types = [fact.type for fact in decode_facts(outcome.evidence)]
        assert types.count(LeafType.ACCEPTED) == 3
        assert {LeafType.RELAYED, LeafType.FAILED, LeafType.DEFERRED} <= set(types)


async def test_a_deferred_recipient_is_tried_again_from_its_tier(
    tmp_path: Path, over: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiers = (("defer.1m", 200), ("defer.5m", 3_600_000))
    monkeypatch.setattr(build, "schedule", lambda settings: retry.Schedule(tiers))
    async with house(tmp_path, **over) as fleet:
        fleet.start_node("a")
        fleet.accept("ok@x.example", "defer@x.example", expires_in_ms=10_000_000)
        await fleet.until(lambda b: b["deferred"] == 1)
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while len(outcomes := [x for x in fleet.frames() if isinstance(x, Outcome)]) < 2:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
        assert [(x.attempt, len(x.kinds)) for x in outcomes] == [(1, 2), (2, 1)]
        assert outcomes[1].deferral is not None
        assert outcomes[1].deferral.copy.stream == "defer.5m"
        assert outcomes[1].deferral.source.stream == Lane.STANDARD.stream
        balance = await fleet.until(lambda b: b["deferred"] == 1)
        assert (balance["relayed"], balance["open"]) == (1, 0)
        assert len(fleet.arrivals()) == 1


async def test_a_lost_reply_is_in_doubt_and_not_sent_again(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(break_after=1.0), **over) as fleet:
        fleet.start_node("a")
        fleet.accept("r@x.example")
        balance = await fleet.until(lambda b: b["in_doubt"] == 1)
        assert balance["open"] == 0
        await asyncio.sleep(0.3)
        assert len(fleet.arrivals()) == 1
        (doubt,) = fleet.auditor.in_doubt()
        assert "no reply" in doubt["reason"]


async def test_a_person_resolves_a_doubt(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(break_after=1.0), **over) as fleet:
        fleet.start_node("a")
        fleet.accept("r@x.example")
        await fleet.until(lambda b: b["in_doubt"] == 1)
        (doubt,) = fleet.auditor.in_doubt()
        assert await fleet.coordinator.resolve(doubt["journal"], doubt["intent"], "assume-relayed", "seen in their log")
        assert (await fleet.until(lambda b: b["in_doubt"] == 0))["relayed"] == 1
        assert not await fleet.coordinator.resolve(doubt["journal"], doubt["intent"], "bounce", "too late")


async def test_an_expired_unit_is_never_sent(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, **over) as fleet:
        fleet.accept("r@x.example", expires_in_ms=-1)
        fleet.start_node("a")
        await fleet.until(lambda b: b["expired"] == 1)
        assert not (tmp_path / "inbox" / "received.jsonl").exists() or not fleet.arrivals()


async def test_what_expires_while_it_waits_for_a_connection_is_not_sent(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(delay_ms=200), **over) as fleet:
        for number in range(100):
            fleet.accept(f"r{number}@x.example", expires_in_ms=500)
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] + b["expired"] == 100)
        assert balance["expired"]
        found = check_journal(fleet.log)
        assert found.checks["I17"].count == balance["relayed"]
        assert found.violations == []


async def test_a_record_that_is_no_unit_is_dead_and_blocks_nothing(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, **over) as fleet:
        fleet.log.append(Lane.STANDARD.stream, 0, [b"not a unit"])
        fleet.accept("r@x.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] == 1 and b["dead"] == 1)
        assert balance["accepted"] == 2


async def test_a_node_that_joins_anew_takes_over_what_its_former_self_had(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(delay_ms=40), **over) as fleet:
        fleet.start_node("a")
        for number in range(60):
            fleet.accept(f"r{number}@x.example")
        await fleet.until(lambda b: b["relayed"] >= 10)
        # The same name joins again, as after a restart by Ray; the first incarnation lives on and is fenced.
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["relayed"] + b["in_doubt"] == 60)
        assert balance["open"] == 0
        assert len(fleet.arrivals()) - 60 <= balance["in_doubt"]
        with pytest.raises(FleetError, match="replaced"):
            await fleet.tasks.pop(1)


@pytest.mark.parametrize("follower_first", [True, False])
async def test_a_second_coordinator_deposes_the_first(
    tmp_path: Path, over: dict[str, str], follower_first: bool
) -> None:
    async with house(tmp_path, **over) as fleet:
        fleet.start_node("a")
        fleet.accept("before@x.example")
        await fleet.until(lambda b: b["relayed"] == 1)
        second = CoordinatorActor(build.log(fleet.settings), build.policy(fleet.settings))
        fleet.tasks.append(asyncio.create_task(second.run()))
        if follower_first:
            fleet.accept("meanwhile@x.example")
        with pytest.raises(Exception, match="followed by"):
            await asyncio.wait_for(fleet.tasks.pop(0), PATIENCE_S)
        fleet.accept("after@x.example")
        await fleet.until(lambda b: b["relayed"] == 2 + follower_first)
        assert len(fleet.arrivals()) == 2 + follower_first


async def test_what_no_process_survives_is_dead_and_kept_for_people(
    tmp_path: Path, over: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(body: bytes, with_text: bool) -> None:
        return None

    monkeypatch.setattr(poison, "look_apart", never)
    async with house(tmp_path, **over) as fleet:
        fleet.start_node("idle")
        await fleet.until(lambda b: bool(fleet.coordinator.machine.fold.leases))
        place = Position(Lane.STANDARD.stream, 0, 0)
        for _ in range(2):
            fleet.coordinator.append([fleet.coordinator.machine.blame(place)])
        # Its lease is withdrawn by a fence, as at a crash, and comes back alone and with its strikes.
        await fleet.coordinator.suspect("idle", "its process ended")
        fleet.accept("r@x.example")
        fleet.accept("s@x.example")
        balance = await fleet.until(lambda b: b["relayed"] == 1 and b["dead"] == 1)
        assert balance["open"] == 0
        assert fleet.log.end("dead", 0) == 1


async def test_units_of_one_order_key_arrive_in_order(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(delay_ms=5), **over) as fleet:
        fleet.start_node("a")
        fleet.start_node("b")
        for number in range(12):
            fleet.accept(f"r{number}@x.example", order_key="customer-7")
        await fleet.until(lambda b: b["relayed"] == 12)
        assert [line["recipients"] for line in fleet.arrivals()] == [[f"r{number}@x.example"] for number in range(12)]


async def test_a_peer_that_remembers_is_asked_and_has_one_copy(tmp_path: Path, over: dict[str, str]) -> None:
    async with house(tmp_path, Faults(break_after=0.5, seed=3), remembers=True, **over) as fleet:
        fleet.start_node("a")
        for number in range(20):
            fleet.accept(f"r{number}@x.example")
        await fleet.until(lambda b: b["relayed"] == 20)
        assert len(fleet.arrivals()) == 20
        asked = [frame for frame in fleet.frames() if isinstance(frame, Resolve)]
        assert asked
        assert {frame.verdict for frame in asked} == {Verdict.ASK}


async def test_what_grows_too_old_while_it_waits_for_a_connection_is_never_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection, and a peer that takes longer over the first mail than the second may live."""
    async with house(tmp_path, Faults(delay_ms=1_500)) as fleet:
        one = fleet.settings.shaping.model_copy(update={"connection_limit": 1})
        fleet.settings = fleet.settings.model_copy(update={"shaping": one})
        fleet.accept("first@x.example")
        fleet.accept("second@x.example", expires_in_ms=1_000)
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["open"] == 0)
        assert (balance["relayed"], balance["expired"]) == (1, 1)
        assert len(fleet.arrivals()) == 1
