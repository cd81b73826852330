"""A recipient whom an attempt in doubt has ended is not written to again when the others are, nor its sender told again."""

import asyncio
from pathlib import Path

import pytest

from actors import build
from actors.journal_check import check_journal
from actors.ledger import LedgerActor
from actors.sandbox_faults import Faults
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import Assign, Intent, Outcome, Verdict, decode_control
from fastemailnet.ledger.fact import LeafType
from fastemailnet.outcome import Kind
from tests.integration.kafka_log_world import everything
from tests.integration.test_a_fleet_in_one_process import House, house
from tests.integration.test_a_sender_is_told_once import reports
from tests.integration.test_a_verdict_about_a_doubt_is_told_once import BOUNCED, failed

PEOPLE = ("bounce@x.example", "r@x.example", "defer@x.example")
ONE_LOST = Faults(break_after=0.5, seed=1)  # the first draw of this seed breaks the connection, the second does not
POLICY = Policy(verdicts={"mail.standard": Verdict.RETRY}, doubt_ms=200, ask_ms=200)


def leased_again(fleet: House) -> list[Assign]:
    """The leases of what a doubt left to be tried again."""
    frames = [decode_control(record) for record in everything(fleet.log, "control", 0)]
    return [frame for frame in frames if isinstance(frame, Assign) and frame.attempt > 1]


@pytest.mark.parametrize("remembers", [False, True])
async def test_it_is_refused_once_and_told_once(tmp_path: Path, remembers: bool) -> None:
    async with house(tmp_path, ONE_LOST, POLICY, remembers) as fleet:
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        fleet.start_node("a")
        fleet.accept(*PEOPLE, expires_in_ms=10_000_000)
        found = await fleet.until(lambda b: b["deferred"] == 1 and b["open"] + b["in_doubt"] == 0 and b["relayed"] > 1)
        assert (found["bounced"], found["relayed"]) == (1, 2)  # and the report
        intents = [frame for frame in fleet.frames() if isinstance(frame, Intent)]
        rows = await ledger.timeline(intents[0].message, fleet.auditor.journal_positions())
        assert failed(fleet) == [BOUNCED]
        assert len(reports(fleet)) == 1
        (again,) = leased_again(fleet)
        assert again.settled == (Kind.BOUNCED, Kind.IN_DOUBT, Kind.IN_DOUBT)
        second = next(x for x in fleet.frames() if isinstance(x, Outcome) and x.attempt == 2)
        assert second.kinds == (Kind.BOUNCED, Kind.RELAYED, Kind.DEFERRED)
        assert intents[0].recipients == (0, 1, 2)
        copies = [line for line in fleet.arrivals() if line["recipients"] == ["r@x.example"]]
        assert len(copies) == (1 if remembers else 2)  # the reply to the first was lost
        ended = [row for row in rows if row.recipient_index == 0]
        assert [(row.type, row.attempt) for row in ended] == [(LeafType.ACCEPTED, 1), (LeafType.FAILED, 1)]
        assert check_journal(fleet.log).violations == []
