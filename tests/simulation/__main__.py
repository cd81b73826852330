"""``python -m tests.simulation``: run the schedules of many seeds, or one seed with everything that happens in it.

A failing seed is made smaller and told with its trace; the same seed always fails the same way.
"""

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.simulation.plan import Plan, plan
from tests.simulation.shrink import shrink
from tests.simulation.world import World

BATCH = 50
Found = tuple[int, int, list[tuple[int, str]]]  # events, fewest of a schedule, broken seeds
out = Console(soft_wrap=True, highlight=False)


def batch(seeds: range) -> Found:
    """Run some seeds."""
    events, fewest, broken = 0, sys.maxsize, []
    for seed in seeds:
        world = World(plan(seed))
        found = world.run()
        events += world.clock.events
        fewest = min(fewest, world.clock.events)
        if found:
            broken.append((seed, found[0]))
    return events, fewest, broken


def main() -> int:
    """Run and print; exit 1 if anything broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1_000, help="how many seeds, one schedule each")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--trace", action="store_true", help="print everything that happens in the first seed")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    if options.trace:
        tell(plan(options.seed))
    seeds = range(options.seed, options.seed + options.count)
    batches = [seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH)]
    started = time.monotonic()
    events, fewest, broken = collect(batches, options.jobs)
    seconds = time.monotonic() - started
    for seed, _ in broken[:3]:
        explain(seed)
    figures = {
        "schedules": len(seeds),
        "events": events,
        "fewest": fewest,
        "violations": len(broken),
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "broken": [seed for seed, _ in broken],
    }
    if options.json:
        where = {"cores": os.cpu_count(), "python": platform.python_version(), "commit": commit()}
        options.json.write_text(json.dumps({**figures, **where}, indent=1) + "\n")
    shown = " ".join(f"{name}={value}" for name, value in figures.items() if name != "broken")
    out.print(f"sim {shown}")
    return 1 if broken else 0


def commit() -> str:
    """What ran, where git knows it."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def collect(batches: list[range], jobs: int) -> Found:
    """Run the batches in processes, with a bar."""
    events, fewest, broken = 0, sys.maxsize, []
    columns = (TextColumn("schedules"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=sum(map(len, batches)))
        with multiprocessing.Pool(jobs) as pool:
            results: Iterable[Found] = pool.imap(batch, batches)
            for seeds, (more, least, found) in zip(batches, results, strict=True):
                events, fewest = events + more, min(fewest, least)
                for seed, what in found:
                    out.print(f"[red]VIOLATED[/] seed {seed}: {what}")
                broken += found
                bar.advance(task, len(seeds))
    return events, fewest, broken


def explain(seed: int) -> None:
    """The smallest failing part of a seed's plan, with its trace."""
    out.print(f"\nseed {seed}, made smaller:")
    tell(shrink(plan(seed), lambda candidate: bool(World(candidate).run())))


def tell(what: Plan) -> None:
    """Everything that happens under a plan."""
    trace: list[str] = []
    found = World(what, trace).run()
    for line in trace:
        out.print(line, markup=False)
    for line in found:
        out.print(f"=> {line}", markup=False)
    out.print(what, markup=False)


if __name__ == "__main__":
    sys.exit(main())
