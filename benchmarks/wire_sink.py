"""A receiver that lies a round trip away, on loopback.

    python -m benchmarks.wire_sink --delay-ms 20 --file FILE

What is delayed, and why. Every segment that arrives is handed to the server's machine one delay later, in order, and what the
machine answers to it leaves at once. For a client that is a network whose round trip takes that long: what it wrote in one go is
answered in one go, one delay later, however many commands and octets were in it; what it writes while it waits travels at the
same time. A sleep before each *reply* would be no network: three replies to one flight would take three sleeps, and PIPELINING
would be worth nothing. The greeting waits one delay as well, for the TCP handshake that loopback does for nothing. Bandwidth, loss
and the growth of TCP's window are not modelled: a mail of 5 KB fits the first window (RFC 6928).

The machine is that of the capture inbox. It takes everything and keeps nothing but a line of each message: when its end was read,
over which connection. So it costs both sides alike, and little. It prints two ports: one offers PIPELINING and CHUNKING, the other
PIPELINING alone.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO, assert_never, cast

import uvloop

from fastemailnet.outcome import Reply
from fastemailnet.smtp.effects import AskLogin, AskMessage, AskRecipient, AskSender, Close, Effect, StartTls, Write
from fastemailnet.smtp.refusals import Limits
from fastemailnet.smtp.server import Server
from fastemailnet.smtp.stage import State

TAKEN = Reply(250, (2, 0, 0), "taken")
CHUNKING = b"250-CHUNKING\r\n"


class Distant(asyncio.Protocol):
    """One connection from far away."""

    numbers = itertools.count(1)

    def __init__(self, delay_s: float, kept: BinaryIO, *, hides_chunking: bool) -> None:
        self.delay_s, self.kept, self.hides_chunking = delay_s, kept, hides_chunking
        self.number = next(self.numbers)
        self.machine = Server("sink.bench.example", Limits())
        self.on_the_way: deque[bytes | None] = deque()  # None: the connection itself
        self.out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, one delay later."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._travel(None)

    def data_received(self, data: bytes) -> None:
        """On its way."""
        self._travel(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for answers any more; messages on their way arrive all the same."""
        self.out.clear()

    def _travel(self, what: bytes | None) -> None:
        self.on_the_way.append(what)
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._arrive)
        else:
            self._arrive()

    def _arrive(self) -> None:
        """What left first arrives first; everything that it causes is said in one write."""
        data = self.on_the_way.popleft()
        if data is None:
            self.out.append(self.machine.greeting().octets)
        else:
            self.machine.feed(data)
        while (effect := self.machine.next()) is not None:
            self._perform(effect)
        if not self.transport.is_closing():
            self.transport.write(b"".join(self.out))
        self.out.clear()
        if self.machine.state is State.CLOSED:
            self.transport.close()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Write(octets):
                self.out.append(octets.replace(CHUNKING, b"") if self.hides_chunking else octets)
            case AskSender() | AskRecipient():
                self._perform(self.machine.answer(None))
            case AskMessage():
                line = {"at_s": time.monotonic(), "connection": self.number}
                self.kept.write(json.dumps(line).encode() + b"\n")
                self._perform(self.machine.answer(TAKEN))
            case Close():
                pass  # the machine is closed, which is seen behind the write
            case StartTls() | AskLogin():
                raise AssertionError("not offered")
            case _:
                assert_never(effect)


async def serve(delay_ms: int, path: Path) -> None:
    """Listen on two ports until the process is ended."""
    loop = asyncio.get_running_loop()
    ports = []
    with path.open("ab", buffering=0) as kept:
        for hides in (False, True):
            server = await loop.create_server(
                lambda hides=hides: Distant(delay_ms / 1_000, kept, hides_chunking=hides),  # type: ignore[misc]
                "127.0.0.1",
                0,
            )
            ports.append(server.sockets[0].getsockname()[1])
        print(json.dumps({"port": ports[0], "port_without_chunking": ports[1]}), flush=True)
        await asyncio.Event().wait()


def main() -> int:
    """Run until ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire_sink", description=__doc__)
    parser.add_argument("--delay-ms", type=int, required=True, help="the round trip")
    parser.add_argument("--file", type=Path, required=True, help="a line of each message is appended to it")
    options = parser.parse_args()
    uvloop.run(serve(options.delay_ms, options.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
