"""CHECKPOINT over real sockets: an end whose reply was lost is asked about, and nothing is kept or queued twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.capture import CaptureFile
from actors.inbox import Inbox
from actors.sandbox_faults import Faults
from actors.transactions import Transactions
from fastemailnet.config import SandboxSection
from fastemailnet.delivery.exchanger import Hop, Unroutable
from fastemailnet.envelope import Recipient
from fastemailnet.net.delivery import NO_SINGLE_PEER, Delivery
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.outcome import Kind, Outcome
from fastemailnet.smtp.classify import Fault
from fastemailnet.smtp.content import stuff
from fastemailnet.smtp.session import Transaction
from tests.integration.gateway_world import embedded
from tests.integration.smtp_world import route

RAW = b"From: a@shop.example\r\nMessage-ID: <m@shop.example>\r\n\r\n.body\r\n"
ID = "01HF7YAT00-0@node.example"
MAIL = f"MAIL FROM:<a@shop.example> TRANSID=<{ID}>\r\n".encode()
CUT = Faults(break_after=1.0)


@asynccontextmanager
async def inbox(
    directory: Path, faults: Faults | None = None, *, port: int = 0, checkpoint: bool = True
) -> AsyncIterator[tuple[Inbox, int]]:
    box = Inbox(SandboxSection(smtp_port=port), directory, faults, checkpoint=checkpoint)
    try:
        yield box, await box.start()
    finally:
        await box.close()


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "received.jsonl").read_text().splitlines()]


class Sender:
    """One attempt after the other under one id."""

    def __init__(self, port: int, *addresses: str, transid: str = ID) -> None:
        self.port, self.transid = port, transid
        self.recipients = tuple(Recipient(address, index) for index, address in enumerate(addresses or ["x@b.org"]))
        self.reaches: list[tuple[int, ...]] = []

    async def deliver(self, *reached: int) -> Delivery:
        what = Transaction("a@shop.example", self.recipients, RAW, transid=self.transid, reached=reached)
        return await Pool("node.example", Limits()).deliver(route(self.port), "b.org", what, self.release)

    async def release(self, reaches: tuple[int, ...]) -> bool:
        self.reaches.append(reaches)
        return True

    async def kinds(self, *reached: int) -> list[Kind]:
        return [outcome.kind for outcome in (await self.deliver(*reached)).outcomes]


async def test_a_message_that_was_kept_is_settled_and_not_kept_again(tmp_path: Path) -> None:
    async with inbox(tmp_path, CUT) as (box, port):
        sender = Sender(port)
        assert await sender.kinds() == [Kind.IN_DOUBT]
        assert await sender.kinds(0) == [Kind.RELAYED]
        assert sender.reaches == [(0,), (0,)]
        assert box.status() == {"messages": 1, "deliveries": 1, "duplicates": 0}
    (line,) = lines(tmp_path)
    assert (line["transid"], line["octets"]) == (ID, len(RAW))


async def test_it_is_settled_over_a_restart_too(tmp_path: Path) -> None:
    async with inbox(tmp_path, CUT) as (_, port):
        assert await Sender(port).kinds() == [Kind.IN_DOUBT]
    async with inbox(tmp_path) as (_, port):
        assert await Sender(port).kinds(0) == [Kind.RELAYED]
        assert await Sender(port, transid="other@node.example").kinds() == [Kind.RELAYED]
    assert len(lines(tmp_path)) == 2


async def test_whom_the_end_did_not_reach_waits(tmp_path: Path) -> None:
    async with inbox(tmp_path, CUT) as (_, port):
        sender = Sender(port, "x@b.org", "defer@b.org", "y@b.org")
        assert await sender.kinds() == [Kind.IN_DOUBT, Kind.DEFERRED, Kind.IN_DOUBT]
        assert sender.reaches == [(0, 2)]
        assert await sender.kinds(0, 2) == [Kind.RELAYED, Kind.DEFERRED, Kind.RELAYED]
    assert [line["recipients"] for line in lines(tmp_path)] == [["x@b.org", "y@b.org"]]


async def test_a_message_that_was_not_kept_is_delivered_once(tmp_path: Path) -> None:
    async with inbox(tmp_path, Faults(break_before=1.0)) as (_, port):
        assert await Sender(port).kinds() == [Kind.IN_DOUBT]
    async with inbox(tmp_path) as (_, port):
        assert await Sender(port).kinds(0) == [Kind.RELAYED]
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize(("address", "kind"), [("reject@b.org", Kind.BOUNCED), ("later@b.org", Kind.DEFERRED)])
async def test_a_refusal_at_the_end_is_not_remembered(tmp_path: Path, address: str, kind: Kind) -> None:
    async with inbox(tmp_path) as (box, port):
        assert await Sender(port, address).kinds() == [kind]
        assert box.transactions is not None
        assert await box.transactions.find(ID) is None
        assert await Sender(port).kinds() == [Kind.RELAYED]


async def test_a_peer_without_checkpoint_is_not_sent_what_another_end_may_have_reached(tmp_path: Path) -> None:
    async with inbox(tmp_path, checkpoint=False) as (_, port):
        sender = Sender(port)
        (outcome,) = (await sender.deliver(0)).outcomes
        assert outcome.kind is Kind.DEFERRED
        assert "does not offer CHECKPOINT now" in outcome.reason
        assert sender.reaches == []
        assert await sender.kinds() == [Kind.RELAYED]
        assert sender.reaches == [()]
    assert "transid" not in lines(tmp_path)[0]


async def test_several_mail_exchangers_are_told_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(pool: Pool, to: Any, domain: str) -> list[Any]:
        return [Hop(to.fixed_target(), ("127.0.0.1",))] * 2

    monkeypatch.setattr(Pool, "_hops", two)
    async with inbox(tmp_path) as (_, port):
        sender = Sender(port)
        assert (await sender.deliver(0)).outcomes == [Outcome(0, Kind.DEFERRED, NO_SINGLE_PEER)]
        assert await sender.kinds() == [Kind.RELAYED]
        assert sender.reaches == [()]
    assert "transid" not in lines(tmp_path)[0]


async def test_a_domain_that_is_gone_bounces_nobody_whom_an_end_may_have_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(pool: Pool, to: Any, domain: str) -> Unroutable:
        return Unroutable(Fault.NO_DOMAIN, "no such domain")

    monkeypatch.setattr(Pool, "_hops", gone)
    assert await Sender(0).kinds(0) == [Kind.DEFERRED]
    assert await Sender(0).kinds() == [Kind.BOUNCED]


# ---- one id in two sessions


class Talk:
    """A session by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def with_server(cls, port: int) -> "Talk":
        talk = cls(*await asyncio.open_connection("127.0.0.1", port))
        await talk.reply()
        assert "CHECKPOINT" in await talk.say(b"EHLO c\r\n")
        return talk

    async def say(self, octets: bytes) -> str:
        self.writer.write(octets)
        return await self.reply()

    async def reply(self) -> str:
        said = ""
        while line := (await self.reader.readline()).decode():
            said += line
            if line[3] == " ":
                break
        return said

    async def until_the_end(self, raw: bytes = RAW, to: str = "x@b.org") -> None:
        assert (await self.say(MAIL)).startswith("250")
        assert (await self.say(f"RCPT TO:<{to}>\r\n".encode())).startswith("250")
        assert (await self.say(b"DATA\r\n")).startswith("354")
        self.writer.write(stuff(raw))

    async def end(self) -> str:
        return await self.say(b".\r\n")


