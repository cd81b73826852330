"""``python -m tests.model``: search every scenario, kill every mutant, end with one line of figures."""

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path

from tests.model.explorer import Report, explore
from tests.model.mutants import MUTANTS, SCENARIOS, SMALL
from tests.model.steps import Model


def scenario(name: str) -> tuple[str, Report]:
    """Search one scenario with the production machines."""
    bounds, max_states = SCENARIOS[name]
    return name, explore(Model(bounds), max_states)


def mutant(index: int) -> tuple[int, Report]:
    """Search for the harm of one mutant."""
    one = MUTANTS[index]
    return index, explore(Model(one.bounds, one.parts), 400_000)


def main() -> int:
    """Run all and print; exit 1 if a scenario is violated or unfinished, or a mutant lives."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--trace", action="store_true", help="print the shortest trace of each mutant's harm")
    parser.add_argument("--short", action="store_true", help="only the small scenarios, and every mutant")
    options = parser.parse_args()
    chosen = SMALL if options.short else list(SCENARIOS)
    started = time.monotonic()
    states, bad = 0, 0
    with multiprocessing.Pool(2) as pool:
        searches = pool.imap_unordered(scenario, chosen)
        hunts = pool.imap(mutant, range(len(MUTANTS)))
        for name, report in searches:
            states += report.states
            bad += show_scenario(name, report)
        killed = sum(show_mutant(index, report, options.trace) for index, report in hunts)
    seconds = time.monotonic() - started
    print(f"model states={states} violations={bad} mutants={killed}/{len(MUTANTS)} seconds={seconds:.1f}")
    if options.json:
        figures = {"states": states, "violations": bad, "mutants": killed, "of": len(MUTANTS), "seconds": seconds}
        options.json.write_text(json.dumps(figures) + "\n")
    return 0 if not bad and killed == len(MUTANTS) else 1


def show_scenario(name: str, report: Report) -> int:
    """One line for a scenario; its trace if it is violated. Returns 1 if it does not hold."""
    verdict = "VIOLATED" if report.violation else "holds" if report.complete else "UNFINISHED"
    print(f"  {verdict:9} {report.states:>8} states {report.seconds:6.1f} s  {name}", flush=True)
    if report.violation:
        print_trace(report)
    return int(verdict != "holds")


def show_mutant(index: int, report: Report, with_trace: bool) -> int:
    """One line for a mutant. Returns 1 if it was killed."""
    one = MUTANTS[index]
    verdict = "killed" if report.violation else "LIVES"
    print(f"  {verdict:9} {report.states:>8} states {report.seconds:6.1f} s  {one.rule}: {one.name}", flush=True)
    if report.violation and with_trace:
        print_trace(report)
    return int(bool(report.violation))


def print_trace(report: Report) -> None:
    """The violation and the steps that lead to it."""
    for number, step in enumerate(report.trace, 1):
        print(f"      {number:2} {step}")
    print(f"      => {report.violation}")


if __name__ == "__main__":
    sys.exit(main())
