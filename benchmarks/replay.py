"""How long a coordinator takes to read a long log of unsettled work, and to plan on it.

    python -m benchmarks.replay            (--frames 200000)

Question: a fleet of 8 nodes whose processes end again and again works off 144 partitions; of every other attempt nobody ever says what
became of it, and all of those wait for a person. How long until a new coordinator has folded it all without a snapshot, and how long is
its turn from then on? Does twice the log take twice the time?

On the back of an envelope: 5 µs to decode a frame and as much to fold it: 2 s for 200,000. A FENCE concerns what its incarnation had
open, and a plan what it can do something about: neither grows with what waits for a person.

The production fold and coordinator over encoded frames in memory; no log, whose reading others measure (``recovery``).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.outcome import Kind

NODES = 8
PARTITIONS = 48
STREAMS = ("mail.transactional", "mail.standard", "mail.bulk")
LEASE_UNITS = 32
LIFE_LEASES = 16  # of an incarnation, before it is fenced
MOST_US, MOST_TURN_MS, MOST_TIMES = 25.0, 30.0, 1.5

Record = tuple[int, bytes]  # journal partition, or -1 for control


def story(count: int) -> Iterator[Record]:
    """So many frames of journal and control, as they were written."""
    yield -1, f.encode(f.Epoch(1, 0))
    positions, nexts = [0] * NODES, dict.fromkeys(((s, p) for s in STREAMS for p in range(PARTITIONS)), 0)
    wheres = list(nexts)
    made = lease = life = 0
    while made < count:
        life += 1
        for slot in range(NODES):
            node = f"node-{slot}"
            yield -1, f.encode(f.Join(1, node, life, slot, 512))
            for _ in range(LIFE_LEASES):
                lease += 1
                stream, partition = where = wheres[lease % len(wheres)]
                lo, nexts[where] = nexts[where], nexts[where] + LEASE_UNITS
                yield -1, f.encode(f.Assign(1, lease, stream, partition, lo, lo + LEASE_UNITS, node, life))
                for offset in range(lo, lo + LEASE_UNITS):
                    who = (lease, offset, 1, node, life)
                    yield slot, f.encode(f.Intent(*who, 0, b"m" * 16, (0,)))
                    positions[slot] += 1
                    if offset % 2:
                        yield slot, f.encode(f.Outcome(*who, 0, positions[slot] - 1, (Kind.RELAYED,)))
                        positions[slot] += 1
            yield slot, f.encode(f.Fence(1, node, life, 0, "its process ended"))
            positions[slot] += 1
            made += LIFE_LEASES * (1 + LEASE_UNITS * 3 // 2) + 2


def measured(count: int) -> dict[str, float]:
    """Seconds to fold, milliseconds of a turn behind it, and how much was in doubt."""
    records = list(story(count))
    machine = Coordinator(Policy(verdicts=dict.fromkeys(STREAMS)))
    positions = [0] * NODES
    began = time.perf_counter()
    for partition, record in records:
        if partition < 0:
            machine.control_read(f.decode_control(record), 0)
        else:
            machine.journal_read(partition, positions[partition], f.decode_journal(record), 0)
            positions[partition] += 1
    folded = time.perf_counter() - began
    assert not machine.fold.alarms
    machine.epoch = 1
    for write in machine.admit("node-0", 512, 0):
        assert isinstance(write.frame, f.Join)
        machine.control_read(write.frame, 0)
    ends = {where: progress.next for where, progress in machine.fold.progress.items()}
    turns = []
    for _ in range(5):
        began = time.perf_counter()
        writes = machine.plan(0, ends)
        turns.append(time.perf_counter() - began)
        for write in writes:
            assert isinstance(write.frame, f.Assign)
            machine.control_read(write.frame, 0)
    return {
        "frames": len(records),
        "seconds": round(folded, 2),
        "us_a_frame": round(folded * 1e6 / len(records), 1),
        "turn_ms": round(min(turns) * 1_000, 2),
        "in_doubt": len(machine.fold.in_doubt()),
    }


def main() -> None:
    """Measure, print, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    half, whole = measured(given.frames // 2), measured(given.frames)
    times = round(whole["us_a_frame"] / half["us_a_frame"], 2)
    if given.json:
        given.json.write_text(json.dumps({"half": half, "whole": whole, "times": times}, indent=2) + "\n")
    figures = " ".join(f"{name}={value}" for name, value in whole.items())
    print(
        f"replay {figures} half_us={half['us_a_frame']} half_turn_ms={half['turn_ms']} times={times} bar={MOST_TIMES}"
    )
    sys.exit(whole["us_a_frame"] > MOST_US or whole["turn_ms"] > MOST_TURN_MS or times > MOST_TIMES)


if __name__ == "__main__":
    main()
