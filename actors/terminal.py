"""What the commands share: the console, tables and lines on it, the options that they all have, and a client of the fleet."""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastemailnet.client import Client
from fastemailnet.config import load

PIPED_COLUMNS = 140  # for whoever reads a file, so that a row is a line; COLUMNS in the environment goes before it


def console(file: TextIO) -> Console:
    """A console that is as wide as the terminal, and wide where there is none."""
    is_wide = not file.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=file is sys.stderr, width=PIPED_COLUMNS if is_wide else None)


out = console(sys.stdout)
err = console(sys.stderr)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file; defaults and FASTEMAILNET_* apply without it.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file as well.")]


def client(config: Path | None, key: str | None = None) -> Client:
    """A client of the fleet that the settings name. ``key``: a tenant's; that of the environment without it."""
    settings = load(config, os.environ)
    return Client(f"http://{settings.gateway.bind}:{settings.gateway.http_port}", key=key)


def write(path: Path | None, answer: Any) -> None:
    """The figures as JSON, where a file was asked for."""
    if path:
        path.write_text(json.dumps(answer, indent=1) + "\n")


def plain(value: str) -> Text:
    """Words of a stranger for a terminal: no markup, and no control characters but line ends."""
    return Text("".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in value))


def complain(what: str, about: object, style: str = "red") -> None:
    """A line on stderr: ``what`` in colour, and behind it what may hold anybody's words."""
    err.print(Text.assemble((what, style), " ", plain(str(about))), soft_wrap=True)


def say(line: str) -> None:
    """A line on stdout that may hold anybody's words; a terminal breaks it where it ends."""
    out.print(plain(line), soft_wrap=True)


def grid(*names: str, whole: Iterable[str] = ()) -> Table:
    """A table whose cells lose nothing: long ones are folded, those of the columns in ``whole`` are not even that."""
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in whole)
    return table


def show(table: Table, otherwise: str = "") -> None:
    """A table on stdout; where it has no row, the words for that, and nothing where the figures below tell it."""
    if table.row_count:
        out.print(table)
    elif otherwise:
        say(otherwise)


def row(table: Table, *cells: str) -> None:
    """A row of what others wrote: no markup of theirs."""
    table.add_row(*map(plain, cells))


def told(event: Mapping[str, Any]) -> str:
    """What was said in an event of a delivery: reply code, enhanced code (RFC 3463) and text, or our own words."""
    said = event.get("reply") or event.get("held") or event.get("reason") or ""
    if "verdict" in event:
        said = f"{event['verdict']}: {said}"
    return " ".join(str(part) for part in (event.get("code"), event.get("enhanced"), said) if part)


def whose(one: Mapping[str, Any]) -> str:
    """Of whose mail something holds, where it is not all of it: the end of a sentence about a target."""
    tenant = f" for tenant {one['tenant']}" if one["tenant"] else ""
    return tenant + (f" in lane {one['lane']}" if one["lane"] else "")


def moment(at_ms: int) -> str:
    """Unix milliseconds as a time of day in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_ms / 1000)) + f".{at_ms % 1000:03d}Z"
