"""Who trickles, reads nothing, breaks off a handshake or sends commands that lead nowhere is not served for ever."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from fastemailnet.net import patience, server
from fastemailnet.net.server import SmtpServer
from tests.integration.gateway_world import World, embedded
from tests.integration.smtp_world import Inbox
from tests.integration.tls_world import Authority

OPENED = b"EHLO c\r\nMAIL FROM:<a@shop.example>\r\nRCPT TO:<x@one.example>\r\nDATA\r\n"
HEADER = b"From: a@shop.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\n"


@asynccontextmanager
async def session(world: World) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.smtp_port)
    assert (await reader.readline()).startswith(b"220 ")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def no_session_is_left(world: World) -> None:
    async with asyncio.timeout(10):
        while world.gateway.smtp.connections:  # noqa: ASYNC110 - what it waits for is the gateway's own
            await asyncio.sleep(0.01)
    assert world.gateway.status()["smtp connections"]["open"] == 0
    assert world.gateway.smtp.held_octets == 0


@pytest.mark.parametrize(("opened", "piece"), [(OPENED, b"x"), (b"EHLO c\r\n", b"N"), (b"", b"E")])
async def test_octets_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bytes, piece: bytes
) -> None:
    monkeypatch.setattr(server, "IDLE_S", 0.3)
    async with embedded(tmp_path) as world, session(world) as (reader, writer):
        writer.write(opened)
        said = b""
        async with asyncio.timeout(10):
            while b"421 " not in said:
                writer.write(piece)
                with suppress(TimeoutError):
                    said += await asyncio.wait_for(reader.read(4_096), 0.1)
        assert b"421 4.4.2 nothing whole came" in said
        await no_session_is_left(world)


async def test_a_large_message_may_take_longer_than_one_that_trickles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_S", 1.0)
    monkeypatch.setattr(patience, "MIN_OCTETS_PER_S", 5)
    async with embedded(tmp_path) as world, session(world) as (reader, writer):
        writer.write(OPENED + HEADER)
        for _ in range(12):
            await asyncio.sleep(0.15)
            writer.write(b"a line of it\r\n")
        writer.write(b".\r\nQUIT\r\n")
        assert b"250 2.0.0 Ok: queued as " in await asyncio.wait_for(reader.read(), 10)


async def test_replies_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_S", 0.3)
    monkeypatch.setattr(server, "UNREAD_S", 0.1, raising=False)
    listener = SmtpServer("127.0.0.1", 0, Inbox())
    loop, port = asyncio.get_running_loop(), await listener.start()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(5):
                await loop.sock_sendall(client, b"EHLO c\r\n" * 200_000)
        while not listener.connections:  # noqa: ASYNC110 - what it waits for is the gateway's own
            await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            while listener.connections:  # noqa: ASYNC110 - what it waits for is the gateway's own
                await asyncio.sleep(0.01)
    await listener.close()


async def test_handshakes_that_are_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TLS_S", 0.3, raising=False)
    pem = tmp_path / "server.pem"
    pem.write_bytes(Authority().issue("localhost").pem())
    async with embedded(tmp_path, GATEWAY__CERTIFICATE_FILE=str(pem)) as world:
        for how in ("closed", "reset", "half", "junk", "silent"):
            async with session(world) as (reader, writer):
                writer.write(b"EHLO c\r\nSTARTTLS\r\n")
                while not (await reader.readline()).startswith(b"220 "):
                    pass
                match how:
                    case "closed":
                        writer.close()
                    case "reset":
                        now = struct.pack("ii", 1, 0)
                        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                        writer.transport.abort()
                    case "half":
                        writer.write(b"\x16\x03\x01\x02\x00\x01")
                        await asyncio.sleep(0.05)
                        writer.close()
                    case "junk":
                        writer.write(b"no handshake\r\n" * 10)
                await no_session_is_left(world)


@pytest.mark.parametrize("junk", [b"NOOP\r\n", b"RSET\r\n", b"VRFY x\r\n", b"EHLO c\r\n"])
async def test_commands_that_lead_nowhere(tmp_path: Path, junk: bytes) -> None:
    async with embedded(tmp_path) as world, session(world) as (reader, writer):
        writer.write(junk * 2_000)
        said = (await asyncio.wait_for(reader.read(), 10)).splitlines()
        assert said[-1] == b"421 4.7.0 more than 20 bad commands; closing"
        assert len([line for line in said if line[3:4] == b" "]) == 121


async def test_chunks_of_nothing_and_recipients_over_the_limit(tmp_path: Path) -> None:
    async with embedded(tmp_path, LIMITS__RECIPIENTS="200") as world:
        # The greeting after EHLO is idle as well; of the recipients 199 are taken and 200 refused before each more is a bad command.
        for junk, replies in ((b"BDAT 0\r\n", 3 + 99 + 21), (b"RCPT TO:<x@one.example>\r\n", 3 + 199 + 200 + 21)):
            async with session(world) as (reader, writer):
                writer.write(OPENED.removesuffix(b"DATA\r\n") + junk * 2_000)
                said = (await asyncio.wait_for(reader.read(), 10)).splitlines()
                assert said[-1] == b"421 4.7.0 more than 20 bad commands; closing"
                assert len([line for line in said if line[3:4] == b" "]) == replies


async def test_who_brings_mail_may_say_as_much_as_ever(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world, session(world) as (reader, writer):
        mail = b"RSET\r\n" * 60 + OPENED + HEADER + b".\r\n"
        writer.write(b"".join(mail for _ in range(5)) + b"QUIT\r\n")
        said = (await asyncio.wait_for(reader.read(), 10)).splitlines()
        assert len([line for line in said if line.startswith(b"250 2.0.0 Ok: queued as ")]) == 5
        assert said[-1].startswith(b"221 ")
