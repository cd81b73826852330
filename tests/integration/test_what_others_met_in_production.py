"""Failures that other senders met in production, made here on purpose: each names where it was met.

The broken MTA-STS policy of a neighbour (kumomta #484) is in ``test_mta_sts_protects_a_domain``.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actors import build
from actors.events import EVENTS, Events
from actors.ledger import LedgerActor
from actors.sandbox_faults import Faults
from fastemailnet.delivery.suppression import DAY_MS
from fastemailnet.envelope import Lane
from fastemailnet.flashsync.frames import Fence, Intent, Outcome
from fastemailnet.ledger.fact import Fact
from fastemailnet.lifecycle import State
from fastemailnet.smtp import session
from fastemailnet.smtp.classify import Phase
from tests.integration.test_a_dead_host_holds_no_other_mail_up import Host
from tests.integration.test_a_fleet_in_one_process import PATIENCE_S, House, house
from tests.integration.test_large_bodies_stand_outside_the_log import scene

BACKLOG = 300
TAKEN = 60


class Wedge(Host):
    """Greets, answers EHLO, and says nothing ever after: no error, and no progress."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.write(b"250 here\r\n")
        await reader.read()


class Stuck(Events):
    """A stream of events that takes nothing until it is let go."""

    def __init__(self, of: Events) -> None:
        super().__init__(of.log)
        self.is_asked, self.may_go_on = threading.Event(), threading.Event()

    def tell(self, found: Mapping[int, Iterable[tuple[int, Fact]]]) -> None:
        pairs = {partition: list(facts) for partition, facts in found.items()}
        if any(pairs.values()):
            self.is_asked.set()
            self.may_go_on.wait(PATIENCE_S)
        super().tell(pairs)


async def silent_node(fleet: House, stack: AsyncExitStack, name: str) -> Host:
    """A node whose next hop never greets: it takes mail and gets nowhere with it."""
    host, settings = Host(), fleet.settings
    port = await host.start(stack)
    nowhere = {"kind": "smarthost", "host": "127.0.0.1", "port": port, "tls": "none"}
    fleet.settings = settings.model_copy(update={"route": settings.route.model_copy(update=nowhere)})
    fleet.start_node(name)
    fleet.settings = settings
    await host.tried.wait()
    return host


async def test_a_peer_that_wedges_without_an_error_keeps_no_mail_beyond_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dispatcher wedges without an error, and what waits behind it never expires (kumomta #539)."""
    monkeypatch.setitem(session.TIMEOUTS_S, Phase.MAIL, 0.3)
    stack, host, table = AsyncExitStack(), Wedge(greeted=1_000), tmp_path / "routes.toml"
    port = await host.start(stack)
    table.write_text(f'["wedged.example"]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n')
    async with stack, house(tmp_path, ROUTE__TABLE=str(table)) as fleet:
        for number in range(BACKLOG):
            fleet.accept(f"r{number}@wedged.example", domain="wedged.example", expires_in_ms=2_500)
        fleet.accept("other@x.example")
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["expired"] == BACKLOG and b["relayed"] == 1)
        assert balance["open"] == 0
        ends = [frame.at_ms for frame in fleet.frames() if isinstance(frame, Outcome)]
        assert len(ends) == BACKLOG + 1
        assert not [frame for frame in fleet.frames() if isinstance(frame, Intent)][1:]  # the other mail's alone


async def test_a_lock_ends_with_its_worker(tmp_path: Path) -> None:
    """A message stays locked by a worker that is gone (Stalwart's queue.locked; postal #645)."""
    async with AsyncExitStack() as stack, house(tmp_path) as fleet:
        for number in range(TAKEN):
            fleet.accept(f"r{number}@x.example")
        await silent_node(fleet, stack, "a")
        fleet.tasks.pop().cancel()  # it says nothing more, and gives nothing back
        fleet.start_node("b")
        await fleet.until(lambda b: b["relayed"] == TAKEN)
        assert [frame.node for frame in fleet.frames() if isinstance(frame, Fence)] == ["a"]
        assert {lease.token[0] for lease in fleet.coordinator.machine.fold.leases.values()} <= {"b"}
        assert Counter(str(line["recipients"]) for line in fleet.arrivals()).most_common(1)[0][1] == 1


async def test_what_was_fetched_and_not_sent_is_no_progress(tmp_path: Path) -> None:
    """The place where sending resumes was advanced when mail was fetched, so what was not sent then never was (listmonk #3022)."""
    async with AsyncExitStack() as stack, house(tmp_path) as fleet:
        for number in range(TAKEN):
            fleet.accept(f"r{number}@x.example")
        await silent_node(fleet, stack, "a")
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        counts = fleet.nodes[0].stations.counts
        while sum(count for state, count in counts.items() if state is not State.IDLE) < TAKEN:  # all are in its hands
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        fleet.auditor.catch_up()
        assert fleet.auditor.fold.progress["mail.standard", 0].low == 0
        fleet.tasks.pop().cancel()
        second = fleet.coordinator
        fleet.tasks.pop(0).cancel()  # a restart of all that decides: it knows what the log says
        fleet.coordinator = type(second)(build.log(fleet.settings), build.policy(fleet.settings))
        fleet.tasks.append(asyncio.create_task(fleet.coordinator.run()))
        fleet.start_node("b")
        await fleet.until(lambda b: b["relayed"] == TAKEN)
        assert len(fleet.arrivals()) == TAKEN
        assert fleet.auditor.fold.progress["mail.standard", 0].low == TAKEN


async def test_whoever_is_told_of_mail_holds_none_up(tmp_path: Path) -> None:
    """Webhooks starve mail (log hooks that block): here a stream of events that takes nothing."""
    async with house(tmp_path, LOG__EVENTS="on") as fleet:
        parts = build.ledger_parts(fleet.settings)
        parts["events"] = stuck = Stuck(parts["events"])
        fleet.tasks.append(asyncio.create_task(LedgerActor(**parts).run()))
        fleet.start_node("a")
        fleet.accept("first@x.example")
        try:
            assert await asyncio.to_thread(stuck.is_asked.wait, PATIENCE_S)
            for number in range(BACKLOG):
                fleet.accept(f"r{number}@x.example")
            await fleet.until(lambda b: b["relayed"] == BACKLOG + 1)
            assert fleet.log.end(EVENTS, 0) == 0
        finally:
            stuck.may_go_on.set()
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while fleet.log.end(EVENTS, 0) < 2 * (BACKLOG + 1):  # accepted and relayed
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)


async def test_a_sweep_takes_no_body_of_mail_that_may_still_be_sent(tmp_path: Path) -> None:
    """Retention deletes live mail (postal #353). Of the log itself nothing is deleted yet: bodies in a store are."""
    async with scene(tmp_path, RETRY__MAX_AGE_S=str(30 * 86_400)) as here:
        await here.send("r@x.example")
        (unit,) = here.units()
        bodies = build.bodies(here.fleet.settings)
        assert await bodies.sweep(unit.expires_ms) == 0
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["relayed"] == 1)
        assert await bodies.sweep(unit.expires_ms + 4 * DAY_MS) == 1
        assert here.files() == []


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
