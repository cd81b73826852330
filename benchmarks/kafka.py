"""What does a fleet lose, or win, when its log is Apache Kafka and not the embedded one?

    python -m benchmarks.kafka            (make bench-kafka)

The same mails through the same fleet with everything on, once over the embedded log and once over one real broker on this machine,
in turn, in one run; mails a second, CPU a mail by process, the broker's own CPU apart. And the way of an INTENT, which every mail
waits for behind its body's transfer: append under a token, acknowledged, read back, one at a time on an idle log.

Back of the envelope: a mail is four records (unit, INTENT, OUTCOME, event), each in a request of its own where few mails are on
their way at once. A request costs 0.1 to 0.2 ms of CPU here and 0.6 ms in the broker, whatever is in it; under load some eight mails
share one, and each record is read by one or two others: 0.5 ms beside the 2.5 ms of all the rest. So 0.83 of the embedded log's rate.
"""

import argparse
import asyncio
import json
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from actors import build
from benchmarks.peers import sink
from benchmarks.quick import machine, measure_ours, settings_for
from fastemailnet.config import Settings
from fastemailnet.flashsync.frames import JOURNAL, Intent, encode
from fastemailnet.log.interface import Token
from fastemailnet.log.kafka_topics import ensure
from tools.kafka.cluster import Brokers
from tools.kafka.plan import Shape

FLOOR = 0.8
GOAL = 1.0
INTENTS = 1_000
WARM_UP = 100


async def intent_ms(settings: Settings) -> list[float]:
    """Milliseconds of each INTENT's way through the log of these settings."""
    log = build.log(settings)
    group = build.group(settings, log)
    log.follow(JOURNAL, 0, log.ends(JOURNAL).get((JOURNAL, 0), 0))
    frame = encode(Intent(1, 1, 1, "bench", 1, 0, bytes(16), (0,)))
    took = []
    for _ in range(WARM_UP + INTENTS):
        started = time.perf_counter()
        await group.append(JOURNAL, 0, [frame], token=Token("bench", 1))
        took.append((time.perf_counter() - started) * 1e3)
    await group.close()
    log.close()
    return sorted(took[WARM_UP:])


def over(name: str, directory: Path, sink_port: int, bootstrap: str) -> Settings:
    """A fleet's settings over one of the two logs, on topics of its own."""
    url = "embedded:" if name == "embedded" else f"kafka://{bootstrap}/{uuid.uuid4().hex[:8]}."
    # A deployment's own number of connections: here are no 20 sessions of Postfix to be equal to.
    more = {"FASTEMAILNET_SHAPING__CONNECTION_LIMIT": "40"}
    return settings_for(directory, sink_port, FASTEMAILNET_LOG__URL=url, FASTEMAILNET_LOG__UNSAFE="true", **more)


def intents(console: Console, root: Path, bootstrap: str) -> dict[str, list[float]]:
    """The INTENT's way through both logs."""
    found = {}
    for name in ("embedded", "kafka"):
        console.print(f"  {name}: {INTENTS} INTENTs, one after the other")
        settings = over(name, root / f"intents-{name}", 1, bootstrap)
        if build.is_kafka(settings):
            ensure(build.cluster(settings), build.topics(settings), unsafe=True)
        found[name] = asyncio.run(intent_ms(settings))
    return found


def main() -> int:
    """Run both; exit 1 below the floor, or if a mail was lost or sent twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.ERROR)
    console = Console()
    if shutil.which("smtp-source") is None:
        console.print("smtp-source is missing; on Debian: apt install postfix")
        return 1
    root = Path(tempfile.mkdtemp(prefix="fastemailnet-bench-"))
    try:
        with Brokers.create(root / "kafka", Shape()) as brokers, sink(root / "sink") as into:
            waits = intents(console, root, brokers.bootstrap)
            rounds: dict[str, list[dict[str, Any]]] = {"embedded": [], "kafka": []}
            for number in range(2 * options.rounds):
                name = ("embedded", "kafka", "kafka", "embedded")[number % 4]
                settings = over(name, root / f"{name}-{number}", into.port, brokers.bootstrap)
                beside = {"broker": brokers.pid(0)} if name == "kafka" else {}
                rounds[name].append(measure_ours(console, settings, into, options.mails, beside))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    figures = summary(rounds, waits)
    show(console, rounds, figures)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), **figures, "rounds": rounds}, indent=1) + "\n")
    shown = " ".join(
        f"{key}={value:.2f}" if isinstance(value, float) else f"{key}={value}" for key, value in figures.items()
    )
    console.print(f"bench-kafka {shown}", highlight=False, soft_wrap=True)
    return int(figures["ratio"] < FLOOR or figures["lost"] > 0 or figures["duplicates"] > 0)


def summary(rounds: dict[str, list[dict[str, Any]]], waits: dict[str, list[float]]) -> dict[str, Any]:
    """Medians of the rounds, and the ratio."""
    figures: dict[str, Any] = {}
    for name, found in rounds.items():
        for key in ("per_s", "cpu_ms", "p50_ms", "p99_ms"):
            figures[f"{name}_{key}"] = float(statistics.median(one[key] for one in found))
    figures["ratio"] = figures["kafka_per_s"] / figures["embedded_per_s"]
    figures["broker_cpu_ms"] = float(statistics.median(one["stages"]["broker"] for one in rounds["kafka"]))
    for name, took in waits.items():
        figures[f"{name}_intent_p50_ms"] = took[len(took) // 2]
        figures[f"{name}_intent_p99_ms"] = took[len(took) * 99 // 100]
    for key in ("lost", "duplicates"):
        figures[key] = sum(one[key] for found in rounds.values() for one in found)
    figures["cores"] = os.cpu_count()
    return figures


def show(console: Console, rounds: dict[str, list[dict[str, Any]]], figures: dict[str, Any]) -> None:
    """Both logs side by side, and where the CPU goes."""
    table = Table("", "embedded", "Kafka", title=f"benchmark kafka: {machine()}", title_justify="left")
    for key, name in {
        "per_s": "mails/s, median of the rounds",
        "cpu_ms": "CPU ms a mail, broker included",
        "p50_ms": "acceptance to relay at 50/s, p50 ms",
        "intent_p50_ms": "INTENT, p50 ms",
        "intent_p99_ms": "INTENT, p99 ms",
    }.items():
        table.add_row(name, f"{figures[f'embedded_{key}']:.2f}", f"{figures[f'kafka_{key}']:.2f}")
    console.print(table)
    stages = Table("process", "embedded", "Kafka", title="CPU ms a mail, last round of each", title_justify="left")
    ours, theirs = rounds["embedded"][-1]["stages"], rounds["kafka"][-1]["stages"]
    for name, cost in theirs.items():
        stages.add_row(name, f"{ours[name]:.3f}" if name in ours else "", f"{cost:.3f}")
    console.print(stages)
    console.print(
        f"ratio {figures['ratio']:.2f} of the embedded log's rate; floor {FLOOR}, goal {GOAL}", highlight=False
    )


if __name__ == "__main__":
    sys.exit(main())
