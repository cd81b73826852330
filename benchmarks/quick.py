"""How many mails a second, everything on, beside a plain Postfix on the same sink in the same run?

5,000 mails of 5 KB come over 20 SMTP sessions (Postfix's smtp-source) and leave over up to 20 connections to one sink that keeps a
durable line of each before it answers. Ours is durable, validated, scored by the shipped model, signed with RSA-2048, journalled and
ledgered; Postfix is as Debian ships it, without a milter.

Back of the envelope: per mail about 0.25 ms RSA, 0.2 ms text, 0.3–0.6 ms model, 0.3 ms SMTP in, 0.2 ms SMTP out, 0.1 ms ledger, 0.1 ms
frames: near 2 ms of CPU, so about 900 mails/s on two cores at best, less what sink and generator take.
"""

import argparse
import json
import platform
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from actors.run import running
from benchmarks.peers import Sink, busy_s, free_port, generate, postfix, sink
from fastemailnet import ids
from fastemailnet.client import Client
from fastemailnet.config import Settings, load

OCTETS = 5_000
WARM_UP = 500
LATENCY_RATE = 50
LATENCY_S = 10


def settings_for(data: Path, sink_port: int, **more: str) -> Settings:
    """Everything on, delivering to the sink. ``more``: further variables of the environment."""
    environ = {
        "FASTEMAILNET_FLEET__DATA": str(data),
        "FASTEMAILNET_GATEWAY__HTTP_PORT": str(free_port()),
        "FASTEMAILNET_GATEWAY__SMTP_PORT": str(free_port()),
        "FASTEMAILNET_ROUTE__KIND": "smarthost",
        "FASTEMAILNET_ROUTE__HOST": "127.0.0.1",
        "FASTEMAILNET_ROUTE__PORT": str(sink_port),
        "FASTEMAILNET_ROUTE__TLS": "none",
        "FASTEMAILNET_FLEET__NODES": "2",
        "FASTEMAILNET_SHAPING__CONNECTION_LIMIT": "20",
    }
    return load(None, {**environ, **more})


def run_load(into: Sink, port: int, mails: int) -> dict[str, float]:
    """Send the load and wait until the sink has all of it; rates and CPU of everything but sink and generator."""
    before, sink_before, busy_before = into.lines(), into.cpu_s(), busy_s()
    children_before = sum(psutil.Process().cpu_times()[2:4])
    started = time.monotonic()
    generate(port, mails, OCTETS)
    submitted = time.monotonic()
    ended = into.wait_for(before + mails)
    generator = sum(psutil.Process().cpu_times()[2:4]) - children_before
    sink_s = into.cpu_s() - sink_before
    return {
        "per_s": mails / (ended - started),
        "accepted_per_s": mails / (submitted - started),
        "cpu_ms": (busy_s() - busy_before - sink_s - generator) / mails * 1_000,
        "sink_ms": sink_s / mails * 1_000,
        "generator_ms": generator / mails * 1_000,
    }


def process_seconds(pids: dict[str, int]) -> dict[str, float]:
    """CPU time of each process of the fleet, and of Ray's own."""
    seconds = {}
    for name, pid in pids.items():
        times = psutil.Process(pid).cpu_times()
        seconds[name] = times.user + times.system
    own = psutil.Process()
    ray = [p for p in own.children(recursive=True) if p.pid not in pids.values() and "actors.inbox" not in p.cmdline()]
    seconds["ray itself"] = sum(sum(p.cpu_times()[:2]) for p in ray if p.is_running()) + sum(own.cpu_times()[:2])
    return seconds


def latency(into: Sink, settings: Settings, client: Client) -> list[int]:
    """Acceptance to relay at 50 mails/s, in milliseconds: the id carries the one, the sink wrote the other."""
    before, count = into.lines(), LATENCY_RATE * LATENCY_S
    body = (
        "From: sender@bench.example\r\nTo: r@bench.example\r\nSubject: latency {}\r\n\r\n" + "a line of text\r\n" * 330
    )
    with smtplib.SMTP("127.0.0.1", settings.gateway.smtp_port) as smtp:
        started = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, started + number / LATENCY_RATE - time.monotonic()))
            smtp.sendmail("sender@bench.example", ["r@bench.example"], body.format(number))
    into.wait_for(before + count)
    waits = []
    for entry in into.arrivals(before):
        accepted_ms = int.from_bytes(ids.from_text(str(entry["message"]))[:6], "big")
        waits.append(int(str(entry["at_ms"])) - accepted_ms)
    return waits


