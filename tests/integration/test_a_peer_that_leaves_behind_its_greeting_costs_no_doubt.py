"""A peer that answers EHLO and takes its leave in the same octets was told nothing, so nothing of the mail is in doubt."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.outcome import Kind, Reply
from tests.integration.smtp_world import certificate, grant, route, transaction

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]
OFFERS = b"250-peer\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
LINE_OCTETS = 1_000
PATIENCE_S = 20.0


def answer(connection: socket.socket, context: ssl.SSLContext | None, last: bytes) -> None:
    """The last reply and the end of the connection leave in one segment."""
    connection.sendall(b"220 peer\r\n")
    connection.recv(LINE_OCTETS)
    if context is not None:
        connection.sendall(b"250-peer\r\n250 STARTTLS\r\n")
        connection.recv(LINE_OCTETS)
        connection.sendall(b"220 go on\r\n")
        connection = context.wrap_socket(connection, server_side=True)
        connection.recv(LINE_OCTETS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    connection.sendall(last)
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            connection.unwrap()
    connection.close()


@contextlib.contextmanager
def leaving(context: ssl.SSLContext | None, last: bytes) -> Iterator[int]:
    """Such a peer; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                answer(listener.accept()[0], context, last)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE_S)


def delivered(port: int, tls: TlsPolicy, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Delivery:
    async def scene() -> Delivery:
        pool = Pool("client.example.net", Limits())
        async with asyncio.timeout(PATIENCE_S):
            return await pool.deliver(route(port, tls), "b.org", transaction(), grant)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(scene())


@pytest.mark.parametrize("new_loop", LOOPS)
def test_with_421(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with leaving(None, OFFERS + b"421 4.3.2 too busy\r\n") as port:
        (outcome,) = delivered(port, TlsPolicy.NONE, new_loop).outcomes
    assert (outcome.kind, outcome.reply) == (Kind.DEFERRED, Reply(421, (4, 3, 2), "too busy"))


@pytest.mark.parametrize("new_loop", LOOPS)
def test_with_the_end_of_tls(tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    context, _ = certificate(tmp_path)
    with leaving(context, OFFERS) as port:
        (outcome,) = delivered(port, TlsPolicy.OPPORTUNISTIC, new_loop).outcomes
    assert (outcome.kind, outcome.reply) == (Kind.DEFERRED, None)
    assert "closed by the peer" in outcome.reason


@pytest.mark.parametrize("said", [b"hello\r\n", b"250 and", b"x" * 3_000])
def test_with_what_nobody_asked(said: bytes) -> None:
    with leaving(None, OFFERS + said) as port:
        (outcome,) = delivered(port, TlsPolicy.NONE, asyncio.new_event_loop).outcomes
    assert outcome.kind is Kind.DEFERRED
