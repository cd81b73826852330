"""``python -m tests.model``: search every scenario, kill every mutant, end with one line of figures."""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.model.explorer import Report, explore
from tests.model.mutants import MUTANTS, RULES
from tests.model.scenarios import SCENARIOS, SMALL
from tests.model.steps import Model

MAX_STATES = 4_000_000
MAX_MUTANT_STATES = 400_000
out = Console(soft_wrap=True, highlight=False)


def scenario(name: str) -> tuple[str, Report]:
    """Search one scenario with the production machines."""
    return name, explore(Model(SCENARIOS[name]), MAX_STATES)


def mutant(index: int) -> tuple[int, Report]:
    """Search for the harm of one mutant."""
    one = MUTANTS[index]
    return index, explore(Model(one.bounds, one.parts), MAX_MUTANT_STATES)


def main() -> int:
    """Run all and print; exit 1 if a scenario is violated or unfinished, or a mutant lives."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--trace", action="store_true", help="print the shortest trace of each mutant's harm")
    parser.add_argument("--short", action="store_true", help="only the small scenarios, and every mutant")
    options = parser.parse_args()
    chosen = SMALL if options.short else list(SCENARIOS)
    started = time.monotonic()
    states, bad, killed = 0, 0, 0
    # A process of its own for each search, so that the memory of the large ones does not add up.
    with multiprocessing.Pool(2, maxtasksperchild=1) as pool, progress() as shown:
        task = shown.add_task("exploring", total=len(chosen) + len(MUTANTS))
        for name, report in pool.imap_unordered(scenario, chosen):
            states += report.states
            bad += show_scenario(name, report)
            shown.advance(task)
    with multiprocessing.Pool(2) as pool, progress() as shown:
        task = shown.add_task("hunting mutants", total=len(MUTANTS))
        for index, report in pool.imap(mutant, range(len(MUTANTS))):
            killed += show_mutant(index, report, options.trace)
            shown.advance(task)
    seconds = round(time.monotonic() - started, 1)
    cpu_s = round(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), 1)
    mutants = f"{killed}/{len(MUTANTS)}"
    out.print(f"model states={states} violations={bad} mutants={mutants} seconds={seconds} cpu_seconds={cpu_s}")
    if options.json:
        figures = {"states": states, "violations": bad, "mutants": killed, "of": len(MUTANTS)}
        where = {"seconds": seconds, "cpu_seconds": cpu_s, "cores": os.cpu_count(), "python": platform.python_version()}
        options.json.write_text(json.dumps({**figures, **where}, indent=1) + "\n")
    return 0 if not bad and killed == len(MUTANTS) else 1


def progress() -> Progress:
    """A line that moves, on a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}/{task.total}"), TimeElapsedColumn())
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


def show_scenario(name: str, report: Report) -> int:
    """One line for a scenario; its trace if it is violated. Returns 1 if it does not hold."""
    verdict = "[red]VIOLATED[/]" if report.violation else "[green]holds[/]" if report.complete else "[red]UNFINISHED[/]"
    out.print(f"  {verdict} {report.states:>9,} states {report.seconds:6.1f} s  {name}")
    if report.violation:
        print_trace(report)
    return int(bool(report.violation) or not report.complete)


def show_mutant(index: int, report: Report, with_trace: bool) -> int:
    """One line for a mutant. Returns 1 if it was killed."""
    one = MUTANTS[index]
    verdict = "[green]killed[/]" if report.violation else "[red]LIVES[/]"
    harm = f"[{len(report.trace)} steps] {report.violation}" if report.violation else ""
    out.print(f"  {verdict} {report.states:>6,} states  {one.rule:<10}  [bold]{one.name}[/]: {escape(harm)}")
    if report.violation and with_trace:
        out.print(f"      the rule: {RULES[one.rule]}", markup=False)
        print_trace(report)
    return int(bool(report.violation))


def print_trace(report: Report) -> None:
    """The violation and the steps that lead to it: two nodes a and b, each with a journal partition, and unit 0 in the log."""
    for number, step in enumerate(report.trace, 1):
        out.print(f"      {number:2} {step}", markup=False)
    out.print(f"      => {report.violation}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
