"""Of a message that is perhaps in the log, or in part, nobody is told that it was taken; who comes again gets all of it in, once."""

import asyncio
import smtplib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actors import submissions
from actors.clock import wall_ms
from fastemailnet import ids
from fastemailnet.admission.replay import WINDOW_MS
from fastemailnet.admission.submission import Submission
from fastemailnet.envelope import LANES, Lane
from fastemailnet.errors import IdempotencyConflict, LogAppendUnknown
from fastemailnet.log.interface import Fenced
from fastemailnet.web import tries
from tests.integration.gateway_world import World, running
from tests.integration.half_log import HalfLog

TO = ("x@one.example", "y@two.example", "z@three.example")
RAW = f"From: a@shop.example\r\nTo: {', '.join(TO[:2])}\r\nSubject: s\r\n\r\nbody\r\n".encode()
TRANSACTION = "FROM:<a@shop.example> TRANSID=<7@shop.example>"


@pytest.mark.parametrize("most", [0, 1])
async def test_a_message_of_which_the_log_has_not_all_is_not_accepted_and_a_repeat_makes_it_whole(
    monkeypatch: pytest.MonkeyPatch, most: int
):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log) as world, world.client() as client:
        log.most = most
        with pytest.raises(LogAppendUnknown):
            await client.send(RAW, idempotency_key="order-7")
        accepted = await client.send(RAW, idempotency_key="order-7")
        units = world.reader.units()
        assert len(units) == len({unit.domain for unit in units}) == accepted.units == 2
        assert {ids.to_text(unit.message) for unit in units} == {accepted.id}


async def test_what_the_log_took_before_it_could_not_be_read_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log) as world, world.client() as client:
        log.most, log.is_readable = 2, False
        for _ in range(2):
            with pytest.raises(LogAppendUnknown, match="no broker answers"):
                await client.send(RAW, idempotency_key="order-7")
        log.is_readable = True
        with pytest.raises(IdempotencyConflict):
            await client.send(RAW + b"more\r\n", idempotency_key="order-7")
        first, again = [await client.send(RAW, idempotency_key="order-7") for _ in range(2)]
        assert (first.id, first.replayed) == (again.id, again.replayed) == (first.id, True)
        assert len(world.reader.units()) == 2
        assert not world.gateway.submissions.appending  # else a restart would read the log from there
        assert not world.gateway.submissions.unsettled


async def test_a_key_is_free_again_a_day_after_a_message_of_which_nobody_knows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log, began_ms = HalfLog(), wall_ms()
    async with running(log) as world, world.client() as client:
        log.most, log.is_readable = 2, False
        with pytest.raises(LogAppendUnknown, match="no broker answers"):
            await client.send(RAW, idempotency_key="order-7")
        log.is_readable = True
        monkeypatch.setattr(submissions, "wall_ms", lambda: began_ms + WINDOW_MS + 60_000)
        assert not (await client.send(RAW + b"more\r\n", idempotency_key="order-7")).replayed
        assert len(world.reader.units()) == 4


async def test_many_that_come_again_are_looked_for_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    keys = [f"order-{number}" for number in range(10)]
    async with running(log) as world, world.client() as client:
        log.is_readable = False
        for number, key in enumerate(keys):
            log.most = number % 3  # nothing of it, a part, all of it
            with pytest.raises(LogAppendUnknown):
                await client.send(RAW, idempotency_key=key)
        log.is_readable = True
        for _ in range(20):
            await client.send(RAW)
        log.read = 0
        for key in keys:
            assert (await client.send(RAW, idempotency_key=key)).units == 2
        assert log.read < 3 * 20 * 2
        assert len(world.reader.units()) == (20 + len(keys)) * 2


class Silent(HalfLog):
    """Takes what it is given, and cannot say so while it is silent."""

    is_silent = False

    def append(self, stream: str, partition: int, records: Sequence[bytes], **more: Any) -> range | Fenced:
        landed = super().append(stream, partition, records, **more)
        if self.is_silent and stream in LANES:
            raise LogAppendUnknown("the broker went away")
        return landed


async def test_many_whose_append_is_not_answered_are_looked_for_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = Silent()
    async with running(log) as world:
        log.is_silent = True
        wishes = [Submission(RAW, "a@shop.example", TO[:1], idempotency_key=f"order-{n}") for n in range(300)]
        wishes += [Submission(RAW, "a@shop.example", TO[:1]) for n in range(100)]
        taken = await asyncio.gather(*(world.gateway.submit(wish) for wish in wishes))
        assert len({one.id for one in taken}) == len(world.reader.units()) == 400
        assert log.read < 3 * 400 + 400  # of which the reader above has read each once
        assert not world.gateway.submissions.search.parts[Lane.STANDARD.stream, 0].wanted
        assert not world.gateway.submissions.unsettled


async def test_keys_are_kept_although_the_first_message_of_a_partition_is_one_of_which_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log, directory=tmp_path) as world:
        log.most, log.is_readable = 0, False
        with pytest.raises(LogAppendUnknown):
            await world.gateway.submit(Submission(RAW, "a@shop.example", TO[:1], Lane.BULK, idempotency_key="order-1"))
        log.is_readable = True
        await world.gateway.submit(Submission(RAW, "a@shop.example", TO[:1], idempotency_key="order-2"))
        assert world.gateway.submissions.keeping is not None
        await world.gateway.submissions.keeping
        assert world.gateway.submissions.key_file.reached()[Lane.STANDARD.stream, 0] == 1


