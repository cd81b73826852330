"""The command that checks a log offline."""

import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from actors.journal_check import Check, Findings, check_journal
from actors.journal_rules import NOT_JUDGED
from actors.terminal import Config, Json, err, out, write
from fastemailnet.config import load
from fastemailnet.errors import FleetError
from fastemailnet.log.embedded import EmbeddedLog

journal_app = typer.Typer(no_args_is_help=True, help="The journal: check offline that what it says is possible.")
FIGURES = ("frames", "units", "leases", "violations", "in_doubt", "repetitions")
SINK_FIGURES = ("sink_lines", "lost", "duplicates", "unexplained")


@journal_app.callback()
def journal() -> None:
    """The journal: check offline that what it says is possible."""


@journal_app.command("check")
def journal_check(
    data: Annotated[Path | None, typer.Argument(help="Data directory; fleet.data of the settings without it.")] = None,
    sink: Annotated[Path | None, typer.Option(help="received.jsonl of the receiver, to compare with.")] = None,
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Check every invariant that the log of a fleet can show. Needs no running fleet; exits 1 on any violation."""
    directory = (data or load(config, os.environ).fleet.data) / "log"
    if not directory.is_dir():
        raise FleetError(f"no log in {directory}")
    if sink is not None and not sink.is_file():
        raise FleetError(f"no file {sink}")
    started = time.monotonic()
    log = EmbeddedLog(directory)
    try:
        findings = _checked(log, sink)
    finally:
        log.close()
    seconds = time.monotonic() - started
    for name, check in findings.checks.items():
        show(name, check)
    out.print(f"{'':8}not judged: {NOT_JUDGED}", highlight=False, soft_wrap=True)
    out.print(line(findings, seconds), highlight=False, soft_wrap=True)
    if json_file:
        figures = {**findings.figures, "seconds": round(seconds, 3)}
        write(json_file, {**figures, "checks": msgspec.to_builtins(findings.checks)})
    raise typer.Exit(1 if findings.figures["violations"] else 0)


def _checked(log: EmbeddedLog, sink: Path | None) -> Findings:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("")

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=max(total, 1))

        return check_journal(log, sink, progress)


def show(name: str, check: Check) -> None:
    """One line about an invariant, and what contradicts it."""
    verdict = f"[bold red]VIOLATED[/] {check.violations} times" if check.violations else "[green]ok[/]"
    out.print(f"{name:<8}{check.what}: {check.count} {verdict}", highlight=False, soft_wrap=True)
    for example in check.examples:
        out.print(f"{'':10}{example}", highlight=False, soft_wrap=True, markup=False)


def line(findings: Findings, seconds: float) -> str:
    """The figures in one line."""
    names = FIGURES + (SINK_FIGURES if "sink_lines" in findings.figures else ())
    parts = [f"{name}={findings.figures[name]}" for name in names]
    return " ".join(["journal", *parts, f"seconds={seconds:.1f}"])
