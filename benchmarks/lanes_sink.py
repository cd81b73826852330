"""A receiver for benchmarks of lanes: many destinations, as quick or as slow as it is told.

    python -m benchmarks.lanes_sink --destinations 51 --file FILE

It is our SMTP server on so many ports of loopback, each a destination of its own. It takes everything and keeps a line of each
message: the first recipient, when its MAIL was read, when its end was. Both are readings of the monotonic clock, which all processes
of a machine share. A number of milliseconds on standard input is how long it thinks from then on before each reply to MAIL, RCPT and
the end of the data at its first port, for each connection by itself: as a host that is slow, however near it is. While it is slow it
may refuse to serve more than ``--connections`` of them there. It prints its ports when it listens.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import psutil
import uvloop

from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Reply
from fastemailnet.smtp.effects import Envelope

TAKEN = Reply(250, (2, 0, 0), "taken")
TOO_MANY = Reply(421, (4, 7, 0), "too many connections from your address")


class Arrival(msgspec.Struct, array_like=True):
    """One message as it arrived."""

    recipient: str
    mail_s: float  # monotonic clock, when its MAIL was read
    end_s: float  # and when its end was


class Keeper:
    """The policy of a port: takes everything, after a while. ``connections``: that it serves while it is slow; 0: any number."""

    def __init__(self, kept: BinaryIO, connections: int = 0) -> None:
        self.kept = kept
        self.server = SmtpServer("127.0.0.1", 0, self, name_peer=name_peer)
        self.connections = connections
        self.served: set[str] = set()
        self.slow_s = 0.0
        self.begun: dict[str, float] = {}  # connection → when its newest MAIL was read

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """Note when; refuse a connection that is one too many."""
        self.begun[peer] = time.monotonic()
        await self.think()
        return TOO_MANY if self.slow_s and self.connections and not self.has_room(peer) else None

    def has_room(self, peer: str) -> bool:
        """Whether this connection is one of those that are served: the first to ask, as long as they are open."""
        self.served &= {connection.peer for connection in self.server.connections}
        if len(self.served) < self.connections:
            self.served.add(peer)
        return peer in self.served

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> None:
        """Everyone exists."""
        await self.think()

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply:
        """Keep a line of it, then answer."""
        line = Arrival(envelope.recipients[0], self.begun[peer], time.monotonic())
        self.kept.write(msgspec.json.encode(line) + b"\n")
        await self.think()
        return TAKEN

    async def think(self) -> None:
        """Nobody waits for a quick host."""
        if self.slow_s:
            await asyncio.sleep(self.slow_s)


def name_peer(peername: tuple[Any, ...]) -> str:
    """With the port, so that each connection has a name of its own."""
    return f"{peername[0]}:{peername[1]}"


async def serve(destinations: int, path: Path, connections: int) -> None:
    """Listen until standard input ends."""
    loop = asyncio.get_running_loop()
    with path.open("ab", buffering=0) as kept:
        keepers = [Keeper(kept, connections), *(Keeper(kept) for _ in range(destinations - 1))]
        print(json.dumps([await keeper.server.start() for keeper in keepers]), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            keepers[0].slow_s = int(line) / 1_000


class LanesSink:
    """The sink as its starter sees it, and what has arrived so far."""

    def __init__(self, process: psutil.Popen, ports: list[int], file: Path) -> None:
        self.process, self.ports = process, ports
        self.lines = file.open("rb")
        self.rest = b""
        self.first: dict[str, Arrival] = {}  # by recipient; of several, the first
        self.duplicates = 0

    def read(self) -> int:
        """Take what arrived since the last look; how many mails arrived in all."""
        *whole, self.rest = (self.rest + self.lines.read()).split(b"\n")
        for line in whole:
            arrival = msgspec.json.decode(line, type=Arrival)
            self.duplicates += arrival.recipient in self.first
            self.first.setdefault(arrival.recipient, arrival)
        return len(self.first)

    def think(self, milliseconds: int) -> None:
        """So long before each reply at the first port, from now on."""
        self.process.stdin.write(f"{milliseconds}\n")
        self.process.stdin.flush()


@contextmanager
def lanes_sink(file: Path, destinations: int, connections: int = 0) -> Iterator[LanesSink]:
    """A running sink."""
    command = [sys.executable, "-m", "benchmarks.lanes_sink"]
    command += ["--destinations", str(destinations), "--file", str(file), "--connections", str(connections)]
    process = psutil.Popen(command, stdin=-1, stdout=-1, text=True)
    try:
        yield LanesSink(process, json.loads(process.stdout.readline()), file)
    finally:
        process.kill()  # it may be stopped
        process.wait()


def main() -> int:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lanes_sink", description=__doc__)
    parser.add_argument("--destinations", type=int, required=True, help="ports")
    parser.add_argument("--file", type=Path, required=True, help="a line of each message is appended to it")
    parser.add_argument(
        "--connections", type=int, default=0, help="that the first port serves while it is slow; 0: any"
    )
    options = parser.parse_args()
    uvloop.run(serve(options.destinations, options.file, options.connections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
