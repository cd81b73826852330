"""The capture inbox on real sockets: durable before the reply, faults on demand, duplicates counted."""

import asyncio
import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.inbox import Inbox
from actors.sandbox_faults import Faults
from fastemailnet.config import SandboxSection
from fastemailnet.errors import FleetError

RAW = (
    b"X-FEN-Message: 01HF7YAT00ABCDEFGHJKMNPQRS\r\nFrom: a@shop.example\r\nMessage-ID: <m@shop.example>\r\n\r\nbody\r\n"
)
ROOT = Path(__file__).parents[2]
BROKEN = "the connection ended"


@asynccontextmanager
async def running(directory: Path, faults: Faults | None = None, **section: Any) -> AsyncIterator[tuple[Inbox, int]]:
    inbox = Inbox(SandboxSection(smtp_port=0, **section), directory, faults)
    port = await inbox.start()
    try:
        yield inbox, port
    finally:
        await inbox.close()


def deliver(port: int, to: Sequence[str], raw: bytes = RAW) -> list[str]:
    """The refusals of recipients, then the reply to the message."""
    said = []
    try:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.ehlo()
            smtp.mail("a@shop.example")
            for recipient in to:
                code, text = smtp.rcpt(recipient)
                if code != 250:
                    said.append(f"{code} {text.decode()}")
            code, text = smtp.data(raw)
            said.append(f"{code} {text.decode()}")
    except smtplib.SMTPDataError as error:
        said.append(f"{error.smtp_code} {bytes(error.smtp_error).decode()}")
    except smtplib.SMTPServerDisconnected:
        said.append(BROKEN)
    return said


def arrivals(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "received.jsonl").read_text().splitlines()]


async def test_a_message_is_a_line_with_what_identifies_it(tmp_path: Path):
    async with running(tmp_path, store_bodies=True) as (inbox, port):
        said = await asyncio.to_thread(deliver, port, ["x@one.example", "y@one.example"])
        assert said == ["250 2.0.0 Ok: captured"]
        (line,) = arrivals(tmp_path)
        assert line["message"] == "01HF7YAT00ABCDEFGHJKMNPQRS"
        assert (line["sender"], line["recipients"]) == ("a@shop.example", ["x@one.example", "y@one.example"])
        assert (line["message_id"], line["octets"], line["peer"]) == ("<m@shop.example>", len(RAW), "127.0.0.1")
        (body,) = (tmp_path / "bodies").iterdir()
        assert body.read_bytes() == RAW
        assert inbox.status() == {"messages": 1, "deliveries": 2, "duplicates": 0}


async def test_a_second_copy_is_a_duplicate_for_its_recipient_only(tmp_path: Path):
    async with running(tmp_path) as (inbox, port):
        for to in (["x@one.example"], ["y@one.example"], ["x@one.example", "z@one.example"]):
            await asyncio.to_thread(deliver, port, to)
        await asyncio.to_thread(deliver, port, ["x@one.example"], RAW.replace(b"RS", b"RT"))
        assert inbox.status() == {"messages": 4, "deliveries": 5, "duplicates": 1}


async def test_a_message_without_our_field_is_known_by_its_message_id(tmp_path: Path):
    async with running(tmp_path) as (_, port):
        await asyncio.to_thread(deliver, port, ["x@one.example"], RAW.partition(b"\r\n")[2])
    assert arrivals(tmp_path)[0]["message"] == "<m@shop.example>"


@pytest.mark.parametrize(
    ("recipient", "said"),
    [
        ("bounce@one.example", "550 5.1.1"),
        ("Full+tag@one.example", "552 5.2.2"),
        ("defer@one.example", "451 4.7.1"),
        ("busy@one.example", "452 4.2.2"),
    ],
)
async def test_a_recipient_that_asks_for_it_is_refused_and_the_others_are_not(
    tmp_path: Path, recipient: str, said: str
):
    async with running(tmp_path) as (_, port):
        refusal, reply = await asyncio.to_thread(deliver, port, [recipient, "x@one.example"])
        assert refusal.startswith(said)
        assert reply.startswith("250")
        assert arrivals(tmp_path)[0]["recipients"] == ["x@one.example"]


