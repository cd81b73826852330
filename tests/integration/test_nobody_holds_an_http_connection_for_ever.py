"""Who sends octets that begin nothing, a body that trickles, the rest of one that was answered, or reads no answer is let go."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from actors import gateway, http_head
from fastemailnet.net import patience
from tests.integration.gateway_world import World, embedded

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n"
BEGUN = b" HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
RAW = b"From: a@shop.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\nbody\r\n"
STRANGERS = {"GATEWAY__RELAY_NETWORKS": "[]", "GATEWAY__REVIEW_NETWORKS": "[]"}


async def trickled(world: World, begun: bytes, piece: bytes) -> bytes:
    """What is said, until the gateway closes, to who sends this and then pieces of something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.http_port)
    writer.write(begun)
    said = b""

    async def read() -> None:
        nonlocal said
        with suppress(ConnectionError):  # it is closed over pieces that are on their way
            while octets := await reader.read(4_096):
                said += octets

    reading = asyncio.ensure_future(read())
    try:
        async with asyncio.timeout(5):
            while not reading.done():
                await asyncio.wait([reading], timeout=0.03)
                writer.write(piece)
        return said
    finally:
        reading.cancel()
        writer.transport.abort()


async def none_is_left(world: World) -> None:
    assert world.gateway.http is not None
    async with asyncio.timeout(5):
        while world.gateway.http.server_state.connections or world.gateway.http.server_state.tasks:  # noqa: ASYNC110 - what it waits for is the gateway's own
            await asyncio.sleep(0.01)


async def test_octets_that_begin_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_head, "HEAD_S", 0.2)
    async with embedded(tmp_path) as world:
        said = await trickled(world, HEALTH, b"\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in said
        await none_is_left(world)


@pytest.mark.parametrize("path", [b"/v1/messages", b"/v1/feedback"])
async def test_a_body_that_trickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: bytes) -> None:
    monkeypatch.setattr(http_head, "BODY_S", 0.2, raising=False)
    async with embedded(tmp_path) as world:
        assert (await trickled(world, b"POST " + path + BEGUN, b"1\r\nx\r\n")).startswith(b"HTTP/1.1 408 ")
        await none_is_left(world)


@pytest.mark.parametrize(("path", "status"), [(b"/v1/messages", b"403"), (b"/v1/unsubscribe/x", b"404")])
async def test_the_rest_of_what_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: bytes, status: bytes
) -> None:
    monkeypatch.setattr(http_head, "REST_S", 0.2, raising=False)
    async with embedded(tmp_path, **STRANGERS) as world:
        said = await trickled(world, b"POST " + path + BEGUN, b"1\r\nx\r\n")
        assert said.startswith(b"HTTP/1.1 " + status)
        await none_is_left(world)


@pytest.mark.parametrize("is_idle", [False, True], ids=["more than we keep for it", "less, and it is idle"])
async def test_answers_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_idle: bool) -> None:
    monkeypatch.setattr(http_head, "UNREAD_S", 0.2, raising=False)
    monkeypatch.setattr(http_head, "MAX_PIPELINED", 10_000, raising=False)
    monkeypatch.setattr(gateway, "KEEP_ALIVE_S", 1)
    async with embedded(tmp_path, **STRANGERS) as world:
        assert world.gateway.http is not None
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", world.http_port))
            async with asyncio.timeout(10):
                while not (found := list(world.gateway.http.server_state.connections)):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
                found[0].transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
                while not (found[0].transport.get_write_buffer_size() if is_idle else found[0].flow.write_paused):
                    await loop.sock_sendall(client, HEALTH * 50)
                    await asyncio.sleep(0.02)
            assert found[0].flow.write_paused is not is_idle
            await none_is_left(world)


async def test_who_is_honest_is_not_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_head, "BODY_S", 1.0)
    monkeypatch.setattr(patience, "MIN_OCTETS_PER_S", 5)

    async def slowly():
        for line in (RAW, *[b"a line of it\r\n"] * 8):
            yield line
            await asyncio.sleep(0.15)

    async with embedded(tmp_path) as world, httpx.AsyncClient(base_url=world.url) as http:
        for _ in range(2):
            answer = await http.post("/v1/messages", content=slowly(), headers={"Content-Type": "message/rfc822"})
            assert answer.status_code == 202
        refused = await http.post("/v1/messages", content=b"x" * 500_000, headers={"Content-Type": "text/plain"})
        assert refused.status_code == 415
        assert (await http.get("/healthz")).status_code == 200
        assert len(http._transport._pool.connections) == 1  # all went over one
