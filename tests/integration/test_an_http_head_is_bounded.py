"""Who connects over HTTP and is not known yet can make the gateway hold no more than a head's worth, and not for ever."""

import asyncio
from pathlib import Path

import httpx
import pytest

from actors import http_head
from tests.integration.gateway_world import World, embedded

RAW = b"From: a@shop.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\nbody\r\n"
BEGUN = b"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\n"


async def answer_to(world: World, *pieces: bytes) -> bytes:
    """What is said to a client that sends these, until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.http_port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    said = b""
    try:
        async with asyncio.timeout(20):
            while octets := await reader.read(65_536):
                said += octets
    except ConnectionError:  # it sends on while the gateway has closed
        pass
    writer.close()
    return said


@pytest.mark.parametrize(
    "pieces",
    [
        [BEGUN + b"X-Long: ", *[b"a" * 50_000] * 3],
        [BEGUN, *[(b"X-Many: " + b"a" * 90 + b"\r\n") * 500] * 3],
        [b"GET /", *[b"a" * 50_000] * 3],
        [b"\r\n" * 25_000] * 3,
        [BEGUN + b"a:\r\n" * 3_000 + b"\r\n"],
    ],
    ids=["one field", "many fields", "target", "empty lines", "short fields"],
)
async def test_a_head_without_end_is_refused(tmp_path: Path, pieces: list[bytes]) -> None:
    async with embedded(tmp_path) as world:
        assert (await answer_to(world, *pieces)).startswith(b"HTTP/1.1 431 ")


async def test_fields_behind_a_body_are_counted_as_well(tmp_path: Path) -> None:
    begun = BEGUN + b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    async with embedded(tmp_path) as world:
        assert b"HTTP/1.1 431 " in await answer_to(world, begun + b"a: b\r\n" * 3_000)


async def test_requests_far_ahead_of_their_answers_are_not_queued(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world:
        said = await answer_to(world, b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n" * 2_000)
        assert said.count(b"HTTP/1.1 200 ") <= http_head.MAX_PIPELINED
        some = b"GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n" * 15
        closing = b"GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n"
        assert (await answer_to(world, some + closing)).count(b"HTTP/1.1 200 ") == 16


@pytest.mark.parametrize("pieces", [[], [BEGUN], [BEGUN + b"Content-Length: 0\r\n\r\nGET"]])
async def test_a_head_that_does_not_come_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(http_head, "HEAD_S", 0.05)
    async with embedded(tmp_path) as world:
        assert (await answer_to(world, *pieces)).split(b"HTTP/1.1 ")[-1].startswith(b"408 ")


async def test_bodies_and_what_follows_them_are_no_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_head, "HEAD_S", 0.5)
    large = RAW + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 20_000

    async with embedded(tmp_path) as world, httpx.AsyncClient(base_url=world.url) as http:

        async def body():
            for start in range(0, len(large), 200_000):
                yield large[start : start + 200_000]
                await asyncio.sleep(0.1)  # longer in all than a head may take

        for _ in range(2):
            answer = await http.post("/v1/messages", content=body(), headers={"Content-Type": "message/rfc822"})
            assert answer.status_code == 202
        await asyncio.sleep(0.6)  # a connection at rest is no head that does not come
        to = ", ".join(f"recipient-{number}@destination-{number}.example" for number in range(1_000))
        fields = {"Content-Type": "message/rfc822", "X-Envelope-From": "a@shop.example", "X-Envelope-To": to}
        assert (await http.post("/v1/messages", content=RAW, headers=fields)).json()["recipients"] == 1_000
        assert len(http._transport._pool.connections) == 1  # all went over one
