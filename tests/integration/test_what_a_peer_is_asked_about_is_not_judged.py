"""What a peer may have taken is asked about and not judged: held by then, it would come a second time when it is released."""

from pathlib import Path

import pytest

from actors.journal_check import check_journal
from actors.sandbox_faults import Faults
from fastemailnet.flashsync.frames import Intent, Outcome
from fastemailnet.ledger.fact import decode_facts
from tests.integration.test_a_fleet_in_one_process import house
from tests.integration.test_a_tagged_mail_says_so_in_every_attempt import BAD, loses_its_classifier


@pytest.mark.parametrize("action", ["tag", "throttle", "hold", "reject"])
async def test_a_mail_that_went_without_a_score_is_asked_about_whatever_the_gate_says_now(
    tmp_path: Path, action: str
) -> None:
    gate = {"CLASSIFIER__HOLD_THRESHOLD": "0.5", "SCORE_ACTION__STANDARD": action}
    async with house(tmp_path, Faults(break_after=1.0), remembers=True, **gate) as fleet:
        node = fleet.start_node("a", BAD)
        scorer = node.examiner.scorer
        loses_its_classifier(node)
        fleet.accept("r@x.example")
        await fleet.until(lambda b: b["in_doubt"] == 1)
        node.examiner.scorer = scorer
        balance = await fleet.until(lambda b: b["open"] == b["in_doubt"] == 0)
        assert balance["relayed"] == 1
        assert [frame.attempt for frame in fleet.frames() if isinstance(frame, Intent)] == [1, 2]
        assert len(fleet.arrivals()) == 1
        ends = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]
        (fact,) = decode_facts(ends[-1].evidence)
        assert str(fact.detail["gate"]).startswith("not judged: ")
        assert check_journal(fleet.log).violations == []
