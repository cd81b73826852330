"""Whatever a host says, in whatever octets: its own mail waits, the node and the ledger live, and mail to others passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from actors import build
from actors.ledger import LedgerActor
from actors.timeline import STATES
from fastemailnet import ids
from fastemailnet.delivery.pause import Bounds
from fastemailnet.envelope import decode_unit
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.outcome import Kind
from fastemailnet.smtp.reply import MAX_TEXT_CHARACTERS
from tests.integration.smtp_world import grant, route, transaction
from tests.integration.test_a_fleet_in_one_process import house

ENDLESS = 2_000_000  # octets; more than anybody reads of one reply
OFFERS = b"250-here\r\n250 PIPELINING\r\n"
LATIN_1 = "gr\xfc\xdfe".encode("latin-1")
SAYINGS: dict[str, tuple[bytes, bytes, bytes]] = {  # greeting, reply to EHLO, reply to MAIL
    "no SMTP": (b"SSH-2.0-OpenSSH_9.2\r\n", b"", b""),
    "a code that is none": (b"999 here\r\n", b"", b""),
    "a code below all": (b"-12 here\r\n", b"", b""),
    "a refusal in Latin-1": (b"554 " + LATIN_1 + b" \x1b[2J\r\n", b"", b""),
    "a refused EHLO in Latin-1": (b"220 here\r\n", b"550 " + LATIN_1 + b"\r\n", b""),
    "a long refusal": (b"554-" + b"x" * 7_000 + b"\r\n554 end\r\n", b"", b""),
    "an endless greeting": (b"220-here\r\n" * (ENDLESS // 10), b"", b""),
    "an endless line": (b"2" * ENDLESS, b"", b""),
    "an endless EHLO": (b"220 here\r\n", b"250-here\r\n" * (ENDLESS // 10), b""),
    "a MAIL in Latin-1": (b"220 here\r\n", OFFERS, b"451 " + LATIN_1 + b"\r\n" * 3),
    "an endless MAIL": (b"220 here\r\n", OFFERS, b"250-here\r\n" * (ENDLESS // 10)),
    "an endless line for MAIL": (b"220 here\r\n", OFFERS, b"2" * ENDLESS),
    "a greeting for MAIL": (b"220 here\r\n", OFFERS, b"220 here\r\n354 go on\r\n"),
    "STARTTLS in Latin-1": (b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"454 " + LATIN_1 + b"\r\n"),
}


@asynccontextmanager
async def saying(greeting: bytes, ehlo: bytes, answer: bytes) -> AsyncIterator[int]:
    """A host that says this, whatever it is told; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(greeting)
            while line := await reader.readline():
                writer.write(ehlo if line[:4] == b"EHLO" else answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@pytest.mark.parametrize("name", SAYINGS)
async def test_its_mail_waits_and_can_be_told(name: str) -> None:
    async with saying(*SAYINGS[name]) as port:
        pool = Pool("client", Limits(pause=Bounds(60.0, 60.0)))
        for _ in range(2):  # at once, and where it is paused for that
            delivery = await pool.deliver(route(port), "b.org", transaction(), grant)
            (outcome,) = delivery.outcomes
            assert outcome.kind is Kind.DEFERRED
            outcome.reason.encode()
            assert len(outcome.reason) < 500
            assert outcome.reply is None or 200 <= outcome.reply.code < 600
            assert outcome.reply is None or len(outcome.reply.text.encode()) <= 3 * MAX_TEXT_CHARACTERS
        await pool.close()


async def test_the_node_and_the_ledger_live_and_mail_to_others_passes(tmp_path: Path) -> None:
    table = tmp_path / "routes.toml"
    async with AsyncExitStack() as stack, house(tmp_path, ROUTE__TABLE=str(table)) as fleet:
        ports = [await stack.enter_async_context(saying(*said)) for said in SAYINGS.values()]
        entries = [
            f'["h{number}.example"]\nhost = "127.0.0.1"\nport = {port}\ntls = "opportunistic"\n'
            for number, port in enumerate(ports)
        ]
        table.write_text("\n".join(entries))
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        fleet.start_node("a")
        for number in range(len(ports)):
            fleet.accept(f"r@h{number}.example", domain=f"h{number}.example")
        await fleet.until(lambda b: b["deferred"] == len(ports))
        fleet.accept("other@x.example")
        await fleet.until(lambda b: b["relayed"] == 1)
        units = [decode_unit(record) for _, record in fleet.log.fetch("mail.standard", 0, 0, 100)]
        fleet.auditor.catch_up()
        for unit in units:
            rows = await ledger.timeline(unit.message, fleet.auditor.journal_positions())
            assert len(rows) == 2, ids.to_text(unit.message)
            assert STATES[rows[1].type] == ("relayed" if unit.domain == "x.example" else "deferred")
