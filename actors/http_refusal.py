"""The end of an HTTP connection that is one too many of its client: 429 at once (RFC 6585 section 4), then nothing is heard any more.

The client has most likely begun its request. A connection that is closed over octets that nobody has read is reset, and the answer may
be lost with it, so what comes is read and dropped, until the client has read the answer and closes or ``LINGER_S`` are over. Of all
that are refused ``MAX_LINGERING`` are waited for: more come from nobody who means to read.
"""

import asyncio
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from fastemailnet.errors import ConnectionsExceeded
from fastemailnet.web.answers import refusal, status_of

LINGER_S: Final = 1.0
MAX_LINGERING: Final = 1_000


class Refused(asyncio.Protocol):
    """One such connection."""

    lingering: ClassVar[int] = 0  # of all

    def __init__(self, transport: asyncio.Transport, why: ConnectionsExceeded) -> None:
        self._end: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        transport.write(_answer(why))
        if Refused.lingering < MAX_LINGERING:
            Refused.lingering += 1
            transport.write_eof()
            self._end = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        if self._end is not None:
            self._end.cancel()
            Refused.lingering -= 1


def _answer(why: ConnectionsExceeded) -> bytes:
    body = refusal(why)
    head = b"connection: close\r\ncontent-type: application/json\r\nretry-after: %d\r\ncontent-length: %d\r\n\r\n"
    return STATUS_LINE[status_of(why)] + head % (why.retry_after_s, len(body)) + body
