"""The capture inbox: an SMTP server that takes everything, keeps a durable line about each message, counts duplicates.

It is where the sandbox route delivers, where tests and the demo look, and the sink of the benchmarks:

    python -m actors.inbox --port 2526 --directory data/inbox

A message is written to ``received.jsonl`` before it is answered; so what the file says arrived is exactly what a
sender may have been told, and a line without a reply is what a sender cannot know. See ``sandbox_faults`` for what it
does wrong on demand, and ``transactions`` for how a sender can ask what became of a message whose reply it did not get.
"""

import asyncio
import hashlib
import json
import random
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
import uvloop

from actors.capture import Arrival, CaptureFile
from actors.clock import wall_ms
from actors.sandbox_faults import Break, Faults, refused_at_end, refused_at_rcpt
from actors.transactions import Transactions
from fastemailnet.config import SandboxSection
from fastemailnet.errors import FleetError, LogError
from fastemailnet.net.server import SmtpServer, address
from fastemailnet.outcome import Reply
from fastemailnet.smtp.checkpoint import transid_of
from fastemailnet.smtp.effects import Envelope, Known

HEADER_OCTETS: Final = 100_000  # looked at for the two fields
REMEMBERED: Final = 500_000  # deliveries among which a duplicate is noticed: at least so many, at most twice as many
_FIELD = re.compile(rb"\n(X-FEN-Message|Message-ID)[ \t]*:\s*([^\r\n]*)", re.IGNORECASE)
_OK = Reply(250, (2, 0, 0), "Ok: captured")
_AGAIN = Reply(451, (4, 3, 0), "the capture file cannot be written")


