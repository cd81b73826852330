"""What is one flight worth? Mails a second over a network with a round trip, ours beside Postfix on the same sink in the same run.

    python -m benchmarks.wire            (make bench-wire)

Back of the envelope: over a warm connection a mail costs one round trip where MAIL, RCPT and BDAT leave in one flight; two where MAIL,
RCPT and DATA wait for 354 (our grouped way); three for Postfix, which knows no CHUNKING and sends RSET first to see whether a cached
connection still lives (its CONNECTION_CACHE_README). So 50, 25 and 17 mails/s a connection at 20 ms, 10, 5 and 3.3 at 100 ms, less
what our INTENT waits for the disk: 2 ms, and a ratio near 2.7. At 0 ms there is no round trip to save: CPU and that wait are all there
is, and whoever else uses the machine's disk and cores decides; that ratio has no floor.

Three ways to one sink, in turn, in every round, over equally many connections (``--connections``); mails of 5 KB with one
recipient each. ``wire_sink`` says what is delayed. The rate is the sink's: from the tenth to the last tenth of the ends that it read.

Ours is the production pool and connection, and the production journal on the embedded log: an INTENT is durable before each flight
with an end in it, an OUTCOME behind it, two fsyncs a mail, shared by those that wait.As many deliveries as there are connections
wait behind those in work, so that no connection idles; they are transactional, as others may not have every connection. Left out:
submission, the fleet's lease of a unit, validation, scoring, signing, the ledger. It runs in the process of the benchmark.

Postfix is as Debian ships it, and given what makes it quick here: its queue is full before the first mail leaves (they come in under
HOLD, are released at once, and the submission server idles); ``smtp_destination_concurrency_limit`` and
``initial_destination_concurrency`` are the number of connections; ``smtp_connection_cache_destinations`` names the sink, so that
every connection is reused (it is on demand otherwise), within ``smtp_connection_reuse_time_limit`` of 300 s as ours;
``smtp_host_lookup`` is native, no TLS, no DNS. A mail has one recipient anyway, and ``smtp_destination_recipient_limit`` stays as it
is: at 1 it would turn the concurrency limit into one for each recipient. How many connections each side opened is printed: reuse
that does not work would show there. Left in, for Postfix: a queue file read and removed for each mail, which counts at 0 ms.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from actors.clock import monotonic_ms, wall_ms
from actors.journal import Journal
from benchmarks.peers import Sink, generate, postfix
from benchmarks.quick import machine
from fastemailnet.delivery.route import Route, RouteKind, TlsPolicy
from fastemailnet.delivery.terms import Ceilings, uniform
from fastemailnet.envelope import Lane, Recipient
from fastemailnet.flashsync.frames import Intent, Outcome
from fastemailnet.flashsync.node import Release, Right
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.group import GroupCommit
from fastemailnet.net.door import Claim
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.outcome import Kind
from fastemailnet.smtp.session import Transaction

OCTETS: Final = 5_000
CONTENT: Final = b"From: sender@bench.example\r\nSubject: wire\r\n\r\n" + (b"x" * 76 + b"\r\n") * (OCTETS // 78)
CONNECTIONS: Final = 4  # so few that two cores are no limit at 20 ms
MAILS: Final = {0: 2_000, 20: 400, 100: 120}  # by delay in ms; a few seconds each
ROUNDS: Final = 3
FLOOR: Final = 1.5  # of ratio_at_20ms
TENTH: Final = 10
PENDING_OCTETS: Final = 16_000_000
WAYS: Final = {"flight": "ours, one flight", "grouped": "ours, grouped", "postfix": "Postfix"}
MORE: Final = """\
smtpd_client_restrictions = check_client_access static:HOLD
smtp_connection_cache_destinations = static:all
smtp_connection_reuse_time_limit = 300s
"""


@dataclass
class Way:
    """What a way has shown, round by round."""

    per_s: list[float] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    intent_ms: list[float] = field(default_factory=list)  # of each mail, until its release was granted

    def add(self, arrivals: list[dict[str, Any]]) -> None:
        """One round more, by what the sink wrote down."""
        self.per_s.append(rate([line["at_s"] for line in arrivals]))
        self.connections.append(len({line["connection"] for line in arrivals}))


def rate(at_s: list[float]) -> float:
    """Ends a second without the first and the last tenth, where connections are made and run out of work."""
    first, last = len(at_s) // TENTH, len(at_s) - 1 - len(at_s) // TENTH
    return (last - first) / (at_s[last] - at_s[first])


@contextmanager
def wire_sink(directory: Path, delay_ms: int) -> Iterator[tuple[Sink, int]]:
    """A sink that far away, and its port without CHUNKING."""
    file = directory / f"arrivals-{delay_ms}.jsonl"
    command = [sys.executable, "-m", "benchmarks.wire_sink", "--delay-ms", str(delay_ms), "--file", str(file)]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        ports = json.loads(process.stdout.readline())
        yield Sink(process, ports["port"], file), ports["port_without_chunking"]
    finally:
        process.terminate()
        process.wait()


class Sender:
    """Our side: the pool and the journal of a node, without the fleet around them."""

    def __init__(self, directory: Path, port: int, connections: int) -> None:
        self.connections = connections
        self.route = Route(RouteKind.SMARTHOST, "127.0.0.1", port, tls=TlsPolicy.NONE)
        self.pool = Pool("client.bench.example", Limits(), terms=uniform(Ceilings(connections)))
        self.log = EmbeddedLog(directory)
        self.group = GroupCommit(self.log, max_pending_octets=PENDING_OCTETS)
        self.right = Right("bench", 1, monotonic_ms())
        self.journal = Journal(self.group, 0, self.right)
        self.intent_ms: list[float] = []

    async def send(self, mails: int) -> None:
        """All of them, over all connections."""
        numbers = iter(range(mails))

        async def work() -> None:
            for number in numbers:
                await self.deliver(number)

        await asyncio.gather(*(work() for _ in range(2 * self.connections)))
        await self.pool.close()
        await self.group.close()
        self.log.close()

    async def deliver(self, number: int) -> None:
        """One mail: INTENT durable, end written, reply, OUTCOME durable."""
        who = (1, number, 1, self.right.node, self.right.incarnation)
        position: int | None = None

        async def release(reaches: tuple[int, ...]) -> bool:
            nonlocal position
            sent_ms, at_s = monotonic_ms(), time.perf_counter()
            position = await self.journal.ask(Intent(*who, wall_ms(), bytes(16), (0,)))
            self.intent_ms.append((time.perf_counter() - at_s) * 1e3)
            return position is not None and self.right.may_end(sent_ms, monotonic_ms()) is Release.GRANTED

        what = Transaction("sender@bench.example", [Recipient("recipient@bench.example", 0)], CONTENT)
        delivery = await self.pool.deliver(self.route, "bench.example", what, release, Claim(Lane.TRANSACTIONAL))
        kinds = tuple(outcome.kind for outcome in delivery.outcomes)
        if kinds != (Kind.RELAYED,) or position is None:
            raise SystemExit(f"mail {number} was not relayed: {delivery.outcomes}")
        await self.journal.tell(Outcome(*who, wall_ms(), position, kinds))


def ours(directory: Path, port: int, connections: int, mails: int) -> list[float]:
    """Send from a loop and on a log of their own; how long each INTENT took, in milliseconds."""

    async def send() -> list[float]:
        sender = Sender(directory, port, connections)
        await sender.send(mails)
        return sender.intent_ms

    waits: list[float] = uvloop.run(send())
    return waits


def release_queue(config: Path) -> None:
    """Let Postfix have what it holds."""
    for command in (["postsuper", "-c", str(config), "-H", "ALL"], ["postqueue", "-c", str(config), "-f"]):
        subprocess.run(command, check=True, capture_output=True)


def measure(console: Console, root: Path, delay_ms: int, connections: int, rounds: int) -> dict[str, Way]:
    """The three ways in turn, at one delay."""
    ways, mails = {name: Way() for name in WAYS}, MAILS[delay_ms]
    base = root / f"{delay_ms}ms"
    base.mkdir()
    with (
        wire_sink(base, delay_ms) as (into, without_chunking),
        postfix(base / "postfix", into.port, connections, MORE) as port,
    ):
        for number in range(rounds):
            for name, way in ways.items():
                before = into.lines()
                if name == "postfix":
                    generate(port, mails, OCTETS)
                    release_queue(base / "postfix" / "etc")
                else:
                    to = into.port if name == "flight" else without_chunking
                    way.intent_ms += ours(base / f"log-{name}-{number}", to, connections, mails)
                into.wait_for(before + mails)
                way.add(into.arrivals(before))
                console.print(
                    f"  {delay_ms} ms, round {number + 1} of {rounds}, {WAYS[name]}: {mails} mails, {way.per_s[-1]:.0f}/s, "
                    f"{way.connections[-1]} connections",
                    highlight=False,
                )
    return ways


def summary(found: dict[int, dict[str, Way]], connections: int) -> dict[str, float]:
    """Medians for each delay: mails a second and connection, connections opened, the wait for an INTENT, the ratio to Postfix."""
    figures: dict[str, float] = {}
    for delay_ms, ways in found.items():
        for name, way in ways.items():
            figures[f"{name}_per_s_at_{delay_ms}ms"] = statistics.median(way.per_s) / connections
            figures[f"{name}_connections_at_{delay_ms}ms"] = max(way.connections)
            if way.intent_ms:
                figures[f"{name}_intent_p50_ms_at_{delay_ms}ms"] = statistics.median(way.intent_ms)
        figures[f"ratio_at_{delay_ms}ms"] = (
            figures[f"flight_per_s_at_{delay_ms}ms"] / figures[f"postfix_per_s_at_{delay_ms}ms"]
        )
    return figures


def show(console: Console, figures: dict[str, float], connections: int) -> None:
    """A row a delay."""
    title = f"benchmark wire: mails/s of each of {connections} connections; {machine()}"
    table = Table("round trip", *WAYS.values(), "ratio to Postfix", "INTENT, p50", title=title, title_justify="left")
    for delay_ms in MAILS:
        cells = [f"{figures[f'{name}_per_s_at_{delay_ms}ms']:.1f}" for name in WAYS]
        waits = f"{figures[f'flight_intent_p50_ms_at_{delay_ms}ms']:.1f} ms"
        table.add_row(f"{delay_ms} ms", *cells, f"{figures[f'ratio_at_{delay_ms}ms']:.2f}", waits)
    console.print(table)


def main() -> int:
    """Run and print; exit 1 where one flight is not worth the floor at 20 ms."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    console = Console()
    if shutil.which("smtp-source") is None:
        console.print("smtp-source is missing; on Debian: apt install postfix")
        return 1
    root = Path(tempfile.mkdtemp(prefix="fastemailnet-bench-"))
    try:
        found = {delay: measure(console, root, delay, options.connections, options.rounds) for delay in MAILS}
    finally:
        shutil.rmtree(root, ignore_errors=True)
    figures = summary(found, options.connections)
    show(console, figures, options.connections)
    if options.json:
        rounds = {f"{delay}ms": {name: way.per_s for name, way in ways.items()} for delay, ways in found.items()}
        about = {"machine": machine(), "load_average": os.getloadavg(), "connections": options.connections}
        kept = {**about, **figures, "rounds_per_s": rounds}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    shown = " ".join(f"ratio_at_{delay}ms={figures[f'ratio_at_{delay}ms']:.2f}" for delay in MAILS)
    console.print(f"bench-wire {shown}", highlight=False, soft_wrap=True)
    return int(figures["ratio_at_20ms"] < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
