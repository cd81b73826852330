"""How long work lies still: a node killed, a node frozen, the coordinator killed.

    python -m benchmarks.recovery            (make bench-recovery)

Question: from the signal to the moment at which another node holds a lease on what the struck one had, and from the death of the
coordinator to the first lease of its successor, with 100,000 deferred units open.

On the back of an envelope: Ray tells of a dead process in about 10 ms, a coordinator's turn takes 10 ms and two commits 1 ms
each; a frozen node is fenced by 5 s of silence; a coordinator needs 1.5 s to start as a process, and 10 µs to fold each of
100,000 frames.

A real fleet under a trickle of mail to a slow sink, so that the struck node always has work. The times are read from the log
itself, which this process follows every millisecond.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from actors import build
from actors.clock import wall_ms
from actors.demo import free_ports, watched
from actors.fleet import Fleet
from actors.run import running
from fastemailnet import ids
from fastemailnet.client import Client
from fastemailnet.config import Settings, load
from fastemailnet.envelope import Lane, Position, Recipient, Unit, encode_unit
from fastemailnet.errors import FastEmailNetError
from fastemailnet.flashsync.frames import (
    CONTROL,
    JOURNAL,
    NO_INTENT,
    Assign,
    ControlFrame,
    Deferral,
    Epoch,
    Join,
    Outcome,
    decode_control,
    encode,
)
from fastemailnet.log.interface import Log
from fastemailnet.outcome import Kind

OPEN_UNITS = 100_000
BATCH = 2_000
TIER = "defer.8h"
LOOK_S = 0.001
RECENT = 400  # control frames
PATIENCE_S = 60.0
SETTLE_S = 3.0
HOUR_MS = 3_600_000
FLOORS_MS = {"node_kill": 3_000, "frozen": 15_000, "coordinator_kill": 10_000}
GOALS_MS = {"node_kill": 1_000, "frozen": 6_000, "coordinator_kill": 3_000}
out = Console()


class Watch:
    """Follows control."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.position = log.end(CONTROL, 0)

    def until(self, holds: Callable[[ControlFrame], bool]) -> float:
        """Seconds from now to the first frame of which this holds."""
        started = time.perf_counter()
        while time.perf_counter() - started < PATIENCE_S:
            for offset, record in self.log.fetch(CONTROL, 0, self.position, 500):
                self.position = offset + 1
                if holds(decode_control(record)):
                    return time.perf_counter() - started
            time.sleep(LOOK_S)
        raise SystemExit("no such frame within a minute")

    def skip(self) -> None:
        """Look only at what comes from now on."""
        self.position = self.log.end(CONTROL, 0)


def settings_of(directory: Path) -> Settings:
    """A fleet of two nodes in the sandbox."""
    http, smtp, inbox = free_ports(3)
    environ = {
        "FASTEMAILNET_FLEET__DATA": str(directory),
        "FASTEMAILNET_GATEWAY__HTTP_PORT": str(http),
        "FASTEMAILNET_GATEWAY__SMTP_PORT": str(smtp),
        "FASTEMAILNET_SANDBOX__SMTP_PORT": str(inbox),
        "FASTEMAILNET_CLASSIFIER__ENABLED": "false",
    }
    return load(None, environ)


def fill(log: Log, count: int) -> None:
    """So many units that wait in a tier for hours, as a former life of the fleet left them."""
    stream = Lane.BULK.stream
    log.append(CONTROL, 0, [encode(Epoch(1, wall_ms(), 1)), encode(Join(1, "former", 1, 15, 9))])
    log.append(CONTROL, 0, [encode(Assign(1, 7, stream, 0, 0, count, "former", 1))])
    now_ms = wall_ms()
    for lo in range(0, count, BATCH):
        numbers = range(lo, min(lo + BATCH, count))
        log.append(stream, 0, [encode_unit(unit(now_ms)) for _ in numbers])
        copies = log.append(TIER, 0, [encode_unit(unit(now_ms)) for _ in numbers])
        assert isinstance(copies, range)
        frames = [
            Outcome(
                7, number, 1, "former", 1, now_ms, NO_INTENT, (Kind.DEFERRED,),
                Deferral(Position(TIER, 0, copy), Position(stream, 0, number), 2, now_ms + 8 * HOUR_MS, 1),
            )
            for number, copy in zip(numbers, copies, strict=True)
        ]  # fmt: skip
        log.append(JOURNAL, 15, [encode(frame) for frame in frames])


def unit(now_ms: int) -> Unit:
    """A small mail."""
    message = ids.message_id(now_ms, os.urandom(10))
    people = (Recipient("defer@x.example", 0),)
    envelope = ("", now_ms, now_ms + 100 * HOUR_MS, "a@example.org", people, "x.example", False)
    return Unit(message, Lane.BULK, *envelope, b"From: a@example.org\r\n\r\nhi\r\n")


