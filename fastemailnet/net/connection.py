"""One client connection: set up by ``dial`` (connect, EHLO, STARTTLS, AUTH), then driven by our own session machine.

The transaction is ours because it is what the project exists for: it must stop before the end of the message and write it in the
very turn of the loop in which the release is granted. The coroutine that delivers performs everything that it starts itself, the
protocol's call-backs what replies cause; the machine between them is the only state.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, assert_never

from fastemailnet.delivery.demand import PLAIN, Demand, Level, Tried
from fastemailnet.delivery.route import Target
from fastemailnet.net import tls
from fastemailnet.outcome import Reply
from fastemailnet.smtp.classify import SERVICE_CLOSING
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import ReplyError, ReplyParser
from fastemailnet.smtp.session import (
    Ahead,
    AskRelease,
    Await,
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

IDLE_S: Final = 60.0
TICK_S: Final = 1.0  # how finely time-outs are looked at
BLOCK_S: Final = 180.0  # without an octet taken by the peer (RFC 5321 section 4.5.3.2.5)
LOOK_S: Final = (0.001, 0.05)  # how often it is looked whether everything has left: at first, at last
QUIET_S: Final = 2.0  # after this, the peer may have left without our having heard of it

Release = Callable[[tuple[int, ...]], Awaitable[bool]]  # given ``AskRelease.reaches``


class Connection(asyncio.Protocol):
    """A connection with EHLO behind it. One transaction at a time."""

    def __init__(
        self,
        target: Target,
        transport: asyncio.Transport,
        offers: Capabilities,
        idle_s: float,
        demand: Demand = PLAIN,
        level: Level = Level.NONE,
    ) -> None:
        """``demand``: how it had to be protected; ``level``: how far that came."""
        self.demand, self.level = demand, level
        self.tried: tuple[Tried, ...] = ()  # what setting it up has shown about TLS, until it is told
        self.target = target
        self.offers = offers
        self.transport = transport
        self.idle_s = idle_s
        self.loop = asyncio.get_running_loop()
        self.born_s = self.used_s = self.loop.time()
        self.deliveries = 0
        self.is_open = True
        peer = transport.get_extra_info("peername")
        self.ip = str(peer[0]) if peer else ""
        self.tls, self.certificate = tls.facts(transport.get_extra_info("ssl_object"))
        self._parser = ReplyParser()
        self._session: Session | None = None
        self._settled: Settled | None = None
        self._asked: AskRelease | None = None
        self._news: asyncio.Future[None] | None = (
            None  # what ``deliver`` waits for: the release is asked, or all is settled
        )
        self._deadline_s: float | None = None
        self._patience_s = 0.0  # what the deadline was when it was set
        self._left_octets = 0  # not yet taken by the peer when last looked at
        self._unheeded = 0  # replies to RSET that nobody waits for
        self._timer = self.loop.call_later(TICK_S, self._tick)

    async def deliver(self, transaction: Transaction, release: Release) -> Settled:
        """Run one transaction; returns only after ``release``, if it was asked, has answered.

        A release that raises, or a cancellation, ends the connection: the transaction on it is half done.
        """
        assert self._session is None, "one transaction at a time"
        is_quiet = self.loop.time() - self.used_s > QUIET_S
        self._session = Session(transaction, self.offers, Ahead.COMMANDS if is_quiet else Ahead.ALL)
        self._settled = None
        self._asked = None
        self.deliveries += 1
        try:
            self._step(Start())
            self._notice_close()
            settled = await self._run(release)
        except BaseException:
            self._abort()
            raise
        finally:
            self._session = self._news = self._deadline_s = None
        self.used_s = self.loop.time()
        if settled.reuse is Reuse.CLOSE:
            self._abort()  # no QUIT: the peer may be reading content, of which that would be a line
        elif settled.reuse is Reuse.RESET and not self.offers.pipelining:
            self.close()  # RSET would have to be waited for before the next MAIL (RFC 2920)
        elif settled.reuse is Reuse.RESET and self.is_open:
            self._unheeded += 1
            self.transport.write(b"RSET\r\n")
        return settled

    def close(self) -> None:
        """Say QUIT without waiting for the answer, and close."""
        if self.is_open:
            self.is_open = False
            self._timer.cancel()
            self.transport.write(b"QUIT\r\n")
            self.transport.close()

    # ---- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Replies, or what passes for them."""
        try:
            for reply in self._parser.feed(data):
                self._heard(reply)
        except ReplyError as error:
            self._fail(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer or the network ended it."""
        self._fail("connection reset" if exc else "connection closed by the peer")

    # ---- the machine

    async def _run(self, release: Release) -> Settled:
        while self._settled is None:
            if asked := self._asked:
                self._asked = None
                await self._drain()
                if self._settled is not None:
                    break
                is_granted = await release(asked.reaches)
                self._notice_close()
                # No wait from here to the write: the right to write the end holds in this turn of the loop only (R4).
                if self._settled is None:
                    self._step(Released() if is_granted else Withheld())
            else:
                self._news = self.loop.create_future()
                await self._news
        return self._settled

    async def _drain(self) -> None:
        """Wait until all that was written has left the process, so that the end leaves when it is released (R4)."""
        look_s, longest_s = LOOK_S
        while self._settled is None and (left := self.transport.get_write_buffer_size()):
            if self._deadline_s is None:
                self._left_octets = left
                self._wait(BLOCK_S)
            await asyncio.sleep(look_s)
            look_s = min(2 * look_s, longest_s)
        self._deadline_s = None

    def _wait(self, seconds: float) -> None:
        self._patience_s = seconds
        self._deadline_s = self.loop.time() + seconds

    def _step(self, event: Event) -> None:
        assert self._session is not None
        for effect in self._session.step(event):
            match effect:
                case Write(octets):
                    self.transport.write(octets)
                case Await(seconds):
                    self._wait(seconds)
                case AskRelease():
                    self._deadline_s = None
                    self._asked = effect
                    self._tell()
                case Settled():
                    self._settled = effect
                    self._tell()
                case _:
                    assert_never(effect)

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _heard(self, reply: Reply) -> None:
        if self._unheeded and reply.code != SERVICE_CLOSING:
            self._unheeded -= 1
        elif self._session is not None and self._settled is None:
            self._step(Replied(reply))
        else:
            self.close()  # speaks without being asked: 421 while idle, mostly

    def _step_lost(self, failure: str) -> None:
        if self._session is not None and self._settled is None:
            self._step(Lost(failure))

    def _notice_close(self) -> None:
        """What is written to a closing connection goes nowhere, whether it was told already that it is lost or will be soon."""
        if not self.is_open or self.transport.is_closing():
            self._step_lost("connection closed by the peer")

    def _fail(self, failure: str) -> None:
        self._step_lost(failure)
        self._abort()

    def _abort(self) -> None:
        if self.is_open:
            self.is_open = False
            self._timer.cancel()
            self.transport.abort()

    def _tick(self) -> None:
        """A read time-out ends the connection; so does idling."""
        now_s = self.loop.time()
        left = self.transport.get_write_buffer_size()
        if self._deadline_s is not None and left < self._left_octets:
            self._wait(self._patience_s)  # a large message on a slow link is no silence
        self._left_octets = left
        if self._deadline_s is not None and now_s > self._deadline_s:
            self._fail("time-out")
        elif self._session is None and now_s - self.used_s > self.idle_s:
            self.close()
        else:
            self._timer = self.loop.call_later(TICK_S, self._tick)