class Inbox:
    """One inbox on one directory. A policy of ``net.server.SmtpServer``."""

    def __init__(
        self, sandbox: SandboxSection, directory: Path, faults: Faults | None = None, *, checkpoint: bool = False
    ) -> None:
        """``checkpoint``: offer CHECKPOINT and keep its promise over restarts."""
        self.sandbox = sandbox
        self.transactions = Transactions() if checkpoint else None
        self.directory = directory
        self.faults = faults or Faults()
        self.messages = 0
        self.deliveries = 0
        self.duplicates = 0
        self._random = random.Random(self.faults.seed)
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()
        self._file: CaptureFile | None = None
        self._server: SmtpServer | None = None

    def name_peer(self, peername: tuple[Any, ...]) -> str:
        """How a peer is called."""
        return address(peername)

    async def start(self) -> int:
        """Listen; the port (``sandbox.smtp_port`` 0 takes a free one)."""
        path = self.directory / "received.jsonl"
        self._file = CaptureFile(path, self.directory / "bodies" if self.sandbox.store_bodies else None)
        if self.transactions is not None:
            await asyncio.to_thread(self.transactions.recall, path)
        self._server = SmtpServer(
            self.sandbox.bind,
            self.sandbox.smtp_port,
            self,
            hostname="sandbox",
            checkpoint=self.transactions is not None,
            name_peer=self.name_peer,
        )
        try:
            return await self._server.start()
        except OSError as error:
            where = f"{self.sandbox.bind} port {self.sandbox.smtp_port}"
            raise FleetError(f"cannot listen on {where}: {error.strerror}") from error

    async def run(self) -> None:
        """Serve for ever."""
        await self.start()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Stop listening, write what waits."""
        if self._server is not None:
            await self._server.close()
        if self._file is not None:
            await self._file.close()

    def status(self) -> dict[str, int]:
        """What arrived since the start."""
        return {"messages": self.messages, "deliveries": self.deliveries, "duplicates": self.duplicates}

    # ---- the policy

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Known | None:
        """Everyone may send, and may ask what became of a message."""
        transid = transid_of(params.get("TRANSID", ""))
        if self.transactions is None or not transid:
            return None
        kept = await self.transactions.find(transid)
        return None if kept is None else Known(kept.octets, _OK)

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """Every recipient exists, but for those whose name asks for a refusal."""
        return refused_at_rcpt(address)

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply | None:
        """Keep the message, then answer; None ends the connection without a reply. Only ``_OK`` is remembered."""
        if self.faults.delay_ms:
            await asyncio.sleep(self.faults.delay_ms / 1_000)
        recipients = list(envelope.recipients)
        refused = refused_at_end(recipients)
        if refused is not None:
            return refused
        end = self.faults.draw(self._random.random())
        if end is Break.BEFORE_KEEPING:
            return None
        arrival = describe(envelope.reverse_path, recipients, content, peer, wall_ms(), envelope.transid)
        try:
            await self._keep(arrival, content)
        except LogError:
            return _AGAIN
        return None if end is Break.AFTER_KEEPING else _OK

    async def _keep(self, arrival: Arrival, content: bytes) -> None:
        assert self._file is not None
        if self.transactions is None or not arrival.transid:
            await self._file.append(arrival, content)
            self._count(arrival)
            return
        async with self.transactions.keeping(arrival.transid, arrival.recipients) as left:
            if left:
                arrival = msgspec.structs.replace(arrival, recipients=left)
                await self._file.append(arrival, content)
                self._count(arrival)
                self.transactions.remember(arrival.transid, arrival.octets, left)

    def _count(self, arrival: Arrival) -> None:
        self.messages += 1
        self.deliveries += len(arrival.recipients)
        for recipient in arrival.recipients:
            delivery = hash((arrival.message or arrival.sha256, recipient))  # 64 bits are enough for a count
            self.duplicates += delivery in self._seen or delivery in self._seen_before
            self._seen.add(delivery)
        if len(self._seen) >= REMEMBERED:
            self._seen_before, self._seen = self._seen, set()


def describe(sender: str, recipients: list[str], content: bytes, peer: str, at_ms: int, transid: str = "") -> Arrival:
    """The line about a message."""
    end = content.find(b"\r\n\r\n")
    header = b"\n" + content[: min(end if end >= 0 else len(content), HEADER_OCTETS)]
    fields: dict[bytes, str] = {}
    for name, value in _FIELD.findall(header):
        fields.setdefault(name.lower(), value.strip().decode("utf-8", "replace"))
    message_id = fields.get(b"message-id", "")
    message = fields.get(b"x-fen-message", "") or message_id
    digest = hashlib.sha256(content).hexdigest()
    return Arrival(at_ms, sender, recipients, message, message_id, digest, len(content), peer, transid)


async def _serve(inbox: Inbox) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(json.dumps({"port": await inbox.start()}), flush=True)
    await stop.wait()
    await inbox.close()
    print(json.dumps(inbox.status()), flush=True)


def main(
    port: Annotated[int, typer.Option(help="SMTP port; 0 takes a free one.")] = 2526,
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    directory: Annotated[Path, typer.Option(help="Where received.jsonl is kept.")] = Path("data/inbox"),
    store_bodies: Annotated[bool, typer.Option(help="Keep each message as a file too.")] = False,
    delay_ms: Annotated[int, typer.Option(help="Wait before each reply to a message.")] = 0,
    break_before: Annotated[float, typer.Option(help="Probability of ending the connection, message not kept.")] = 0.0,
    break_after: Annotated[float, typer.Option(help="Probability of ending the connection, message kept.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the faults' draws.")] = 0,
    checkpoint: Annotated[bool, typer.Option(help="Offer CHECKPOINT (RFC 1845).")] = False,
) -> None:
    """Run a capture inbox until SIGINT or SIGTERM; prints its port at the start and its counts at the end, as JSON."""
    sandbox = SandboxSection(bind=bind, smtp_port=port, store_bodies=store_bodies)
    faults = Faults(delay_ms, break_before, break_after, seed)
    uvloop.run(_serve(Inbox(sandbox, directory, faults, checkpoint=checkpoint)))


if __name__ == "__main__":
    typer.run(main)
