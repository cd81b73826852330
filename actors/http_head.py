"""HTTP connections of which nobody holds more than a bounded head, or any for ever: uvicorn bounds neither octets nor time.

A head is what stands before a request's body. Whoever connects may send one, before anybody is asked who that is. So one that does not
end within ``MAX_HEAD_OCTETS`` is answered by 431 (RFC 6585 section 5), as is one with over ``MAX_FIELDS``, one that takes longer than
``HEAD_S`` by 408 (RFC 9110 section 15.5.9), and the connection is closed. A head that comes whole in one piece may be as large as
that. Who sends more than ``MAX_PIPELINED`` requests ahead of their answers is closed as well.

At any time a client is waited for by one clock, whatever it does:

    it is to send         waited for
    a head                ``HEAD_S``; between two requests as long as connections are kept, until its first octet
    a body                ``BODY_S`` and more for every octet (``net.patience``), then 408; not while we read nothing
    the rest of a body    ``REST_S``: it was answered before its end, for its head was enough
    nothing: it reads     ``UNREAD_S``, when it takes no more of what was written, or is closed
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from actors.http_refusal import Refused
from fastemailnet.net.clients import Clients
from fastemailnet.net.patience import Patience

MAX_HEAD_OCTETS: Final = 131_072  # 1,000 recipients in X-Envelope-To fields fit
MAX_FIELDS: Final = 2_000  # of one request: each costs some microseconds, in the framework more
# Requests that wait for the answer to one before them; of one read each costs 60 microseconds.
MAX_PIPELINED: Final = 20
HEAD_S: Final = 30.0
BODY_S: Final = 60.0
REST_S: Final = 10.0
UNREAD_S: Final = 30.0
REQUEST_TIMEOUT, TOO_LARGE = 408, 431


class HeadBounded(HttpToolsProtocol):
    """One connection."""

    counted_as = ""  # the address for which it counts
    heads = 0  # that have ended
    head_octets = 0  # of the one that is coming, less its last piece
    body_octets = 0  # of one read
    is_in_head = True
    overdue: asyncio.TimerHandle | None = None
    unread: asyncio.TimerHandle | None = None

    def __init__(self, clients: Clients, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.clients = clients
        self.patience = Patience(BODY_S, self.loop.time())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is awaited, unless the client has too many connections."""
        peer = str(transport.get_extra_info("peername")[0])
        if (refusal := self.clients.enter(peer)) is not None:
            Refused(transport, refusal)
            return
        self.counted_as = peer
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self.clients.leave(self.counted_as)
        self._await_nothing()
        self._is_read()
        super().connection_lost(exc)

    # ---- what comes

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that has not ended."""
        heads, was_in_head = self.heads, self.is_in_head
        self.body_octets = 0
        super().data_received(data)
        self.patience.hear(self.body_octets, self.loop.time())
        self.head_octets += len(data)
        if not was_in_head or self.heads > heads:
            self.head_octets = 0
        if self.head_octets > MAX_HEAD_OCTETS:
            self._refuse(TOO_LARGE)
        elif self.is_in_head and self.overdue is None and self._is_answered() and self.timeout_keep_alive_task is None:
            self._await_head()  # octets that begin nothing have stopped uvicorn's clock
        self._is_closing()

    def eof_received(self) -> None:
        """The transport closes."""
        super().eof_received()
        self._await(UNREAD_S, self.transport.abort)

    def on_message_begin(self) -> None:
        """A head begins."""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._break_off(TOO_LARGE)
        super().on_message_begin()
        if self.overdue is None:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of what stands behind a body."""
        if len(self.headers) >= MAX_FIELDS:
            self._break_off(TOO_LARGE)
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Octets of the body; how they are cut is no progress."""
        self.body_octets += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self.heads += 1
        self.is_in_head = False
        self.patience.renew(self.loop.time())
        self._await(BODY_S, self._look_at_body)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is a head."""
        self.is_in_head = True
        self._await_nothing()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Nobody reads the rest of its body."""
        is_rest = not self.is_in_head and not self.pipeline
        super().on_response_complete()
        if is_rest:
            self._await(REST_S, self._close)
        self._is_closing()

    def timeout_keep_alive_handler(self) -> None:
        """No head has begun."""
        super().timeout_keep_alive_handler()
        self._is_closing()

    # ---- clocks

    def _await(self, seconds: float, then: Callable[..., None], *args: Any) -> None:
        self._await_nothing()
        self.overdue = self.loop.call_later(seconds, then, *args)

    def _await_head(self) -> None:
        self._await(HEAD_S, self._refuse, REQUEST_TIMEOUT)

    def _await_nothing(self) -> None:
        if self.overdue is not None:
            self.overdue.cancel()
            self.overdue = None

    def _look_at_body(self) -> None:
        now_s = self.loop.time()
        if self.flow.read_paused:
            self.patience.renew(now_s)
        left_s = self.patience.until_s - now_s
        if left_s > 0:
            self._await(left_s, self._look_at_body)
        else:
            self._refuse(REQUEST_TIMEOUT)

    def _refuse(self, status: int) -> None:
        """Say why, unless an answer is on its way there, and close."""
        if self.transport.is_closing():
            return
        is_begun = self.cycle is not None and self.cycle.response_started
        if self._is_answered() or not (self.is_in_head or self.pipeline or is_begun):
            self.transport.write(STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        self._close()

    def _break_off(self, status: int) -> None:
        """Refuse, within the parser, what stands in one read. ``send_400_response`` comes of it, which finds it said."""
        self._refuse(status)
        raise BufferError(status)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _is_answered(self) -> bool:
        """Whether no request is worked on."""
        return self.cycle is None or self.cycle.response_complete

    def _close(self) -> None:
        self.transport.close()
        self._is_closing()

    def _is_closing(self) -> None:
        """Whoever does not read the last of it is not waited for."""
        if self.transport.is_closing():
            self._await(UNREAD_S, self.transport.abort)

    # ---- what is written

    def pause_writing(self) -> None:
        """The client reads more slowly than we write, or not at all."""
        super().pause_writing()
        self.unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None
