"""HTTP connections of which nobody holds more than a bounded head for ever: uvicorn bounds neither its octets nor its time.

A head is what stands before a request's body. Whoever connects may send one, before anybody is asked who that is. So one that does not
end within ``MAX_HEAD_OCTETS`` is answered by 431 (RFC 6585 section 5), one that takes longer than ``HEAD_S`` by 408 (RFC 9110
section 15.5.9), and the connection is closed. A head that comes whole in one piece may be as large as that.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from actors.http_refusal import Refused
from fastemailnet.net.clients import Clients

MAX_HEAD_OCTETS: Final = 131_072  # 1,000 recipients in X-Envelope-To fields fit
HEAD_S: Final = 30.0
REQUEST_TIMEOUT, TOO_LARGE = 408, 431


class HeadBounded(HttpToolsProtocol):
    """One connection."""

    counted_as = ""  # the address for which it counts
    heads = 0  # that have ended
    head_octets = 0  # of the one that is coming, less its last piece
    is_in_head = True
    overdue: asyncio.TimerHandle | None = None

    def __init__(self, clients: Clients, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.clients = clients

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
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that has not ended."""
        heads, was_in_head = self.heads, self.is_in_head
        super().data_received(data)
        self.head_octets += len(data)
        if not was_in_head or self.heads > heads:
            self.head_octets = 0
        if self.head_octets > MAX_HEAD_OCTETS:
            self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if self.overdue is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self.heads += 1
        self.is_in_head = False
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is a head."""
        self.is_in_head = True
        super().on_message_complete()

    def _await_head(self) -> None:
        self.overdue = asyncio.get_running_loop().call_later(HEAD_S, self._refuse, REQUEST_TIMEOUT)

    def _head_is_there(self) -> None:
        if self.overdue is not None:
            self.overdue.cancel()
            self.overdue = None

    def _refuse(self, status: int) -> None:
        """Say why, unless an answer is on its way there, and close."""
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