def measure_ours(
    console: Console, settings: Settings, into: Sink, mails: int, beside: dict[str, int] | None = None
) -> dict[str, Any]:
    """Our side: warm up, latency, load; with CPU by process, those ``beside`` the fleet included."""
    with running(settings, console) as fleet, Client(f"http://127.0.0.1:{settings.gateway.http_port}") as client:
        console.print("  ours: warm-up")
        run_load(into, settings.gateway.smtp_port, WARM_UP)
        console.print(f"  ours: latency at {LATENCY_RATE} mails/s")
        waits = latency(into, settings, client)
        first = into.lines()
        pids = {**fleet.pids(), **(beside or {})}
        before = process_seconds(pids)
        console.print(f"  ours: {mails} mails")
        result: dict[str, Any] = run_load(into, settings.gateway.smtp_port, mails)
        after = process_seconds(pids)
        result["stages"] = {name: (after[name] - before[name]) / mails * 1_000 for name in after}
        arrivals = Counter(str(entry["message"]) for entry in into.arrivals(first))
        result["lost"] = mails - len(arrivals)
        time.sleep(1.0)
        balance = client.balance()
        result["duplicates"] = into.lines() - first - len(arrivals)
        result["difference"], result["in_doubt"] = balance["difference"], balance["in_doubt"]
        result["scored"] = sum(p.get("scored", 0) for name, p in client.status()["processes"].items() if "node" in name)
    result["p50_ms"], result["p99_ms"] = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
    return result


def measure_postfix(console: Console, root: Path, into: Sink, mails: int) -> dict[str, float]:
    """Postfix's side: warm up, load."""
    with postfix(root / "postfix", into.port) as port:
        console.print("  postfix: warm-up")
        run_load(into, port, WARM_UP)
        console.print(f"  postfix: {mails} mails")
        return run_load(into, port, mails)


def machine() -> str:
    """Where and of which commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return (
        f"{psutil.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, commit {commit or '?'}"
    )


def show(console: Console, ours: dict[str, Any], theirs: dict[str, float]) -> None:
    """Both sides, and where our CPU goes."""
    table = Table("", "FastEmailNet", "Postfix", title=f"benchmark quick: {machine()}", title_justify="left")
    names = {
        "per_s": "mails/s",
        "accepted_per_s": "accepted/s",
        "cpu_ms": "CPU ms a mail",
        "sink_ms": "of it not: sink ms",
    }
    for key, name in names.items():
        table.add_row(name, f"{ours[key]:.2f}", f"{theirs[key]:.2f}")
    console.print(table)
    stages = Table("stage (process)", "CPU ms a mail")
    for name, cost in sorted(ours["stages"].items(), key=lambda item: -item[1]):
        stages.add_row(name, f"{cost:.3f}")
    console.print(stages)


def main() -> int:
    """Run both sides; exit 1 if anything was lost, sent twice or left unscored."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quick", description=__doc__)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console()
    if shutil.which("smtp-source") is None:
        console.print("smtp-source is missing; on Debian: apt install postfix")
        return 1
    root = Path(tempfile.mkdtemp(prefix="fastemailnet-bench-"))
    try:
        with sink(root / "sink") as into:
            theirs = measure_postfix(console, root, into, options.mails)
            ours = measure_ours(console, settings_for(root / "ours", into.port), into, options.mails)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    show(console, ours, theirs)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "ours": ours, "postfix": theirs}, indent=1) + "\n")
    print(
        f"bench-quick ours_per_s={ours['per_s']:.0f} postfix_per_s={theirs['per_s']:.0f} ratio={ours['per_s'] / theirs['per_s']:.2f} "
        f"cpu_ms={ours['cpu_ms']:.2f} p50_ms={ours['p50_ms']:.0f} lost={ours['lost']} duplicates={ours['duplicates']}"
    )
    return 1 if ours["lost"] or ours["duplicates"] or ours["difference"] else 0


if __name__ == "__main__":
    sys.exit(main())
