"""Listening sockets for the server machine: one protocol a connection, decisions by a policy, replies in one write a turn."""

import asyncio
import ssl
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from enum import Enum
from typing import Any, Literal, Protocol, assert_never, cast

from fastemailnet.admission.networks import Networks
from fastemailnet.net.clients import Clients
from fastemailnet.net.patience import Patience
from fastemailnet.outcome import Reply
from fastemailnet.smtp.auth import Credentials, Login, Offer, Refused, Verdict
from fastemailnet.smtp.effects import (
    AskLogin,
    AskMessage,
    AskRecipient,
    AskSender,
    Close,
    Effect,
    Envelope,
    Known,
    StartTls,
    Write,
)
from fastemailnet.smtp.refusals import NO_ROOM, Limits
from fastemailnet.smtp.reply import render
from fastemailnet.smtp.server import Server
from fastemailnet.smtp.stage import State, Tls

BACKLOG = 1_024
IDLE_S = 300.0  # RFC 5321 section 4.5.3.2.7
CLOSE_S = 10.0  # for decisions in work when the listener closes
TLS_S = 30.0  # for a handshake
UNREAD_S = 10.0  # for a client to read the last replies
MAX_AHEAD_OCTETS = 262_144  # pipelined input that may wait behind a decision
LOOPBACK = Networks(("127.0.0.0/8", "::1/128")).allow
LOCAL_ERROR = Reply(451, (4, 3, 0), "local error in processing")

_Answer = Reply | Known | None


class Policy(Protocol):
    """What a server is for. A decision begins outside a task, so its first wait must be on a plain future of its own."""

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Reply | Known | None:
        """A refusal of the reverse-path, or what is known of the transaction that TRANSID names, or None."""

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        """A refusal of the recipient, or None."""

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply | None:
        """The reply to the message; None closes the connection without one."""


def address(peername: tuple[Any, ...]) -> str:
    """A peer's address without its port."""
    return str(peername[0])


class SmtpServer:
    """A listener. Port 0 takes a free one."""

    def __init__(
        self,
        host: str,
        port: int,
        policy: Policy,
        *,
        limits: Limits | None = None,
        hostname: str = "localhost",
        tls: Callable[[], ssl.SSLContext] | None = None,
        checkpoint: bool = False,
        dsn: bool = False,
        login: Callable[[str, str, str], Policy | Refused] | None = None,
        name_peer: Callable[[tuple[Any, ...]], str] = address,
        clients: Clients | None = None,
    ) -> None:
        """``tls``: STARTTLS is offered with the certificate that it gives; ``checkpoint``: the policy knows transactions by their ids;
        ``dsn``: it sees to the reports that a sender may ask for (RFC 3461).

        ``login``: given a name, a password and the peer's address, the policy by which the session goes on, or why it does not.
        AUTH is offered under TLS, and to peers on this machine.

        ``name_peer`` makes what the policy is told of a peer from its socket address. ``clients`` says who may open a connection.
        """
        self.clients = clients
        self.name_peer, self.login = name_peer, login
        self.host, self.port, self.policy = host, port, policy
        self.tls = tls
        self.checkpoint, self.dsn = checkpoint, dsn
        self.limits = limits or Limits()
        self.hostname = hostname
        self.connections: set[_Connection] = set()
        self.held_octets = 0  # of messages, by all of them
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; the port. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    def make_room(self) -> None:
        """Have those who hold most drop it, until all together hold what they may; one alone may hold any number."""
        for one in sorted(self.connections, key=lambda one: one.held_octets, reverse=True):
            if self.held_octets <= max(self.limits.held_octets, one.held_octets):
                break
            if one.machine.shed(NO_ROOM):
                one.count_held()

    async def close(self) -> None:
        """Stop listening, let what is being decided be answered, and end every session with 421.

        A message whose reply is withheld is sent again although it was taken, so decisions get ``CLOSE_S`` seconds.
        """
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.shut_down()
        deciding = [connection.deciding for connection in self.connections if connection.deciding is not None]
        if deciding:
            await asyncio.wait(deciding, timeout=CLOSE_S)
        for connection in list(self.connections):
            connection.say_goodbye()


class _Ending(Enum):
    """Whether the session is about to end."""

    NO = "no"
    AT_EOF = "at-eof"  # the client has said everything and may still be owed replies
    SHUTTING_DOWN = "shutting-down"  # after the decision in work