async def send_transaction(world: World, raw: bytes = RAW, mail: str = TRANSACTION) -> str:
    """Hand in a message for three; the reply to its end."""

    def send() -> str:
        with smtplib.SMTP("127.0.0.1", world.smtp_port) as smtp:
            smtp.ehlo()
            assert smtp.docmd("MAIL", mail)[0] == 250
            for recipient in TO:
                assert smtp.rcpt(recipient)[0] == 250
            code, text = smtp.data(raw)
            return f"{code} {text.decode()}"

    return await asyncio.to_thread(send)


@pytest.mark.parametrize("most", [1, 2])
async def test_a_part_that_the_gateway_before_had_appended_is_made_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int
):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log, directory=tmp_path) as world:
        log.most = most
        assert (await send_transaction(world)).startswith("451 4.3.0")
    for _ in range(2):  # a second restart looks for it as well, although the first one had read to the end
        async with running(log, directory=tmp_path) as world:
            assert world.gateway.submissions.status() == {"unsettled": 1}
            assert (await send_transaction(world, RAW + b"more\r\n")).startswith("554 5.7.1")
            assert len(world.reader.units()) == most
    async with running(log, directory=tmp_path) as world:
        first, again = [await send_transaction(world) for _ in range(2)]
        units = world.reader.units()
        assert first == again == f"250 2.0.0 Ok: queued as {ids.to_text(units[0].message)}"
        assert sorted(recipient.address for unit in units for recipient in unit.recipients) == sorted(TO)
        assert len({unit.message for unit in units}) == len({unit.body for unit in units}) == 1
        assert world.gateway.submissions.status() == {}


@pytest.mark.parametrize("kept", [True, False], ids=["with its key file", "without"])
async def test_what_was_made_whole_is_known_after_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool
):
    """Its parts stand apart in the log, other mail between them."""
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log, directory=tmp_path) as world, world.client() as client:
        log.most = 1
        with pytest.raises(LogAppendUnknown):
            await client.send(RAW, idempotency_key="order-7")
        await client.send(RAW, idempotency_key="order-8")
        first = await client.send(RAW, idempotency_key="order-7")
        assert first.replayed
        if kept:
            assert world.gateway.submissions.keeping is not None
            await world.gateway.submissions.keeping
            world.gateway.submissions.key_file.put([], {(Lane.STANDARD.stream, 0): 0}, 0)  # read all of it again
    async with running(log, directory=tmp_path if kept else tmp_path / "new") as world, world.client() as client:
        assert world.gateway.submissions.status() == ({} if kept else {"unsettled": 1})
        again = await client.send(RAW, idempotency_key="order-7")
        assert (again.id, again.replayed, len(world.reader.units())) == (first.id, True, 4)
        with pytest.raises(IdempotencyConflict):
            await client.send(RAW + b"more\r\n", idempotency_key="order-7")


async def test_what_nobody_can_ask_for_again_is_not_remembered():
    log = HalfLog()
    async with running(log) as world:
        log.most = 1
        assert (await send_transaction(world, mail="FROM:<a@shop.example>")).startswith("451 4.3.0")
        assert not world.gateway.submissions.appending
        assert not world.gateway.submissions.unsettled


async def test_of_too_many_of_which_nobody_knows_the_oldest_are_forgotten_and_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    monkeypatch.setattr(submissions, "MAX_UNSETTLED", 3)
    log = HalfLog()
    async with running(log) as world, world.client() as client:
        for number in range(5):
            log.most = 2
            log.is_readable = False
            with pytest.raises(LogAppendUnknown):
                await client.send(RAW, idempotency_key=f"order-{number}")
        log.is_readable = True
        assert not world.gateway.submissions.appending
        assert world.gateway.submissions.status() == {"unsettled": 3, "forgotten": 2}
        again = [await client.send(RAW, idempotency_key=f"order-{number}") for number in range(5)]
        assert [one.replayed for one in again] == [False, False, True, True, True]
        assert world.gateway.submissions.status() == {"forgotten": 2}


async def test_the_key_file_passes_what_nobody_came_again_for_in_a_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tries, "TRIES", 1)
    log, began_ms = HalfLog(), wall_ms()
    async with running(log, directory=tmp_path) as world, world.client() as client:
        taking = world.gateway.submissions
        for key, most, at_ms in (("order-7", 1, 0), ("order-8", None, 1_000), ("order-9", None, WINDOW_MS + 60_000)):
            monkeypatch.setattr(submissions, "wall_ms", lambda passed_ms=at_ms: began_ms + passed_ms)
            log.most = most
            try:
                await client.send(RAW, idempotency_key=key)
                assert taking.keeping is not None
                await taking.keeping
            except LogAppendUnknown:
                continue
            assert taking.key_file.reached() == {(Lane.STANDARD.stream, 0): 0 if at_ms == 1_000 else 5}
