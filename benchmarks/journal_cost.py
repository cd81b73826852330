"""What the journal costs: the same node, the same mails, the same sink, with and without it, in one run.

    python -m benchmarks.journal_cost            (make bench-journal)

Question: how much throughput and how much latency does it cost to make an INTENT durable before each end and an OUTCOME behind it?

On the back of an envelope: two frames of 200 octets a mail at 20 µs of CPU each, beside about 1 ms for all the rest of a mail:
4 %. The wait for the INTENT's fsync is about 1 ms of latency, and group commit shares it under load.

One node process works off a lease over all mails, in rounds that alternate between the journal and a stand-in that acknowledges
every frame and writes nothing; without a journal nobody could recover or balance anything, so this is a measuring device and no
mode of operation. The classifier is off in both. The sink is a process of its own, fsyncs its lines, and offers PIPELINING and
CHUNKING. A mail's time ends where the node has the sink's reply: nothing polls beside the node, which would take the interpreter
lock from the threads that commit.
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
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from actors import build
from actors.clock import monotonic_ms, wall_ms
from actors.journal import Journal
from actors.node import Incarnation, NodeActor
from fastemailnet import ids
from fastemailnet.config import Settings, load
from fastemailnet.delivery.shares import Request
from fastemailnet.envelope import Lane, Position, Recipient, Unit, encode_unit
from fastemailnet.flashsync.frames import CONTROL, Assign, Epoch, Join, NodeFrame, encode
from fastemailnet.flashsync.node import Right
from fastemailnet.log.interface import Log

ROUNDS = 5
MAILS = 1_500
TRICKLE = 250
TRICKLE_EVERY_S = 0.008
BODY_OCTETS = 5_000
LANE = Lane.STANDARD
FLOOR_PERCENT, GOAL_PERCENT, GOAL_P50_MS = 10.0, 3.0, 1.0
out = Console()


class Replies:
    """Counts the replies to ends."""

    def __init__(self) -> None:
        self.count = 0
        self._awaited = 0
        self._reached: asyncio.Future[float] | None = None

    def note(self) -> None:
        """The node has one more."""
        self.count += 1
        if self._reached is not None and self.count == self._awaited:
            self._reached.set_result(time.perf_counter())

    async def reach(self, count: int) -> float:
        """Wait until there are so many; when that was."""
        self._awaited, self._reached = count, asyncio.get_running_loop().create_future()
        return time.perf_counter() if self.count >= count else await self._reached


class Noted(Journal):
    """The journal as it is; the OUTCOME behind an INTENT, which follows a reply, is counted."""

    replies = Replies()

    async def tell(self, frame: NodeFrame) -> None:
        """Append a fact."""
        self.replies.note()
        await super().tell(frame)


class Forgetful(Noted):
    """Acknowledges every frame and writes none."""

    async def ask(self, frame: NodeFrame) -> int | None:
        """Nothing is appended."""
        self.right.acknowledged(monotonic_ms())
        return 0

    async def tell(self, frame: NodeFrame) -> None:
        """Nothing is appended."""
        self.replies.note()


@dataclass
class Arm:
    """The rounds of one way."""

    journal: type[Noted]
    per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)


class Sink:
    """The receiver, as a process."""

    def __init__(self, directory: Path) -> None:
        command = [sys.executable, "-m", "actors.inbox", "--port", "0", "--directory", str(directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["port"])
        self.path = directory / "received.jsonl"

    def stop(self) -> int:
        """End it; how many mails it wrote down."""
        self.process.terminate()
        self.process.wait()
        return len(self.path.read_bytes().splitlines())


def unit(number: int) -> bytes:
    """One accepted mail."""
    message = ids.message_id(wall_ms(), os.urandom(10))
    head = f"From: a@example.org\r\nX-FEN-Message: {ids.to_text(message)}\r\nSubject: {number}\r\n\r\n".encode()
    body = head + (b"x" * 76 + b"\r\n") * (BODY_OCTETS // 78)
    people = (Recipient(f"r{number}@x.example", 0),)
    expires_ms = wall_ms() + 86_400_000
    return encode_unit(
        Unit(message, LANE, "", wall_ms(), expires_ms, "a@example.org", people, "x.example", False, body)
    )


async def one_round(arm: Arm, settings: Settings) -> None:
    """All mails at once, then some one by one, on a log of its own."""
    shutil.rmtree(settings.fleet.data / "log", ignore_errors=True)

    async def nobody(name: str, capacity: int, blamed: Position | None) -> tuple[Join, int]:
        raise AssertionError("the lease is written by hand")

    async def nothing_lent(request: Request) -> None:
        """There is one node."""

    async def no_scores(texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        return []

    arm.journal.replies = replies = Replies()
    node = NodeActor(**build.node_parts(settings, "a", nobody, no_scores, nothing_lent), journal=arm.journal)
    total = MAILS + TRICKLE
    node.log.append(CONTROL, 0, [encode(Epoch(1, 0)), encode(Join(1, "a", 1, 0, total))])
    node.log.append(CONTROL, 0, [encode(Assign(1, 7, LANE.stream, 0, 0, total, "a", 1))])
    node.log.append(LANE.stream, 0, [unit(number) for number in range(MAILS)])
    right = Right("a", 1, monotonic_ms(), 1)
    started, cpu_s = time.perf_counter(), time.process_time()
    serving = asyncio.create_task(Incarnation(node, right, 0, 2).serve())
    arm.per_s.append(MAILS / (await replies.reach(MAILS) - started))
    arm.cpu_ms.append((time.process_time() - cpu_s) / MAILS * 1e3)
    arm.latency_ms += await trickle(node.log, replies)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await node.group.close()
    node.log.close()


async def trickle(log: Log, replies: Replies) -> list[float]:
    """Milliseconds from a mail's durable acceptance to the sink's reply, one mail at a time."""
    took = []
    for number in range(TRICKLE):
        log.append(LANE.stream, 0, [unit(MAILS + number)])
        at = time.perf_counter()
        took.append((await replies.reach(MAILS + number + 1) - at) * 1e3)
        await asyncio.sleep(TRICKLE_EVERY_S)
    return took


async def measure(directory: Path) -> tuple[Arm, Arm]:
    """Rounds in turn; the first of each arm only warms up."""
    sink = Sink(directory / "sink")
    environ = {
        "FASTEMAILNET_FLEET__DATA": str(directory),
        "FASTEMAILNET_SANDBOX__SMTP_PORT": str(sink.port),
        "FASTEMAILNET_CLASSIFIER__ENABLED": "false",
    }
    settings = load(None, environ)
    arms = (Arm(Noted), Arm(Forgetful))
    for number in range(ROUNDS + 1):
        for arm in arms if number % 2 else reversed(arms):
            with out.status(f"round {number} of {ROUNDS}, {arm.journal.__name__}"):
                await one_round(arm, settings)
            if not number:
                arm.per_s.clear()
                arm.cpu_ms.clear()
                arm.latency_ms.clear()
    expected = 2 * (ROUNDS + 1) * (MAILS + TRICKLE)
    if (received := sink.stop()) != expected:
        raise SystemExit(f"the sink has {received} of {expected} mails")
    return arms


def main() -> int:
    """Run and print; exit 1 where the floor is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.journal_cost", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        with_journal, without = uvloop.run(measure(Path(directory)))
    figures = summary(with_journal, without)
    table = Table("", "with journal", "without")
    for name, key in (
        ("mails/s, median of rounds", "per_s"),
        ("CPU of the node, ms a mail", "cpu_ms"),
        ("p50, ms", "p50_ms"),
    ):
        table.add_row(name, f"{figures[f'with_{key}']:.2f}", f"{figures[f'without_{key}']:.2f}")
    out.print(table)
    goals = Table("the journal costs", "measured", "goal", "floor")
    goals.add_row("throughput, %", f"{figures['cost_percent']:.1f}", f"{GOAL_PERCENT:.0f}", f"{FLOOR_PERCENT:.0f}")
    goals.add_row("p50 from acceptance to the reply, ms", f"{figures['p50_cost_ms']:.2f}", f"{GOAL_P50_MS:.0f}", "")
    out.print(goals)
    shown = " ".join(f"{name}={value:.2f}" for name, value in figures.items())
    out.print(f"bench-journal {shown}", highlight=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps({**figures, "cores": os.cpu_count()}, indent=1) + "\n")
    return int(figures["cost_percent"] > FLOOR_PERCENT)


def summary(with_journal: Arm, without: Arm) -> dict[str, float]:
    """Medians of both ways, and what the journal costs."""
    figures = {}
    for name, arm in (("with", with_journal), ("without", without)):
        figures[f"{name}_per_s"] = statistics.median(arm.per_s)
        figures[f"{name}_cpu_ms"] = statistics.median(arm.cpu_ms)
        figures[f"{name}_p50_ms"] = statistics.median(arm.latency_ms)
    figures["cost_percent"] = (1 - figures["with_per_s"] / figures["without_per_s"]) * 100
    figures["p50_cost_ms"] = figures["with_p50_ms"] - figures["without_p50_ms"]
    return figures


if __name__ == "__main__":
    sys.exit(main())