class _Connection(asyncio.Protocol):
    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        tls = Tls.OFFERED if server.tls else Tls.NONE
        self.policy = server.policy  # until somebody logs in
        self.machine = Server(server.hostname, server.limits, tls, checkpoint=server.checkpoint, dsn=server.dsn)
        self.transport: asyncio.Transport | None = None
        self.address = self.peer = ""
        self.out: list[bytes] = []
        self.is_full = False  # what is written is not read by the client
        self.is_paused = False
        self.deciding: asyncio.Task[None] | None = None
        self.in_work_octets = 0  # of the message that is being decided
        self.held_octets = 0
        self.idle: asyncio.TimerHandle | None = None
        self.patience = Patience(IDLE_S, 0.0)
        self.ending = _Ending.NO

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        peername = transport.get_extra_info("peername")
        self.address, self.peer = address(peername), self.server.name_peer(peername)
        if self.server.clients is not None and (refusal := self.server.clients.enter(self.address)) is not None:
            self._turn_away(Reply(421, (4, 7, 0), str(refusal)))
            return
        if self.server.login is not None:
            self.machine.login = Login(Offer.ALWAYS if LOOPBACK(self.address) else Offer.UNDER_TLS)
        self.server.connections.add(self)
        self.transport.write(self.machine.greeting().octets)
        self.patience.renew(asyncio.get_running_loop().time())
        self.idle = asyncio.get_running_loop().call_later(IDLE_S, self._look_idle)

    def _turn_away(self, reply: Reply) -> None:
        """It is no session."""
        self.machine.state = State.CLOSED
        self.out.append(render(reply))
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.server.connections and self.server.clients is not None:
            self.server.clients.leave(self.address)
        self.server.connections.discard(self)
        self.server.held_octets -= self.held_octets
        self.held_octets = 0
        self.machine.state = State.CLOSED
        if self.idle is not None:
            self.idle.cancel()

    def data_received(self, data: bytes) -> None:
        self.patience.hear(len(data), asyncio.get_running_loop().time())
        self.machine.feed(data)
        if self.deciding is None:
            self._run()
        elif len(self.machine.buffer) > MAX_AHEAD_OCTETS:
            self._hold()
        self.count_held()
        if self.server.held_octets > self.server.limits.held_octets:
            self.server.make_room()

    def count_held(self) -> None:
        """What this session holds, for the listener's sum."""
        if self in self.server.connections:
            before, self.held_octets = self.held_octets, self.machine.held_octets + self.in_work_octets
            self.server.held_octets += self.held_octets - before

    def eof_received(self) -> bool:
        """Keep a half-closed connection while a reply is owed; over TLS there is no half."""
        if self.ending is _Ending.NO:
            self.ending = _Ending.AT_EOF
        return self.deciding is not None and self.machine.tls is not Tls.DONE

    def shut_down(self) -> None:
        """End the session: at once, or when what is being decided is answered."""
        self.ending = _Ending.SHUTTING_DOWN
        if self.deciding is None:
            self.say_goodbye()

    def say_goodbye(self) -> None:
        """Say 421, once, and close."""
        if self.machine.state is not State.CLOSED:
            self.machine.state = State.CLOSED
            self.out.append(render(Reply(421, (4, 3, 2), "shutting down")))
        self._flush()

    def _run(self) -> None:
        """Take effects until the machine waits, then write everything at once."""
        while self.deciding is None and (effect := self.machine.next()) is not None:
            self._perform(effect)
        self._flush()

    def _perform(self, effect: Effect) -> None:
        self.patience.renew(asyncio.get_running_loop().time())
        match effect:
            case Write(octets):
                self.out.append(octets)
            case AskSender(address, parameters):
                self._decide(self.policy.sender(address, parameters, self.peer))
            case AskRecipient(address, parameters):
                self._decide(self.policy.recipient(address, parameters, self.peer))
            case AskMessage(envelope, content):
                self.in_work_octets = len(content)
                self._decide(self.policy.message(envelope, content, self.peer))
            case AskLogin(credentials):
                self._perform(self.machine.logged_in(self._log_in(credentials)))
            case StartTls():
                self._flush()
                if self.transport is not None:
                    self.transport.pause_reading()  # what comes now is the handshake's, which resumes
                self.deciding = asyncio.get_running_loop().create_task(self._secure())
            case Close():
                self.machine.state = State.CLOSED
            case _:
                assert_never(effect)

    def _log_in(self, credentials: Credentials) -> Literal[Verdict.RIGHT] | Refused:
        assert self.server.login is not None  # else AUTH is not offered
        policy = self.server.login(credentials.user, credentials.password, self.peer)
        if policy is Verdict.WRONG or isinstance(policy, Reply):
            return policy
        self.policy = policy
        return Verdict.RIGHT

    def _decide(self, policy: Coroutine[Any, Any, _Answer]) -> None:
        """Answer at once where the policy does not wait; else go on when it has answered."""
        try:
            waits_for = policy.send(None)
        except StopIteration as done:
            self.in_work_octets = 0
            self._perform(self.machine.answer(done.value))
            return
        except Exception as error:
            # The session goes on: to raise here would have the loop break the connection before the reply is out.
            self._report(error)
            self.in_work_octets = 0
            self._perform(self.machine.answer(LOCAL_ERROR))
            return
        self.deciding = asyncio.get_running_loop().create_task(self._decided(_resume(policy, waits_for)))

    async def _decided(self, policy: Awaitable[_Answer]) -> None:
        reply: _Answer = LOCAL_ERROR
        try:
            reply = await policy
        except Exception as error:
            self._report(error)
        self.deciding, self.in_work_octets = None, 0
        if self.machine.state is State.WAITING:
            self._perform(self.machine.answer(reply))
            self._go_on()
        self.count_held()
        self._read_on()

    def _go_on(self) -> None:
        """After a decision: take what the client sent meanwhile, or end."""
        if self.ending is _Ending.SHUTTING_DOWN:
            self.say_goodbye()
            return
        self._run()
        if self.ending is _Ending.AT_EOF and self.deciding is None and self.transport is not None:
            self.transport.close()

    async def _secure(self) -> None:
        assert self.transport is not None
        assert self.server.tls is not None
        try:
            context = self.server.tls()
            secure = await asyncio.get_running_loop().start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=TLS_S
            )
            if secure is None:  # the client has closed over it
                raise ConnectionError
        except OSError:
            self.transport.abort()
            self.connection_lost(None)  # the loop tells that to nobody while a handshake is going on
            return
        finally:
            self.deciding = None
        self.transport = secure
        self.machine.secured()
        self.policy = self.server.policy  # who logged in before is to do it again (RFC 3207 section 4.2)
        self._go_on()  # the next command may have come with the end of the handshake

    def _report(self, error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "SMTP policy failed", "exception": error})

    # ---- flow: neither input behind a decision nor output that is not read may grow without bound

    def pause_writing(self) -> None:
        self.is_full = True
        self._hold()

    def resume_writing(self) -> None:
        self.is_full = False
        self._read_on()

    def _hold(self) -> None:
        if not self.is_paused and self.transport is not None:
            self.is_paused = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self.is_paused and not self.is_full and self.deciding is None and self.transport is not None:
            self.is_paused = False
            self.transport.resume_reading()

    def _flush(self) -> None:
        if self.transport is None:
            return
        if self.out:
            self.transport.write(b"".join(self.out))
            self.out.clear()
        if self.machine.state is State.CLOSED:
            self._close()

    def _close(self) -> None:
        """Close when the last replies are read, or soon after."""
        assert self.transport is not None
        self.transport.close()
        if self.idle is not None:
            self.idle.cancel()
        self.idle = asyncio.get_running_loop().call_later(UNREAD_S, self.transport.abort)

    def _look_idle(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self.patience.until_s - loop.time()
        if left_s > 0 or self.deciding is not None:
            self.idle = loop.call_later(max(left_s, 1.0), self._look_idle)
        elif self.transport is not None:
            self.machine.state = State.CLOSED
            self.out.append(render(Reply(421, (4, 4, 2), f"nothing whole came for {IDLE_S:.0f} s; closing")))
            self._flush()


@types.coroutine
def _resume(policy: Coroutine[Any, Any, _Answer], waits_for: Any) -> Generator[Any, Any, _Answer]:
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
            answer: _Answer = done.value
            return answer
