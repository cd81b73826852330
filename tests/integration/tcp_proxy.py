"""A TCP proxy that breaks what passes through it, on command, from the test's own thread.

It runs an event loop in a thread of its own, so that a client under test may block, or be asyncio, as it likes.

===============  ==============================================  =================================================
command          connections there are                           new connections
===============  ==============================================  =================================================
``heal``         pass on; those that lost octets are closed      pass on
``cut``          closed                                          refused
``freeze``       stay open; nothing passes, either way           accepted; nothing passes
``delay``        everything arrives that much later, in order    likewise
``lose_replies`` requests pass; what comes back is thrown away   likewise
===============  ==============================================  =================================================

``lose_replies`` makes a request that was carried out look like one that was not: the client waits, times out and must not
take that for a no. ``lost_octets`` grows when the server has answered, which tells a test that the request landed.
"""

import asyncio
import enum
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
CHUNK_OCTETS = 65_536
CHUNKS_ON_THE_WAY = 256
COMMAND_TIMEOUT_S = 10


class Way(enum.Enum):
    """Which way octets go."""

    TO_SERVER = enum.auto()
    TO_CLIENT = enum.auto()


class Link:
    """A client's connection and ours to the server."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.writers = writers
        self.lost_octets = 0

    def close(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class TcpProxy:
    """Listens on ``port`` (0: any that is free) and passes on to ``server_port``, both on loopback."""

    def __init__(self, server_port: int, port: int = 0) -> None:
        self.port = port
        self.lost_octets = 0
        self._server_port = server_port
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._delay_s = 0.0
        self._loses_replies = False
        self._listening: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def heal(self) -> None:
        """Pass everything on."""
        self._run(self._set(flows=True))

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        self._run(self._cut())

    def freeze(self) -> None:
        """Keep and accept connections, and pass nothing on."""
        self._run(self._set(flows=False))

    def delay(self, delay_ms: int) -> None:
        """Pass everything on so much later, either way."""
        self._run(self._set(flows=True, delay_ms=delay_ms))

    def lose_replies(self) -> None:
        """Pass on what the client says and throw away what the server answers."""
        self._run(self._set(flows=True, loses_replies=True))

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._links)

    def _run(self, command: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(command, self._loop).result(COMMAND_TIMEOUT_S)

    async def _set(self, *, flows: bool, delay_ms: int = 0, loses_replies: bool = False) -> None:
        self._delay_s, self._loses_replies = delay_ms / 1_000, loses_replies
        if not loses_replies:
            # A reply is missing in the middle of what these would carry on with; no TCP stream has such a gap.
            for link in [link for link in self._links if link.lost_octets]:
                link.close()
        if self._listening is None:
            self._listening = await asyncio.start_server(self._accept, HOST, self.port)
            self.port = self._listening.sockets[0].getsockname()[1]
        if flows:
            self._flows.set()
        else:
            self._flows.clear()

    async def _cut(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for link in self._links:
            link.close()

    async def _end(self) -> None:
        await self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            client_writer.transport.abort()
            self._tasks.discard(task)
            return
        link = Link(client_writer, server_writer)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(link, Way.TO_SERVER, client_reader, server_writer))
                group.create_task(self._carry(link, Way.TO_CLIENT, server_reader, client_writer))
        except* OSError:
            pass  # one side is gone; the other is told by the close below
        finally:
            link.close()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _carry(self, link: Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_ON_THE_WAY)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._give(link, way, on_the_way, writer))
            while chunk := await reader.read(CHUNK_OCTETS):
                await on_the_way.put((self._loop.time() + self._delay_s, chunk))
            await on_the_way.put((self._loop.time() + self._delay_s, b""))

    async def _give(
        self, link: Link, way: Way, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, chunk = await on_the_way.get()
            await asyncio.sleep(due - self._loop.time())
            await self._flows.wait()
            if not chunk:
                raise ConnectionResetError("the other side has closed")
            if self._loses_replies and way is Way.TO_CLIENT:
                link.lost_octets += len(chunk)
                self.lost_octets += len(chunk)
                continue
            writer.write(chunk)
            await writer.drain()
