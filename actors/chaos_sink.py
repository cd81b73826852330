"""The receiver of a chaos run: the capture inbox in a thread of its own, with a trap at each phase of a transaction.

It keeps each message durably before it answers, loses some replies by itself, and when a trap is set it kills, stops or does
whatever it is told to the very process whose transaction is in that phase.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from actors.inbox import Inbox
from actors.sandbox_faults import Faults
from fastemailnet.config import SandboxSection
from fastemailnet.outcome import Reply
from fastemailnet.smtp.effects import Envelope, Known

PAUSED = 0.2  # of the transactions, at each phase
PAUSE_S = 0.03
SOON_S = 0.003  # about as long as an INTENT, or an OUTCOME, takes to become durable
_TCP = Path("/proc/net/tcp")


class Phase(StrEnum):
    """Where a transaction is when it is struck."""

    CONNECT = "connect"
    MAIL = "MAIL"
    RCPT = "RCPT"
    INTENT = "a moment behind RCPT"  # its INTENT or its content is on the way
    END = "end, not kept"
    KEPT = "end, kept, not answered"
    REPLIED = "a moment behind the reply"  # its OUTCOME is on the way


class ChaosSink(Inbox):
    """The inbox with traps. Everything but ``trap`` and ``stop`` runs in its thread."""

    def __init__(self, directory: Path, *, remembers: bool, lose: float, seed: int) -> None:
        super().__init__(SandboxSection(smtp_port=0), directory, Faults(0, 0.0, lose, seed), checkpoint=remembers)
        self.chance = Random(seed)
        self.sprung: Counter[Phase] = Counter()
        self.traps: dict[Phase, tuple[Callable[[int], None], Future[int]]] = {}
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.port = 0

    def begin(self) -> int:
        """Listen, in a thread; the port."""
        self.thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.start(), self.loop).result()
        return self.port

    def stop(self) -> None:
        """Stop listening."""
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def trap(self, phase: Phase, strike: Callable[[int], None]) -> Future[int]:
        """Strike the next process that has a transaction in ``phase``; its process id, once that happened."""
        sprung: Future[int] = Future()
        self.traps[phase] = (strike, sprung)
        return sprung

    # ---- the policy

    def name_peer(self, peername: tuple[Any, ...]) -> str:
        """With the port, by which its process is found."""
        peer = f"{peername[0]}:{peername[1]}"
        self._spring(Phase.CONNECT, peer)
        return peer

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Known | None:
        """As the inbox, and a trap."""
        await self._at(Phase.MAIL, peer)
        return await super().sender(address, params, peer)

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """As the inbox, and a trap."""
        await self._at(Phase.RCPT, peer)
        self._soon(Phase.INTENT, peer)
        return await super().recipient(address, params, peer)

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply | None:
        """As the inbox, and a trap before and behind the keeping, and behind the reply."""
        await self._at(Phase.END, peer)
        reply = await super().message(envelope, content, peer)
        await self._at(Phase.KEPT, peer)
        self._soon(Phase.REPLIED, peer)
        return reply

    async def _at(self, phase: Phase, peer: str) -> None:
        if self.chance.random() < PAUSED:
            await asyncio.sleep(self.chance.random() * PAUSE_S)
        self._spring(phase, peer)

    def _soon(self, phase: Phase, peer: str) -> None:
        """Spring the trap once the answer that is about to be given is on its way."""
        self._spring(phase, peer, self.chance.random() * SOON_S)

    def _spring(self, phase: Phase, peer: str, delay_s: float = 0.0) -> None:
        """Strike the process at the other end. It is found first: that takes longer than ``delay_s``."""
        if phase in self.traps and (pid := owner(int(peer.rpartition(":")[2]))):
            strike, sprung = self.traps.pop(phase)
            self.sprung[phase] += 1
            if delay_s:
                self.loop.call_later(delay_s, strike, pid)
            else:
                strike(pid)
            sprung.set_result(pid)


def owner(port: int) -> int:
    """The process that has the local TCP port, 0 where it is gone."""
    for line in _TCP.read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
            return _process_with(f"socket:[{fields[9]}]")
    return 0


def _process_with(name: str) -> int:
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(link.readlink().name == name for link in descriptors.iterdir()):
                return int(descriptors.parent.name)
        except OSError:
            continue  # it ended meanwhile
    return 0
