"""Hosts that take a connection and then say nothing for minutes: their mail waits, that to others passes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from actors import leases, node
from tests.integration.test_a_fleet_in_one_process import House, house

ROOM_UNITS = 8
ASIDE_UNITS = 12
HOSTS = 5  # each takes as many connections at once as a new host is given


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A host that answers EHLO and nothing else; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250-here\r\n250 PIPELINING\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: int) -> AsyncIterator[House]:
    """A fleet of one node with little room, and ``hosts`` mails for each of as many of these hosts in work."""
    for where, name, value in ((node, "LANE_ROOM_UNITS", ROOM_UNITS), (node, "ASIDE_UNITS", ASIDE_UNITS)):
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(leases, "LONG_S", 0.1)
    table = tmp_path / "routes.toml"
    async with AsyncExitStack() as stack, house(tmp_path, ROUTE__TABLE=str(table)) as fleet:
        ports = [await stack.enter_async_context(silent()) for _ in range(hosts)]
        entries = [
            f'["h{number}.example"]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
            for number, port in enumerate(ports)
        ]
        table.write_text("\n".join(entries))
        for number in range(HOSTS * hosts):
            name = f"h{number % hosts}.example"
            fleet.accept(f"r{number}@{name}", domain=name)
        fleet.start_node("a")
        yield fleet


async def test_mail_to_others_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with beside_them(tmp_path, monkeypatch, 3) as fleet:
        for number in range(30):
            fleet.accept(f"r{number}@x.example")
        balance = await fleet.until(lambda b: b["relayed"] == 30)
        assert balance["open"] == 3 * HOSTS


async def test_no_more_are_in_work_than_there_is_memory_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with beside_them(tmp_path, monkeypatch, 5) as fleet:
        (one,) = fleet.nodes

        def in_work() -> int:
            return sum(count for state, count in one.stations.counts.items() if state.value != "idle")

        deadline = asyncio.get_running_loop().time() + 20.0
        while in_work() < ROOM_UNITS + ASIDE_UNITS:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert in_work() == ROOM_UNITS + ASIDE_UNITS
