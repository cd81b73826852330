"""A host that defers many large mails at once: their copies wait for the log by turns, and the node lives."""

from pathlib import Path

from fastemailnet.flashsync.frames import JOURNAL, Fence, decode_journal
from tests.integration.kafka_log_world import everything
from tests.integration.test_a_fleet_in_one_process import house

LIMIT_OCTETS = 1_000_000  # of what may wait in a process that can refuse it
LARGE = "\r\n" + ("x" * 900 + "\r\n") * 400  # a body, of a third of that
MAILS = 12


async def test_each_is_deferred_and_nobody_is_fenced(tmp_path: Path) -> None:
    async with house(tmp_path, LIMITS__PENDING_OCTETS=str(LIMIT_OCTETS)) as fleet:
        for number in range(MAILS):
            fleet.accept(f"defer+{number}@x.example", f"r{number}@x.example", fields=LARGE)
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["deferred"] + b["in_doubt"] == MAILS)
        assert (balance["in_doubt"], balance["relayed"]) == (0, MAILS)
        frames = [decode_journal(one) for where in fleet.log.ends(JOURNAL) for one in everything(fleet.log, *where)]
        assert not any(isinstance(frame, Fence) for frame in frames)