def trickle(settings: Settings, stop: threading.Event) -> None:
    """Mail without end."""
    with Client(f"http://127.0.0.1:{settings.gateway.http_port}") as client:
        while not stop.is_set():
            try:
                client.send_many([b"From: a@example.org\nTo: b@x.example\n\nhi\n"] * 10)
            except FastEmailNetError:
                time.sleep(0.1)
            time.sleep(0.05)


def leased_to(watch: Watch, node: str) -> set[tuple[str, int]]:
    """What the newest control frames leased to the newest incarnation of a node."""
    held: set[tuple[str, int]] = set()
    for _, record in watch.log.fetch(CONTROL, 0, max(0, watch.log.end(CONTROL, 0) - RECENT), RECENT):
        frame = decode_control(record)
        if isinstance(frame, Join) and frame.node == node:
            held.clear()
        elif isinstance(frame, Assign) and frame.node == node:
            held |= {(frame.stream, offset) for offset in range(frame.lo, frame.hi)}
    return held


def node_struck(fleet: Fleet, watch: Watch, number: int, sign: signal.Signals) -> float:
    """Seconds from the signal to another's lease on what a node had."""
    name = f"node-{number % 2}"
    pid = fleet.pid(name)
    time.sleep(SETTLE_S)
    while not (held := leased_to(watch, name)):  # a busy coordinator may have given it nothing yet
        time.sleep(LOOK_S)
    watch.skip()
    os.kill(pid, sign)
    took = watch.until(
        lambda frame: isinstance(frame, Assign) and frame.node != name and (frame.stream, frame.lo) in held
    )
    if sign is signal.SIGSTOP:
        os.kill(pid, signal.SIGCONT)
    return took


def coordinator_killed(fleet: Fleet, watch: Watch) -> float:
    """Seconds from the death of the coordinator to the first lease of its successor."""
    pid = fleet.pid("coordinator")
    time.sleep(SETTLE_S)
    watch.skip()
    epoch = [0]

    def grants(frame: ControlFrame) -> bool:
        if isinstance(frame, Epoch):
            epoch[0] = frame.epoch
        return isinstance(frame, Assign) and epoch[0] == frame.epoch

    os.kill(pid, signal.SIGKILL)
    return watch.until(grants)


def measure(directory: Path, kills: int, freezes: int) -> dict[str, list[float]]:
    """All three, on one fleet."""
    settings = settings_of(directory)
    log = build.log(settings)
    with out.status(f"writing {OPEN_UNITS:,} open units"):
        fill(log, OPEN_UNITS)
    stop = threading.Event()
    took: dict[str, list[float]] = {"node_kill": [], "frozen": [], "coordinator_kill": []}
    with running(settings, out) as fleet, watched(fleet, settings):
        feeder = threading.Thread(target=trickle, args=(settings, stop), daemon=True)
        feeder.start()
        watch = Watch(log)
        for number in range(kills):
            with out.status(f"killing, {number} of {kills}"):
                took["node_kill"].append(node_struck(fleet, watch, number, signal.SIGKILL))
                took["coordinator_kill"].append(coordinator_killed(fleet, watch))
        for number in range(freezes):
            with out.status(f"freezing, {number} of {freezes}"):
                took["frozen"].append(node_struck(fleet, watch, number, signal.SIGSTOP))
        stop.set()
        feeder.join()
    log.close()
    return took


def main() -> int:
    """Run and print; exit 1 where a floor is not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--kills", type=int, default=10, help="of nodes, and of the coordinator")
    parser.add_argument("--freezes", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        took = measure(Path(directory), options.kills, options.freezes)
    table = Table("until the work goes on", "p50 ms", "worst ms", "goal ms", "floor ms")
    figures: dict[str, int] = {"open_units": OPEN_UNITS}
    for name, seconds in took.items():
        ordered = sorted(round(second * 1_000) for second in seconds)
        figures[f"{name}_p50_ms"], figures[f"{name}_worst_ms"] = ordered[len(ordered) // 2], ordered[-1]
        table.add_row(
            name, str(ordered[len(ordered) // 2]), str(ordered[-1]), str(GOALS_MS[name]), str(FLOORS_MS[name])
        )
    out.print(table)
    out.print("bench-recovery " + " ".join(f"{k}={v}" for k, v in figures.items()), highlight=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps({**figures, "cores": os.cpu_count()}, indent=1) + "\n")
    return int(any(figures[f"{name}_worst_ms"] > floor for name, floor in FLOORS_MS.items()))


if __name__ == "__main__":
    sys.exit(main())