async def test_two_sessions_that_end_one_transaction_keep_one_message(tmp_path: Path) -> None:
    async with inbox(tmp_path) as (_, port):
        talks = [await Talk.with_server(port) for _ in range(3)]
        for talk in talks:
            await talk.until_the_end()
        said = await asyncio.gather(*(talk.end() for talk in talks))
        assert set(said) == {"250 2.0.0 Ok: captured\r\n"}
        late = await Talk.with_server(port)
        assert await late.say(MAIL) == f"355 {len(RAW)} is the transaction offset\r\n"
    assert len(lines(tmp_path)) == 1


async def test_an_end_for_others_is_kept_for_them_only(tmp_path: Path) -> None:
    async with inbox(tmp_path) as (_, port):
        first, second = await Talk.with_server(port), await Talk.with_server(port)
        await first.until_the_end(to="x@b.org")
        await second.until_the_end(to="y@b.org")
        assert (await first.end()).startswith("250")
        assert (await second.end()).startswith("250")
    assert [line["recipients"] for line in lines(tmp_path)] == [["x@b.org"], ["y@b.org"]]


async def test_who_asks_while_the_message_is_being_written_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes, append = asyncio.Event(), CaptureFile.append

    async def slow(file: CaptureFile, *arrival: Any) -> None:
        await writes.wait()
        await append(file, *arrival)

    monkeypatch.setattr(CaptureFile, "append", slow)
    async with inbox(tmp_path) as (_, port):
        first, second = await Talk.with_server(port), await Talk.with_server(port)
        await first.until_the_end()
        ending = asyncio.create_task(first.end())
        await asyncio.sleep(0.05)
        asking = asyncio.create_task(second.say(MAIL))
        await asyncio.sleep(0.05)
        assert not asking.done()
        writes.set()
        assert (await asking).startswith("355")
        assert (await ending).startswith("250")


