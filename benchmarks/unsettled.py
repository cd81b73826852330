"""What it costs to settle one of many messages of which nobody knows whether they are in the log.

    python -m benchmarks.unsettled            (--count 20000)

Question: a broker went away in the middle of many appends, and everybody comes again. What does each cost the gateway, and is it the
same for the last of 20,000 as for the last of 2,000?

On the back of an envelope: a look to the end of the log that finds nothing new, an append and a key, 0.3 ms together; the records that
landed are read once, at 20 µs each. Nothing of it depends on how many others wait.

The production ``Submissions`` over a log in memory that takes an append and says that it does not know; then all come again, one after
the other. The bar: with ten times as many, each costs at most twice as much.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from actors.bodies import ALL_INLINE, Bodies
from actors.gateway import admission_limits
from actors.key_file import KeyFile
from actors.submissions import Submissions
from fastemailnet.admission.submission import Submission
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.config import load
from fastemailnet.envelope import LANES
from fastemailnet.errors import LogAppendUnknown, LogError
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced
from fastemailnet.log.memory import MemoryLog

MOST_TIMES = 2.0
RAW = b"From: a@shop.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\nbody\r\n"


class Away(MemoryLog):
    """Takes records, and cannot say so while it is away."""

    is_away = False

    def append(self, stream: str, partition: int, records: Sequence[bytes], **more: Any) -> range | Fenced:
        landed = super().append(stream, partition, records, **more)
        if self.is_away and stream in LANES:
            raise LogAppendUnknown("the broker went away")
        return landed

    def fetch(self, stream: str, *of: Any, **more: Any) -> list[tuple[int, bytes]]:
        if self.is_away and stream in LANES:
            raise LogError("no broker answers")
        return super().fetch(stream, *of, **more)


async def settled(count: int, directory: Path) -> float:
    """Milliseconds that each of so many messages took to be settled."""
    log = Away()
    group = GroupCommit(log, max_pending_octets=8_000_000)
    limits = admission_limits(load(None, {}))
    bodies = Bodies(FolderBlobs(directory / "blobs"), ALL_INLINE)
    taking = Submissions(log, group, limits, bodies, KeyFile(directory / "keys.sqlite3"))
    await taking.recall()
    wishes = [Submission(RAW, "a@shop.example", ("x@one.example",), idempotency_key=f"k{n}") for n in range(count)]
    log.is_away = True
    for wish in wishes:
        try:
            await taking.submit(wish)
        except LogAppendUnknown:
            continue
    assert taking.status() == {"unsettled": count}
    log.is_away = False
    began = time.perf_counter()
    for wish in wishes:
        assert (await taking.submit(wish)).replayed
    took = time.perf_counter() - began
    assert taking.status() == {}
    assert sum(log.end(stream, 0) for stream in LANES) == count
    await group.close()
    return took * 1_000 / count


def main() -> None:
    """Measure, print, and exit with 1 where the bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = {}
    for count in (given.count // 10, given.count):
        with tempfile.TemporaryDirectory() as directory:
            found[count] = round(uvloop.run(settled(count, Path(directory))), 3)
    few, many = found.values()
    figures = {"ms_each": found, "times": round(many / few, 2), "most_times": MOST_TIMES}
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"unsettled count={given.count} ms_each={many} of_a_tenth={few} times={figures['times']} bar={MOST_TIMES}")
    sys.exit(many > MOST_TIMES * few)


if __name__ == "__main__":
    main()
