"""A report whose OUTCOME has no fact that reads, alone in what the ledger reads at once, reaches the sender all the same."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors import build
from actors.ledger import LedgerActor
from fastemailnet.config import load
from fastemailnet.envelope import encode_unit
from fastemailnet.flashsync.frames import JOURNAL, Intent, Outcome, Resolve, Verdict, encode
from fastemailnet.outcome import Kind
from tests.integration.test_every_mail_has_one_leaf_that_it_was_accepted import UNIT, spoken

REPORT = encode_unit(msgspec.structs.replace(UNIT, reverse_path=""))
INTENT = Intent(1, 0, 1, "a", 1, 5, UNIT.message, (0,))
TOLD = msgspec.structs.replace(spoken(Kind.IN_DOUBT), lease=1, intent=0)
OTHER = msgspec.structs.replace(TOLD, kinds=(Kind.BOUNCED,), evidence=b"\xc1", reports=(REPORT,))
VERDICT = Resolve(1, 0, Verdict.BOUNCE, 9, "policy of the lane", evidence=b"\xc1", reports=(REPORT,))


@pytest.mark.parametrize("before", [(INTENT,), (INTENT, TOLD)])
@pytest.mark.parametrize("frame", [OTHER, VERDICT])
async def test_it_reaches_the_sender_once(
    tmp_path: Path, before: tuple[Intent | Outcome, ...], frame: Outcome | Resolve
) -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    log.append(JOURNAL, 0, [encode(one) for one in before])
    for _ in range(2):
        ledger = LedgerActor(**build.ledger_parts(settings))
        task = asyncio.create_task(ledger.run())
        await ledger.timeline(UNIT.message, {0: len(before)})
        if log.end(JOURNAL, 0) == len(before):
            log.append(JOURNAL, 0, [encode(frame)])
        await ledger.timeline(UNIT.message, {0: len(before) + 1})
        assert [record for _, record in log.fetch("mail.standard", 0, 0, 9)] == [REPORT]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(ledger.thread.shutdown)
        ledger.keeper.close()
    log.close()