@pytest.mark.parametrize(
    ("recipient", "said"), [("reject@one.example", "554 5.7.1"), ("later@one.example", "451 4.3.0")]
)
async def test_a_message_can_be_refused_after_its_end_and_is_not_kept(tmp_path: Path, recipient: str, said: str):
    async with running(tmp_path) as (_, port):
        (reply,) = await asyncio.to_thread(deliver, port, [recipient])
        assert reply.startswith(said)
    assert arrivals(tmp_path) == []


async def test_a_connection_that_breaks_before_keeping_and_one_after_look_the_same_to_the_sender(tmp_path: Path):
    async with running(tmp_path / "before", Faults(break_before=1.0)) as (_, port):
        assert await asyncio.to_thread(deliver, port, ["x@one.example"]) == [BROKEN]
    async with running(tmp_path / "after", Faults(break_after=1.0)) as (_, port):
        assert await asyncio.to_thread(deliver, port, ["x@one.example"]) == [BROKEN]
    assert (len(arrivals(tmp_path / "before")), len(arrivals(tmp_path / "after"))) == (0, 1)


async def test_the_same_seed_breaks_the_same_messages(tmp_path: Path):
    async def run(name: str) -> list[str]:
        async with running(tmp_path / name, Faults(break_before=0.3, break_after=0.3, seed=7)) as (_, port):
            return [(await asyncio.to_thread(deliver, port, ["x@one.example"]))[0] for _ in range(12)]

    first = await run("a")
    assert first == await run("b")
    assert len(set(first)) == 2


async def test_the_reply_can_be_late(tmp_path: Path):
    async with running(tmp_path, Faults(delay_ms=150)) as (_, port):
        began = asyncio.get_running_loop().time()
        await asyncio.to_thread(deliver, port, ["x@one.example"])
        assert asyncio.get_running_loop().time() - began > 0.15


async def test_a_line_that_a_crash_cut_short_is_cut_off(tmp_path: Path):
    (tmp_path / "received.jsonl").write_text('{"message":"whole"}\n{"message":"' + "cut short" * 200)
    async with running(tmp_path) as (_, port):
        await asyncio.to_thread(deliver, port, ["x@one.example"])
    assert [line["message"] for line in arrivals(tmp_path)] == ["whole", "01HF7YAT00ABCDEFGHJKMNPQRS"]


async def test_a_line_is_on_the_disk_when_its_message_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    sync = os.fdatasync

    def watched(file: int) -> None:
        sync(file)
        sizes.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fdatasync", watched)
    async with running(tmp_path) as (_, port):
        await asyncio.to_thread(deliver, port, ["x@one.example"])
        assert sizes == [(tmp_path / "received.jsonl").stat().st_size]


async def test_a_file_that_cannot_be_written_is_451_and_half_a_line_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = os.pwrite

    def full(file: int, octets: bytes, offset: int) -> int:
        if offset == 0:
            return write(file, octets[:20], offset)
        raise OSError(28, "No space left on device")

    async with running(tmp_path) as (inbox, port):
        monkeypatch.setattr(os, "pwrite", full)
        (reply,) = await asyncio.to_thread(deliver, port, ["x@one.example"])
        assert reply.startswith("451 4.3.0")
        assert arrivals(tmp_path) == []
        monkeypatch.undo()
        assert (await asyncio.to_thread(deliver, port, ["x@one.example"]))[0].startswith("250")
        assert inbox.status()["messages"] == 1
    assert len(arrivals(tmp_path)) == 1


async def test_a_taken_port_is_named(tmp_path: Path):
    async with running(tmp_path) as (_, port):
        with pytest.raises(FleetError, match=f"cannot listen on 127.0.0.1 port {port}"):
            await Inbox(SandboxSection(smtp_port=port), tmp_path / "b").start()


def test_it_runs_as_a_process_and_what_was_answered_survives_its_death(tmp_path: Path):
    command = [sys.executable, "-m", "actors.inbox", "--port", "0", "--directory", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        for _ in range(5):
            assert deliver(port, ["x@one.example"])[0].startswith("250")
        process.kill()
    assert len(arrivals(tmp_path)) == 5
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        deliver(port, ["x@one.example", "y@one.example"])
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readline()) == {"messages": 1, "deliveries": 2, "duplicates": 0}
        assert process.wait(10) == 0
    assert len(arrivals(tmp_path)) == 6
