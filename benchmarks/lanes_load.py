"""The load of the lanes benchmark: bulk that is handed in and probes that are timed, on a fleet that runs already."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.lanes_sink import LanesSink
from fastemailnet.client import Accepted, AsyncClient, Client

OCTETS: Final = 5_000
DESTINATIONS: Final = 50
RATE: Final = 20
LATE: Final = 5
FILLERS: Final = 3
CHUNK: Final = 500
PATIENCE_S: Final = 600.0
PROBE_PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.2
BULK: Final = """\
From: Garden <news@bench.example>
Subject: What is new in the garden, {number}

Dear reader,

the garden opens again on Saturday at nine. This month we show the early tulips in the long beds behind the glass house, and
the children's path is finished at last. The café keeps its winter hours until Easter.

Tickets are at the gate as ever. Dogs are welcome on a lead.

The gardeners
"""
PROBE: Final = """\
From: Shop <orders@bench.example>
Subject: Your order {number} has left our house

Dear customer,

the parcel with your order {number} left our house this morning. The carrier brings it on Thursday between nine and twelve.
You need not be at home; it fits the letter box.

With kind regards
the shop
"""


def message(text: str, number: int, to: str) -> bytes:
    """A mail of OCTETS octets."""
    begun = f"To: {to}\n{text.format(number=number)}".encode()
    return begun + b"\n" + (b"-" * 71 + b"\n") * ((OCTETS - len(begun)) // 72)


class To(StrEnum):
    """Where mail goes."""

    SLOW = "slow"  # one destination, that thinks
    ONE = "one"  # one that is quick
    MANY = "many"  # each of many in turn


def at(to: To, number: int) -> str:
    """The domain of a mail."""
    return f"d{number % DESTINATIONS}.bench.example" if to is To.MANY else f"{to}.bench.example"


def bulk(number: int, to: To) -> str:
    """The recipient of a bulk mail."""
    return f"bulk-{number}@{at(to, number)}"


def hand_in(client: Client, numbers: Sequence[int], recipients: Sequence[str]) -> None:
    """Hand in bulk mails. Raises where one is not taken."""
    mails = (message(BULK, number, to) for number, to in zip(numbers, recipients, strict=True))
    for result in client.send_many(mails, "news@bench.example", None, "bulk"):
        if not isinstance(result, Accepted):
            raise result


def pour(url: str, seconds: float) -> int:
    """Hand in bulk for so long, in a process of its own; how many mails."""
    ended_s, number = time.monotonic() + seconds, 0
    with Client(url) as client:
        while time.monotonic() < ended_s:
            numbers = range(number, number + CHUNK)
            hand_in(client, numbers, [bulk(one, To.MANY) for one in numbers])
            number += CHUNK
    return number


class Load:
    """What was handed in to one fleet, and what of it arrived at its sink."""

    def __init__(self, console: Console, url: str, into: LanesSink) -> None:
        self.console, self.url, self.into = console, url, into
        self.bulk: list[str] = []  # recipients, in order of their number
        self.probes: dict[str, float] = {}  # recipient → when its request was due, monotonic
        self.late: dict[str, float] = {}

    def standing(self) -> int:
        """Bulk mails that were taken and did not arrive yet."""
        self.into.read()
        return sum(recipient not in self.into.first for recipient in self.bulk)

    def missing(self) -> int:
        """Mails that were taken and have not arrived."""
        self.into.read()
        return sum(who not in self.into.first for who in (*self.bulk, *self.probes, *self.late))

    def fill(self, ways: Sequence[To]) -> float:
        """Hand in a bulk mail each way, a few requests at once; seconds that took."""
        mails = len(ways)
        numbers = range(len(self.bulk), len(self.bulk) + mails)
        self.bulk += [bulk(number, to) for number, to in zip(numbers, ways, strict=True)]
        chunks = [numbers[first : first + CHUNK] for first in range(0, mails, CHUNK)]
        started = time.monotonic()
        progress, task = self._bar("handing in bulk", mails)
        with Client(self.url) as client, ThreadPoolExecutor(FILLERS) as fillers, progress:

            def one(chunk: range) -> None:
                hand_in(client, chunk, self.bulk[chunk.start : chunk.stop])
                progress.advance(task, len(chunk))

            list(fillers.map(one, chunks))
        return time.monotonic() - started

    def hand_in_late(self) -> None:
        """A few bulk mails behind all others, as another customer's would come."""
        with Client(self.url) as client:
            for number in range(LATE):
                to = f"late-{number}@{at(To.MANY, number)}"
                self.late[to] = time.monotonic()
                client.send(message(BULK, number, to), "news@other.example", [to], "bulk")

    def late_s(self) -> float:
        """How long those waited, at most, or wait already."""
        now_s, arrived = time.monotonic(), self.into.first
        return max((arrived[to].mail_s if to in arrived else now_s) - due_s for to, due_s in self.late.items())

    def wait(self, what: str, recipients: Sequence[str], patience_s: float = PATIENCE_S) -> None:
        """Until all of these have arrived. What is missing when nothing comes any more is counted later."""
        progress, task = self._bar(what, len(recipients))
        waiting, until_s = set(recipients), time.monotonic() + patience_s
        with progress:
            while waiting and time.monotonic() < until_s:
                if self.into.read() and waiting & self.into.first.keys():
                    until_s = time.monotonic() + patience_s
                    waiting.difference_update(self.into.first)
                    progress.update(task, completed=len(recipients) - len(waiting))
                time.sleep(LOOK_S)

    def probe(self, window: str, seconds: float, ways: Sequence[To]) -> dict[str, float]:
        """Probes for so long, the ways in turn; their waits in figures."""
        begun_s = time.monotonic()
        sent, accepted_ms = asyncio.run(self._send(window, max(1, round(seconds * RATE)), ways))
        ended_s = time.monotonic()
        self.wait(f"{window}: probes", list(sent), PROBE_PATIENCE_S)
        self.probes |= sent
        now_s, arrived = time.monotonic(), self.into.first
        waits = sorted(((arrived[to].mail_s if to in arrived else now_s) - due_s) * 1e3 for to, due_s in sent.items())
        moved = sum(begun_s < one.mail_s < ended_s for who, one in arrived.items() if who.startswith("bulk"))
        return {
            "p50_ms": statistics.median(waits),
            "p99_ms": waits[len(waits) * 99 // 100],
            "max_ms": waits[-1],
            "accepted_p50_ms": statistics.median(accepted_ms),
            "accepted_p99_ms": sorted(accepted_ms)[len(accepted_ms) * 99 // 100],
            "bulk_per_s": moved / (ended_s - begun_s),
            "probes": len(sent),
        }

    async def _send(self, window: str, count: int, ways: Sequence[To]) -> tuple[dict[str, float], list[float]]:
        """Each at its time, whether or not the ones before it were taken already. When each was due; until each was accepted."""
        due: dict[str, float] = {}
        accepted_ms: list[float] = []

        async def send(client: AsyncClient, to: str, number: int) -> None:
            await client.send(message(PROBE, number, to), "orders@bench.example", [to], "transactional")
            accepted_ms.append((time.monotonic() - due[to]) * 1e3)

        async with AsyncClient(self.url) as client, asyncio.TaskGroup() as tasks:
            started = time.monotonic() + LOOK_S
            for number in range(count):
                to = f"probe-{window}-{number}@{at(ways[number % len(ways)], number)}"
                due[to] = started + number / RATE
                await asyncio.sleep(due[to] - time.monotonic())
                tasks.create_task(send(client, to, number))
        return due, accepted_ms

    def _bar(self, what: str, total: int) -> tuple[Progress, Any]:
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=self.console)
        return progress, progress.add_task(what, total=total)