async def test_only_the_newest_are_remembered(tmp_path: Path) -> None:
    known = Transactions(max_known=2)
    path = tmp_path / "received.jsonl"
    made = [{"transid": name, "octets": 1, "recipients": ["x"]} for name in ("a@h", "b@h", "a@h", "c@h")]
    path.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in made) + '{"transid":7}\n{}\n')
    known.recall(path)
    assert [await known.find(name) is not None for name in ("a@h", "b@h", "c@h")] == [True, False, True]


# ---- the gateway


async def submit(port: int, raw: bytes = RAW) -> str:
    """The reply to a message that is sent under the one id."""
    talk = await Talk.with_server(port)
    await talk.until_the_end(raw)
    return await talk.end()


async def test_what_the_gateway_queued_is_not_queued_again(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world:
        talk = await Talk.with_server(world.smtp_port)
        await talk.until_the_end()
        talk.writer.write(b".\r\n")
        talk.writer.close()  # behind the end, and before its reply
        deadline = asyncio.get_running_loop().time() + 10.0
        while not world.reader.units():
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        assert len(world.reader.units()) == 1
        said = await submit(world.smtp_port)
        assert said.startswith("250 2.0.0 Ok: queued as ")
        assert (await submit(world.smtp_port, RAW + b"more\r\n")).startswith("554 5.7.1")
        (unit,) = world.reader.units()
        assert unit.idempotency_key == f"transid:<{ID}>"
    async with embedded(tmp_path) as world:
        assert await submit(world.smtp_port) == said
        assert len(world.reader.units()) == 1


async def test_at_the_same_moment_the_gateway_queues_one(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world:
        said = await asyncio.gather(*(submit(world.smtp_port) for _ in range(8)))
        assert len(set(said)) == 1
        assert len(world.reader.units()) == 1


async def test_a_key_in_the_message_goes_before_the_transaction_id(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world:
        await submit(world.smtp_port, b"X-FEN-Idempotency-Key: order-7\r\n" + RAW)
        assert [unit.idempotency_key for unit in world.reader.units()] == ["order-7"]


async def test_our_client_settles_a_doubt_with_our_gateway(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world:
        sender = Sender(world.smtp_port)
        assert await sender.kinds() == [Kind.RELAYED]
        assert await sender.kinds(0) == [Kind.RELAYED]
        assert sender.reaches == [(0,), (0,)]
        assert len(world.reader.units()) == 1
