"""Listening sockets for the server machine: one protocol a connection, decisions by a policy, replies in one write a turn."""

import asyncio
import types
from collections.abc import Coroutine, Generator, Mapping
from typing import Any, Protocol, cast

from fastemailnet.outcome import Reply
from fastemailnet.smtp.reply import render
from fastemailnet.smtp.server import (
    AskMessage,
    AskRecipient,
    AskSender,
    Close,
    Effect,
    Envelope,
    Limits,
    Server,
    State,
    Write,
)

BACKLOG = 1_024
IDLE_S = 300.0  # RFC 5321 section 4.5.3.2.7
MAX_AHEAD_OCTETS = 262_144  # pipelined input that may wait behind a decision
LOCAL_ERROR = Reply(451, (4, 3, 0), "local error in processing")

__all__ = ["Envelope", "Limits", "Policy", "SmtpServer"]


class Policy(Protocol):
    """What a server is for. A decision begins outside a task, so its first wait must be on a plain future."""

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """A refusal of the reverse-path, or None."""

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """A refusal of the recipient, or None."""

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply | None:
        """The reply to the message; None closes the connection without one."""


class SmtpServer:
    """A listener. Port 0 takes a free one."""

    def __init__(
        self, host: str, port: int, policy: Policy, *, limits: Limits | None = None, hostname: str = "localhost"
    ) -> None:
        self.host, self.port, self.policy = host, port, policy
        self.limits = limits or Limits()
        self.hostname = hostname
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; the port. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        """Stop listening and end every session with 421."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.shut_down()


class _Connection(asyncio.Protocol):
    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.machine = Server(server.hostname, server.limits)
        self.transport: asyncio.Transport | None = None
        self.peer = ""
        self.out: list[bytes] = []
        self.is_paused = False
        self.deciding: asyncio.Task[None] | None = None
        self.idle: asyncio.TimerHandle | None = None
        self.heard_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self.peer = str(transport.get_extra_info("peername")[0])
        self.server.connections.add(self)
        self.transport.write(self.machine.greeting().octets)
        self.heard_s = asyncio.get_running_loop().time()
        self.idle = asyncio.get_running_loop().call_later(IDLE_S, self._look_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        self.machine.state = State.CLOSED
        if self.idle is not None:
            self.idle.cancel()

    def data_received(self, data: bytes) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        self.machine.feed(data)
        if self.deciding is None:
            self._run()
        elif len(self.machine.buffer) > MAX_AHEAD_OCTETS and not self.is_paused and self.transport is not None:
            self.is_paused = True
            self.transport.pause_reading()

    def shut_down(self) -> None:
        """Say 421 and close; a message that is being decided has no reply then, and its client must ask again."""
        if self.transport is not None:
            self.transport.write(render(Reply(421, (4, 3, 2), "shutting down")))
            self.transport.close()

    def _run(self) -> None:
        """Take effects until the machine waits, then write everything at once."""
        while self.deciding is None and (effect := self.machine.next()) is not None:
            self._perform(effect)
        self._flush()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Write(octets):
                self.out.append(octets)
            case AskSender(address, parameters):
                self._decide(self.server.policy.sender(address, parameters, self.peer))
            case AskRecipient(address, parameters):
                self._decide(self.server.policy.recipient(address, parameters, self.peer))
            case AskMessage(envelope, content):
                self._decide(self.server.policy.message(envelope, content, self.peer))
            case Close():
                self.machine.state = State.CLOSED

    def _decide(self, policy: Coroutine[Any, Any, Reply | None]) -> None:
        """Answer at once where the policy does not wait; else go on when it has answered."""
        try:
            waits_for = policy.send(None)
        except StopIteration as done:
            self._perform(self.machine.answer(done.value))
            return
        except Exception:
            self._perform(self.machine.answer(LOCAL_ERROR))
            raise
        self.deciding = asyncio.get_running_loop().create_task(self._decided(_resume(policy, waits_for)))

    async def _decided(self, policy: Any) -> None:
        reply: Reply | None = LOCAL_ERROR
        try:
            reply = await policy
        finally:
            self.deciding = None
            if self.machine.state is State.WAITING:
                self._perform(self.machine.answer(reply))
                self._run()
            if self.is_paused and self.transport is not None:
                self.is_paused = False
                self.transport.resume_reading()

    def _flush(self) -> None:
        if self.transport is None:
            return
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out.clear()
        if self.machine.state is State.CLOSED:
            self.transport.close()

    def _look_idle(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self.heard_s + IDLE_S - loop.time()
        if left_s > 0 or self.deciding is not None:
            self.idle = loop.call_later(max(left_s, 1.0), self._look_idle)
        elif self.transport is not None:
            self.transport.write(render(Reply(421, (4, 4, 2), f"idle for {IDLE_S:.0f} s; closing")))
            self.transport.close()


@types.coroutine
def _resume(policy: Coroutine[Any, Any, Reply | None], waits_for: Any) -> Generator[Any, Any, Reply | None]:
    """Go on, inside a task, with a coroutine that was started outside and waits for a future."""
    while True:
        failure: BaseException | None = None
        try:
            yield waits_for
        except BaseException as error:
            failure = error
        try:
            waits_for = policy.send(None) if failure is None else policy.throw(failure)
        except StopIteration as done:
            answer: Reply | None = done.value
            return answer
