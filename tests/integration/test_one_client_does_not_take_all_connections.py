"""A client has no more connections than it may, over SMTP or HTTP; others come in meanwhile, and it does when it has left one."""

import asyncio
from pathlib import Path

import httpx
import pytest

from actors import http_refusal
from fastemailnet.client import AsyncClient
from fastemailnet.errors import ConnectionsExceeded
from fastemailnet.web import tries
from tests.integration.gateway_world import World, embedded

RAW = b"From: a@shop.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\nbody\r\n"
NOBODY_EXEMPT = {"GATEWAY__UNLIMITED_NETWORKS": "[]"}
TWO = {"GATEWAY__CLIENT_CONNECTIONS": "2", **NOBODY_EXEMPT}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(port: int, source: str = "127.0.0.1") -> Streams:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def smtp(world: World, source: str = "127.0.0.1") -> tuple[bytes, Streams]:
    """A connection, and how it is greeted."""
    streams = await opened(world.smtp_port, source)
    return await asyncio.wait_for(streams[0].readline(), 10), streams


async def close(*streams: Streams) -> None:
    for _, writer in streams:
        writer.close()
        await writer.wait_closed()


async def wait_until(world: World, protocol: str, opened: int) -> None:
    async with asyncio.timeout(10):
        while world.gateway.status()[f"{protocol} connections"]["open"] != opened:  # noqa: ASYNC110 - what it waits for is the gateway's own
            await asyncio.sleep(0.01)


async def test_over_smtp(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with embedded(tmp_path, **TWO) as world:
        (hello, one), (again, two) = await smtp(world), await smtp(world)
        assert (hello[:4], again[:4]) == (b"220 ", b"220 ")
        for _ in range(3):
            said, three = await smtp(world)
            limit = b"too many connections from 127.0.0.1: 2 at once are the limit (gateway.client_connections)"
            assert said == b"421 4.7.0 " + limit + b"; try again in 10 s\r\n"
            assert await three[0].read() == b""
            await close(three)
        assert [record.message for record in caplog.records] == [f"SMTP: {said[10:-2].decode()}"]  # once a minute
        other, four = await smtp(world, "127.0.0.2")
        assert other.startswith(b"220 ")
        figures = {"open": 3, "refused": 3, "most": 2, "of": "127.0.0.1"}
        assert world.gateway.status()["smtp connections"] == figures
        await close(one)
        await wait_until(world, "smtp", 2)
        assert (await smtp(world))[0].startswith(b"220 ")
        await close(two, four)


async def test_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "TRIES", 1)
    async with embedded(tmp_path, **TWO) as world:
        held = [await opened(world.http_port) for _ in range(2)]
        await wait_until(world, "http", 2)
        async with httpx.AsyncClient(base_url=world.url) as http:
            answer = await http.get("/healthz")
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "10"
        assert answer.headers["connection"] == "close"
        error = answer.json()["error"]
        assert (error["type"], error["retriable"], error["definite"]) == ("ConnectionsExceeded", True, True)
        assert "2 at once are the limit (gateway.client_connections)" in error["what"]
        async with AsyncClient(world.url) as fleet:
            with pytest.raises(ConnectionsExceeded, match=r"from 127\.0\.0\.1: 2 at once"):
                await fleet.send(RAW)
        other = await opened(world.http_port, "127.0.0.2")
        other[1].write(HEALTH)
        assert (await other[0].readline()).startswith(b"HTTP/1.1 200 ")
        await close(held[0])
        await wait_until(world, "http", 2)
        async with AsyncClient(world.url) as fleet:
            await fleet.send(RAW)
        await close(held[1], other)
        await wait_until(world, "http", 0)


async def test_the_rest_of_a_refused_request_is_read_so_that_the_answer_arrives(tmp_path: Path) -> None:
    async with embedded(tmp_path, GATEWAY__CLIENT_CONNECTIONS="1", **NOBODY_EXEMPT) as world:
        held = await opened(world.http_port)
        await wait_until(world, "http", 1)
        for _ in range(20):
            reader, writer = await opened(world.http_port)
            writer.write(b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
            assert (await reader.read()).startswith(b"HTTP/1.1 429 ")
            writer.close()
        await close(held)


async def test_who_is_refused_and_stays_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_refusal, "LINGER_S", 0.05)
    async with embedded(tmp_path, GATEWAY__CLIENT_CONNECTIONS="1", **NOBODY_EXEMPT) as world:
        held = await opened(world.http_port)
        await wait_until(world, "http", 1)
        stays = [await opened(world.http_port) for _ in range(3)]
        assert [(await reader.read())[:13] for reader, _ in stays] == [b"HTTP/1.1 429 "] * 3
        async with asyncio.timeout(10):
            while http_refusal.Refused.lingering:  # noqa: ASYNC110 - what it waits for is the gateway's own
                await asyncio.sleep(0.01)
        await close(held, *stays)


async def test_no_faster_than_its_pace(tmp_path: Path) -> None:
    async with embedded(tmp_path, GATEWAY__CLIENT_CONNECTION_RATE="3", **NOBODY_EXEMPT) as world:
        greetings = []
        for _ in range(4):
            said, streams = await smtp(world)
            await close(streams)
            greetings.append(said)
        assert [said[:3] for said in greetings] == [b"220", b"220", b"220", b"421"]
        assert b"3 a minute are the limit (gateway.client_connection_rate); try again in " in greetings[3]
        assert (await smtp(world, "127.0.0.2"))[0].startswith(b"220 ")


async def test_relay_networks_are_exempt_unless_others_are_named(tmp_path: Path) -> None:
    async with embedded(tmp_path, GATEWAY__CLIENT_CONNECTIONS="1", GATEWAY__CLIENT_CONNECTION_RATE="1") as world:
        found = [await smtp(world) for _ in range(5)]
        assert [said[:4] for said, _ in found] == [b"220 "] * 5
        await close(*(streams for _, streams in found))


async def test_a_trusted_proxy_has_any_number_and_whom_it_names_has_not(tmp_path: Path) -> None:
    proxied = {"GATEWAY__CLIENT_CONNECTIONS": "1", "GATEWAY__TRUSTED_PROXIES": '["127.0.0.1"]', **NOBODY_EXEMPT}
    begun = b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nContent-Type: message/rfc822\r\nContent-Length: 99\r\n"
    async with embedded(tmp_path, GATEWAY__RELAY_NETWORKS='["203.0.113.0/24"]', **proxied) as world:
        slow = await opened(world.http_port)
        slow[1].write(begun + b"X-Forwarded-For: 203.0.113.9\r\n\r\n")
        await wait_until(world, "http", 2)  # the proxy's connection, and the client's request
        async with httpx.AsyncClient(base_url=world.url) as http:
            same = await http.get("/v1/balance", headers={"X-Forwarded-For": "203.0.113.9"})
            assert (same.status_code, same.headers["retry-after"]) == (429, "10")
            assert "from 203.0.113.9: 1 at once" in same.text
            other = await http.get("/v1/balance", headers={"X-Forwarded-For": "203.0.113.10"})
            assert other.status_code == 200
        await close(slow)
        await wait_until(world, "http", 0)
        async with httpx.AsyncClient(base_url=world.url) as http:
            again = await http.get("/v1/balance", headers={"X-Forwarded-For": "203.0.113.9"})
            assert again.status_code == 200
