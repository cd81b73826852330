"""Clients that begin large messages over SMTP and end none cannot fill the gateway's memory, nor keep others' mail out."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.integration.gateway_world import World, embedded

ENVELOPE = b"EHLO c\r\nMAIL FROM:<a@shop.example>\r\nRCPT TO:<x@one.example>\r\n"
HEADER = b"From: a@shop.example\r\nSubject: s\r\n\r\n"
HOLD = 1_000_000  # octets, the least that may be set
LINE = b"x" * 98 + b"\r\n"


class Client:
    """A session that has begun a message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def begin(cls, world: World, octets: int, command: bytes = b"DATA") -> "Client":
        client = cls(*await asyncio.open_connection("127.0.0.1", world.smtp_port))
        client.writer.write(ENVELOPE + command + b"\r\n" + HEADER + LINE * (octets // len(LINE)))
        await client.writer.drain()
        return client

    async def hear(self, code: bytes) -> bytes:
        """The next line with this code."""
        async with asyncio.timeout(20):
            while not (line := await self.reader.readline()).startswith(code):
                assert line, "closed"
        return line

    async def end(self) -> bytes:
        """The reply to the end of the message."""
        await self.hear(b"354")
        self.writer.write(b"\r\n.\r\n")
        async with asyncio.timeout(20):
            return await self.reader.readline()

    async def read_by(self, world: World, octets: int) -> None:
        """Until the gateway holds so much."""
        async with asyncio.timeout(20):
            while world.gateway.smtp.held_octets < octets:  # noqa: ASYNC110  the server has no event for it
                await asyncio.sleep(0.01)


async def test_of_too_much_the_largest_is_dropped_and_the_rest_is_taken(tmp_path: Path) -> None:
    async with embedded(tmp_path, LIMITS__PENDING_OCTETS=str(HOLD)) as world:
        small = await Client.begin(world, 100_000)
        large = await Client.begin(world, 800_000)
        await large.read_by(world, 890_000)
        other = await Client.begin(world, 300_000)
        await other.hear(b"354")
        assert world.gateway.smtp.held_octets <= HOLD
        other.writer.write(LINE + b".\r\n")
        assert (await other.reader.readline()).startswith(b"250 2.0.0")
        assert await large.end() == b"452 4.3.1 other sessions hold too much just now; try again later\r\n"
        assert (await small.end()).startswith(b"250 2.0.0")
        large.writer.write(ENVELOPE[len(b"EHLO c\r\n") :] + b"DATA\r\n" + HEADER + LINE * 8_000)
        assert (await large.end()).startswith(b"250 2.0.0")
        assert world.gateway.smtp.held_octets == 0


async def test_one_alone_may_hold_what_a_message_may_have(tmp_path: Path) -> None:
    async with embedded(tmp_path, LIMITS__PENDING_OCTETS=str(HOLD)) as world:
        alone = await Client.begin(world, 3 * HOLD, b"BDAT %d LAST" % (len(HEADER) + 3 * HOLD))
        await alone.hear(b"250 2.0.0 Ok: queued")
        assert world.gateway.smtp.held_octets == 0


async def test_clients_that_end_nothing_hold_a_bounded_number_of_octets(tmp_path: Path) -> None:
    async with embedded(tmp_path, LIMITS__PENDING_OCTETS=str(HOLD)) as world, AsyncExitStack() as stack:
        for command in (b"DATA", b"BDAT 5000000") * 5:
            client = await Client.begin(world, 400_000, command)
            stack.callback(client.writer.close)
            await client.hear(b"250 2.1.5")
            assert world.gateway.smtp.held_octets <= HOLD + 400_000
        assert sum(one.held_octets for one in world.gateway.smtp.connections) == world.gateway.smtp.held_octets
        honest = await Client.begin(world, 10_000)
        assert (await honest.end()).startswith(b"250 2.0.0")
    assert world.gateway.smtp.held_octets == 0
