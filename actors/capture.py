"""The capture inbox's file: one line of JSON a message, durable before the message is answered.

Lines that come while a write is on its way gather for the next one, so that many sessions share an fsync and an idle
inbox waits for nobody. A line that a crash cut short was never answered; it is cut off when the file is opened again.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from fastemailnet.errors import LogError

READ_OCTETS: Final = 65_536


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as it arrived."""

    at_ms: int
    sender: str
    recipients: list[str]
    message: str  # X-FEN-Message, by which a sender's delivery is known, else Message-ID
    message_id: str
    sha256: str  # of the content, in hex
    octets: int
    peer: str
    transid: str = ""  # of the transaction that brought it, where the sender named it (RFC 1845)


_Waiting = tuple[Arrival, bytes, asyncio.Future[None]]
_encode = msgspec.json.Encoder().encode


class CaptureFile:
    """Appends arrivals to a file, for the coroutines of one event loop."""

    def __init__(self, path: Path, bodies: Path | None) -> None:
        """Append to ``path``; keep the content as files in ``bodies`` too, where that is given."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if bodies is not None:
            bodies.mkdir(parents=True, exist_ok=True)
        self._bodies = bodies
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._size = _whole_lines(self._file)
        os.ftruncate(self._file, self._size)
        self._thread = ThreadPoolExecutor(1, "capture")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def append(self, arrival: Arrival, content: bytes) -> None:
        """Return when the arrival is durable.

        Raises:
            LogError: it is not, the file cannot be written.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, content, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await written

    async def close(self) -> None:
        """Write what waits, then close."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()
        os.close(self._file)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: LogError | None = None
            try:
                await loop.run_in_executor(self._thread, self._write, batch)
            except OSError as problem:
                error = LogError(f"the capture file cannot be written: {problem.strerror}")
            for _, _, written in batch:
                if written.done():  # its session is gone
                    continue
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)
        self._writing = None

    def _write(self, batch: Sequence[_Waiting]) -> None:
        """In the thread."""
        lines = b"".join(_encode(arrival) + b"\n" for arrival, _, _ in batch)
        if self._bodies is not None:
            for arrival, content, _ in batch:
                (self._bodies / f"{arrival.at_ms}-{arrival.sha256[:16]}.eml").write_bytes(content)
        try:
            done = 0
            while done < len(lines):
                done += os.pwrite(self._file, lines[done:], self._size + done)
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(lines)


def _whole_lines(file: int) -> int:
    """The octets of the file up to the end of its last whole line."""
    end = os.fstat(file).st_size
    while end:
        start = max(0, end - READ_OCTETS)
        at = os.pread(file, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
