"""A gateway on real sockets and a real log, for the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from actors import build
from actors.gateway import Gateway
from actors.key_file import KeyFile
from fastemailnet import ids
from fastemailnet.client import AsyncClient
from fastemailnet.config import Settings, load
from fastemailnet.envelope import LANES, Unit, decode_unit
from fastemailnet.errors import NotFound
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log

PENDING_OCTETS = 8_000_000


class LogReader:
    """Answers from the mail streams alone; every delivery is as the test says."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.state = "open"

    def units(self) -> list[Unit]:
        return [decode_unit(record) for stream in LANES for _, record in self.log.fetch(stream, 0, 0, 10_000)]

    async def timeline(self, message_id: str) -> dict[str, Any]:
        message = ids.from_text(message_id)
        found = [r.address for unit in self.units() if unit.message == message for r in unit.recipients]
        if not found:
            raise NotFound(f"no message {message_id}")
        return {"id": message_id, "deliveries": [{"recipient": one, "state": self.state} for one in found]}

    async def balance(self) -> dict[str, int]:
        return {"accepted": sum(len(unit.recipients) for unit in self.units())}

    async def in_doubt(self) -> list[dict[str, Any]]:
        return []

    async def status(self) -> dict[str, Any]:
        return {"processes": {}}

    async def receipt(self, delivery: str) -> str:
        raise NotFound(f"no receipt {delivery}")


@dataclass
class World:
    """What a test holds of it."""

    gateway: Gateway
    reader: LogReader
    http_port: int
    smtp_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def client(self) -> AsyncClient:
        return AsyncClient(self.url)


def settings(**environ: str) -> Settings:
    given = {"GATEWAY__HTTP_PORT": "0", "GATEWAY__SMTP_PORT": "0", "GATEWAY__HOSTNAME": "mta.shop.example", **environ}
    return load(None, {f"FASTEMAILNET_{name}": value for name, value in given.items()})


@asynccontextmanager
async def running(
    log: Log, pending_octets: int = PENDING_OCTETS, directory: Path | None = None, **environ: str
) -> AsyncIterator[World]:
    """A gateway that listens; its key file is in ``directory``, or nobody sees it again."""
    key_file = KeyFile((directory or Path(mkdtemp())) / "keys.sqlite3")
    group = GroupCommit(log, max_pending_octets=pending_octets)
    reader = LogReader(log)
    kept = {"FLEET__DATA": str(directory.parent)} if directory is not None else {}
    chosen = settings(**kept, **environ)
    gateway = Gateway(chosen, log, group, reader, build.bodies(chosen), key_file)
    http_port, smtp_port = await gateway.start()
    try:
        yield World(gateway, reader, http_port, smtp_port)
    finally:
        await gateway.close()
        await group.close()
        key_file.close()


@asynccontextmanager
async def embedded(directory: Path, **environ: str) -> AsyncIterator[World]:
    """The same over an embedded log of its own."""
    log = EmbeddedLog(directory)
    try:
        async with running(log, directory=directory / "gateway", **environ) as world:
            yield world
    finally:
        log.close()
