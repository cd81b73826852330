"""What stands in a journal and does not read is named, and ends nobody: octets that are no UTF-8, a code that is none, garbage."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors import build
from actors.ledger import LedgerActor
from fastemailnet.config import load
from fastemailnet.delivery.feedback import STREAM
from fastemailnet.envelope import encode_unit
from fastemailnet.flashsync.frames import JOURNAL, Intent, Outcome, encode
from fastemailnet.ledger.fact import LeafType, decode_facts, encode_facts
from fastemailnet.log.interface import Fenced
from fastemailnet.outcome import Kind
from tests.integration.test_every_mail_has_one_leaf_that_it_was_accepted import UNIT, spoken

PATIENCE_S = 30.0
OLD = b"the mailbox of b\xe4r is gone"  # Latin-1, as an old server says it
STANDS_FOR = b"x" * len(OLD)


def frame(number: int, outcome: Outcome) -> tuple[bytes, bytes]:
    """The INTENT and the OUTCOME of a mail of its own, as records."""
    intent = Intent(number, 0, 1, "a", 1, 5, bytes([number]) * 16, (0,))
    facts = [msgspec.structs.replace(fact, message=bytes([number]) * 16) for fact in decode_facts(outcome.evidence)]
    mine = msgspec.structs.replace(outcome, lease=number, intent=2 * number, evidence=encode_facts(facts))
    return encode(intent), encode(mine)


def with_detail(**more: str) -> Outcome:
    """A bounce whose last fact has these details."""
    outcome = spoken(Kind.BOUNCED)
    *before, last = decode_facts(outcome.evidence)
    last = msgspec.structs.replace(last, detail={**last.detail, **more})
    return msgspec.structs.replace(outcome, evidence=encode_facts([*before, last]))


def with_code() -> Outcome:
    """A bounce with an enhanced code that no server may say and no leaf has room for."""
    outcome = spoken(Kind.BOUNCED)
    *before, last = decode_facts(outcome.evidence)
    last = msgspec.structs.replace(last, enhanced=(5, 999, 1))
    return msgspec.structs.replace(outcome, evidence=encode_facts([*before, last]))


async def passed_over(ledger: LedgerActor, places: set[str]) -> dict[str, str]:
    """What the ledger says it could not read, once it has met these places."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not places <= set(told := (await ledger.status()).get("passed over", {})):  # type: ignore[call-overload]
        assert asyncio.get_running_loop().time() < deadline, told
        await asyncio.sleep(0.01)
    assert set(told) | {"feedback@0"} == places | {"feedback@0"}  # met again, if nothing behind it was kept
    return told  # type: ignore[return-value]


async def test_it_goes_on_behind_it_and_says_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    good = encode_unit(msgspec.structs.replace(UNIT, reverse_path=""))
    reported = msgspec.structs.replace(spoken(Kind.BOUNCED), reports=(b"\xc1", good))
    records = [
        *frame(0, with_detail(reply=STANDS_FOR.decode())),
        *frame(1, with_code()),
        *frame(2, reported),
        b"\xc1 no frame",
        b"\xa1\xff",
        *frame(4, spoken(Kind.RELAYED)),
    ]
    records[1] = records[1].replace(STANDS_FOR, OLD)
    records[-1] = encode(msgspec.structs.replace(spoken(Kind.RELAYED), lease=4, intent=8))
    landed = log.append(JOURNAL, 0, records)
    assert not isinstance(landed, Fenced)
    log.append(STREAM, 0, [b"no note"])
    named = {"journal/0@3", "journal/0@5", "journal/0@6", "journal/0@7", "feedback@0"}
    for unread in (set(), {"journal/0@3", "journal/0@5", "feedback@0"}):  # the next start reads no evidence again
        ledger = LedgerActor(**build.ledger_parts(settings))
        task = asyncio.create_task(ledger.run())
        rows = await ledger.timeline(bytes(16), {0: landed[-1] + 1})
        assert [row.type for row in rows] == [LeafType.ACCEPTED, LeafType.FAILED]
        assert rows[1].detail["reply"] == OLD.decode("utf-8", "replace")
        assert [row.type for row in await ledger.timeline(b"\x01" * 16, {})] == [LeafType.ACCEPTED]
        assert [row.type for row in await ledger.timeline(UNIT.message, {})] == [LeafType.ACCEPTED, LeafType.RELAYED]
        assert log.ends("mail.standard") == {("mail.standard", 0): 1}
        told = await passed_over(ledger, named - unread)
        assert "a report that is no unit" in told.get("journal/0@5", "a report that is no unit")
        assert "a fact of it has no leaf" in told.get("journal/0@3", "a fact of it has no leaf")
        assert "it holds no frame" in told["journal/0@6"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(ledger.thread.shutdown)
        ledger.keeper.close()
        assert "journal/0@6 is passed over by the ledger" in capsys.readouterr().err
    log.close()
