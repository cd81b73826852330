"""One client connection: set up by aiosmtplib (connect, EHLO, STARTTLS, AUTH), then driven by our own session machine.

The transaction is ours because it is what the project exists for: it must stop before the end of the message and write it in the
very turn of the loop in which the release is granted.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiosmtplib

from fastemailnet.delivery.route import Route, Target, TlsPolicy
from fastemailnet.outcome import Reply
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import ReplyError, ReplyParser, make
from fastemailnet.smtp.session import (
    AskRelease,
    Await,
    Effect,
    Event,
    Lost,
    Released,
    Replied,
    Reuse,
    Session,
    Settled,
    Start,
    Transaction,
    Withheld,
    Write,
)

CONNECT_TIMEOUT_S = 60.0
TIMER_S = 1.0  # how finely time-outs are looked at

Release = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ConnectFailure(Exception):
    """No usable connection; with the reply that refused it, if there was one."""

    text: str
    reply: Reply | None = None


class Connection(asyncio.Protocol):
    """A connection with EHLO behind it. One transaction at a time."""

    def __init__(self, target: Target, transport: asyncio.Transport, offers: Capabilities) -> None:
        self.target = target
        self.offers = offers
        self.transport = transport
        self.born_s = self.used_s = asyncio.get_running_loop().time()
        self.deliveries = 0
        self.is_open = True
        peer = transport.get_extra_info("peername")
        self.ip = str(peer[0]) if peer else ""
        self.tls = _tls_facts(transport)
        self._parser = ReplyParser()
        self._session: Session | None = None
        self._done: asyncio.Future[Settled] | None = None
        self._release: Release | None = None
        self._asking: asyncio.Task[None] | None = None
        self._deadline_s: float | None = None
        self._skip = 0  # replies to RSET that nobody waits for

    async def deliver(self, transaction: Transaction, release: Release) -> Settled:
        """Run one transaction; returns only after ``release``, if it was asked, has answered."""
        assert self._done is None, "one transaction at a time"
        loop = asyncio.get_running_loop()
        self.deliveries += 1
        self._session = Session(transaction, self.offers)
        self._release = release
        self._done = loop.create_future()
        timer = loop.call_later(TIMER_S, self._tick)
        try:
            self._step(Start())
            settled = await self._done
            if self._asking is not None:
                await self._asking
        finally:
            timer.cancel()
            self._session = self._done = self._asking = self._deadline_s = None
        self.used_s = loop.time()
        if settled.reuse is Reuse.RESET and self.is_open:
            self._skip += 1
            self.transport.write(b"RSET\r\n")
        elif settled.reuse is Reuse.CLOSE:
            self.close()
        return settled

    def close(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        if self.is_open:
            self.is_open = False
            with contextlib.suppress(OSError, RuntimeError):
                self.transport.write(b"QUIT\r\n")
            self.transport.close()

    # ---- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Replies, or what passes for them."""
        try:
            replies = self._parser.feed(data)
        except ReplyError as error:
            self._fail(str(error))
            return
        for reply in replies:
            if self._skip:
                self._skip -= 1
            elif self._session is None or self._done is None or self._done.done():
                self.close()  # speaks without being asked: 421 while idle, mostly
            else:
                self._step(Replied(reply))

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer or the network ended it."""
        self.is_open = False
        self._fail("connection reset" if exc else "connection closed by the peer")

    # ---- the machine

    def _step(self, event: Event) -> None:
        assert self._session is not None
        self._perform(self._session.step(event))

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(octets):
                    self.transport.write(octets)
                case Await(seconds):
                    self._deadline_s = asyncio.get_running_loop().time() + seconds
                case AskRelease():
                    self._deadline_s = None
                    self._asking = asyncio.get_running_loop().create_task(self._ask())
                case Settled():
                    assert self._done is not None
                    if not self._done.done():
                        self._done.set_result(effect)

    async def _ask(self) -> None:
        """Ask for the release and act on the answer in the same turn of the loop."""
        assert self._release is not None
        assert self._done is not None
        granted = await self._release()
        if not self._done.done():
            self._step(Released() if granted else Withheld())

    def _fail(self, failure: str) -> None:
        if self._done is not None and not self._done.done():
            self._step(Lost(failure))
        if self.is_open:
            self.is_open = False
            self.transport.abort()

    def _tick(self) -> None:
        """A read time-out closes the connection."""
        loop = asyncio.get_running_loop()
        if self._done is None or self._done.done():
            return
        if self._deadline_s is not None and loop.time() > self._deadline_s:
            self._fail("time-out")
            return
        loop.call_later(TIMER_S, self._tick)


async def connect(target: Target, route: Route, hostname: str) -> Connection:
    """A connection that is ready for MAIL.

    Raises:
        ConnectFailure: it cannot be had, with the reply if the peer gave one.
    """
    try:
        return await _connect(target, route, hostname, route.tls)
    except ssl.SSLError as error:
        if route.tls is TlsPolicy.REQUIRED:
            raise ConnectFailure(f"TLS with {target.host} failed: {error}") from error
        return await _connect(target, route, hostname, TlsPolicy.NONE)


async def _connect(target: Target, route: Route, hostname: str, tls: TlsPolicy) -> Connection:
    smtp = aiosmtplib.SMTP(
        hostname=target.host.strip("[]").removeprefix("IPv6:"),
        port=target.port,
        local_hostname=hostname,
        timeout=CONNECT_TIMEOUT_S,
        start_tls={TlsPolicy.NONE: False, TlsPolicy.OPPORTUNISTIC: None, TlsPolicy.REQUIRED: True}[tls],
        validate_certs=tls is TlsPolicy.REQUIRED,
    )
    try:
        await smtp.connect()
        if not smtp.last_ehlo_response:
            await smtp.ehlo()
        if route.username:
            await smtp.login(route.username, route.password)
    except aiosmtplib.SMTPResponseException as error:
        smtp.close()
        raise ConnectFailure(
            f"{target.host} refused: {error.code} {error.message}", make(error.code, [error.message])
        ) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        smtp.close()
        if isinstance(error.__cause__, ssl.SSLError):
            raise error.__cause__ from error
        raise ConnectFailure(f"cannot connect to {target.host} port {target.port}: {error}") from error
    transport = smtp.transport
    response = smtp.last_ehlo_response
    assert transport is not None
    assert response is not None
    connection = Connection(target, transport, Capabilities.of(Reply(response.code, None, response.message)))  # type: ignore[arg-type] # a Transport
    transport.set_protocol(connection)
    return connection


def _tls_facts(transport: asyncio.Transport) -> str | None:
    """Version and cipher, where the connection is encrypted."""
    found = transport.get_extra_info("ssl_object")
    cipher = found.cipher() if found is not None else None
    return f"{found.version()} {cipher[0]}" if cipher else None
