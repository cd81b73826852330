"""Run a fleet in the foreground: start it, tell where it listens, watch it, and stop on Ctrl-C or SIGTERM."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from actors import build
from actors.clock import wall_ms
from actors.fleet import START_S, Fleet
from actors.terminal import moment
from fastemailnet.client import Client
from fastemailnet.config import Settings
from fastemailnet.errors import FleetError

WATCH_S = 0.5
POLL_S = 0.1


def run_until_signal(settings: Settings, console: Console) -> None:
    """Serve until a signal. Data survives; the next start goes on where this one was."""
    stop = threading.Event()
    console.print("starting …", highlight=False)  # for some seconds there is nothing else to see
    with signals(stop), running(settings, console) as fleet:
        gateway, bind = settings.gateway, settings.gateway.bind
        console.print(
            f"listening: HTTP http://{bind}:{gateway.http_port}, SMTP {bind}:{gateway.smtp_port}", highlight=False
        )
        console.print(
            f"route {settings.route.kind}, log {settings.log.url}, data {settings.fleet.data}", highlight=False
        )
        console.print("Ctrl-C or `fastemailnet down` stops it", highlight=False)
        while not stop.is_set():
            for name in watch(settings, fleet):
                console.print(f"[yellow]{moment(wall_ms())}  {name} ended and was started again[/]", highlight=False)
    console.print("stopped; the data is kept")


def watch(settings: Settings, fleet: Fleet) -> list[str]:
    """One look at the fleet: what ended is started again, and the pid file follows."""
    before = fleet.pids()
    ended = fleet.watch(WATCH_S)
    if fleet.pids() != before:
        write_pids(settings, fleet.pids())
    return ended


@contextmanager
def running(settings: Settings, console: Console) -> Iterator[Fleet]:
    """A started fleet with its pid file; both are gone behind it.

    Raises:
        ConfigError: a file that the settings name cannot be used.
        FleetError: another fleet runs on this data directory, a port is taken, or a process did not come up.
    """
    refuse_second(pid_path(settings))
    build.check(settings)
    settings.fleet.data.mkdir(parents=True, exist_ok=True)
    fleet = Fleet(settings)
    write_pids(settings, {})
    try:
        with console.status("starting") as status:
            fleet.start(lambda what: status.update(f"starting: {what}"))
            wait_until_up(settings, fleet)
        write_pids(settings, fleet.pids())
        yield fleet
    finally:
        fleet.stop()
        pid_path(settings).unlink(missing_ok=True)


def wait_until_up(settings: Settings, fleet: Fleet) -> None:
    """Wait for the gateway to answer.

    Raises:
        FleetError: it does not.
    """
    deadline = time.monotonic() + START_S
    with Client(f"http://{settings.gateway.bind}:{settings.gateway.http_port}") as client:
        while not client.is_up():
            if time.monotonic() > deadline:
                raise FleetError(f"the gateway did not answer within {START_S:.0f} s")
            fleet.watch(POLL_S)


def pid_path(settings: Settings) -> Path:
    """The file by which `down` finds the fleet."""
    return settings.fleet.data / "fleet.json"


def refuse_second(path: Path) -> None:
    """One fleet a data directory."""
    try:
        pid = int(json.loads(path.read_text())["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return
    raise FleetError(f"a fleet already runs on {path.parent} (process {pid}); stop it by `fastemailnet down`")


def write_pids(settings: Settings, processes: dict[str, int]) -> None:
    """Tell this process and those of the actors, as far as they are there."""
    found: dict[str, Any] = {"pid": os.getpid(), "processes": processes}
    path = pid_path(settings)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n")
    part.replace(path)


@contextmanager
def signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set the event while inside."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
