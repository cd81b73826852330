"""What the commands share: the console, the options that they all have, and a client of the fleet."""

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fastemailnet.client import Client
from fastemailnet.config import load

out = Console()
err = Console(stderr=True)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file; defaults and FASTEMAILNET_* apply without it.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file as well.")]


def client(config: Path | None) -> Client:
    """A client of the fleet that the settings name."""
    settings = load(config, os.environ)
    return Client(f"http://{settings.gateway.bind}:{settings.gateway.http_port}")


def write(path: Path | None, answer: Any) -> None:
    """The figures as JSON, where a file was asked for."""
    if path:
        path.write_text(json.dumps(answer, indent=1) + "\n")


def moment(at_ms: int) -> str:
    """Unix milliseconds as a time of day in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_ms / 1000)) + f".{at_ms % 1000:03d}Z"
