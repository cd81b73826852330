"""Idempotent submission: one key is one message, also at the same moment and over a restart."""

import asyncio
import shutil
import smtplib
from pathlib import Path

import pytest

from actors import submissions
from fastemailnet.admission.replay import Keys
from fastemailnet.envelope import Lane
from fastemailnet.errors import IdempotencyConflict
from tests.integration.gateway_world import embedded

RAW = b"From: a@shop.example\r\nTo: x@one.example, y@two.example\r\nSubject: s\r\n\r\nbody\r\n"
OTHER = RAW.replace(b"body", b"changed")


async def test_a_repeat_is_answered_with_the_first_ids_and_other_content_is_refused(tmp_path: Path):
    async with embedded(tmp_path) as world, world.client() as client:
        first = await client.send(RAW, idempotency_key="order-7")
        again = await client.send(RAW, idempotency_key="order-7")
        assert (first.replayed, again.replayed) == (False, True)
        assert again.id == first.id
        with pytest.raises(IdempotencyConflict) as refused:
            await client.send(OTHER, idempotency_key="order-7")
        assert refused.value.args == ("order-7", first.id)
        assert (await client.send(RAW, idempotency_key="order-8")).id != first.id
        assert len(world.reader.units()) == 4


async def test_the_same_key_at_the_same_moment_is_one_message(tmp_path: Path):
    async with embedded(tmp_path) as world, world.client() as client:
        answers = await asyncio.gather(*(client.send(RAW, idempotency_key="order-7") for _ in range(30)))
        assert len({answer.id for answer in answers}) == 1
        assert sum(not answer.replayed for answer in answers) == 1
        assert len(world.reader.units()) == 2


async def test_the_key_is_known_after_a_restart(tmp_path: Path):
    async with embedded(tmp_path) as world, world.client() as client:
        first = await client.send(RAW, idempotency_key="order-7", lane="bulk")
    async with embedded(tmp_path) as world, world.client() as client:
        again = await client.send(RAW, idempotency_key="order-7", lane="bulk")
        assert (again.id, again.units, again.replayed) == (first.id, 2, True)
        with pytest.raises(IdempotencyConflict):
            await client.send(OTHER, idempotency_key="order-7", lane="bulk")
        assert len(world.reader.units()) == 2


async def test_a_key_in_the_message_counts_for_smtp(tmp_path: Path):
    async with embedded(tmp_path) as world:

        def send(raw: bytes) -> tuple[int, bytes]:
            with smtplib.SMTP("127.0.0.1", world.smtp_port) as smtp:
                smtp.ehlo()
                smtp.mail("a@shop.example")
                smtp.rcpt("x@one.example")
                return smtp.data(b"X-FEN-Idempotency-Key: order-7\r\n" + raw)

        first = await asyncio.to_thread(send, RAW)
        assert await asyncio.to_thread(send, RAW) == first
        code, text = await asyncio.to_thread(send, OTHER)
        assert code == 554
        assert b"order-7" in text
        assert len(world.reader.units()) == 1


async def test_a_refused_message_does_not_use_up_its_key(tmp_path: Path):
    async with embedded(tmp_path) as world, world.client() as client:
        with pytest.raises(Exception, match="no From field"):
            await client.send(RAW.replace(b"From", b"Form"), "a@shop.example", ["x@one.example"], None, "order-7")
        assert not (await client.send(RAW, idempotency_key="order-7")).replayed


@pytest.mark.parametrize("lost", [False, True], ids=["with its key file", "without"])
async def test_no_number_of_later_keys_makes_it_forget_one(
    tmp_path: Path, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "Keys", lambda: Keys(max_keys=5))
    async with embedded(tmp_path) as world, world.client() as client:
        first = [await client.send(RAW, idempotency_key=f"order-{number}") for number in range(20)]
        again = [await client.send(RAW, idempotency_key=f"order-{number}") for number in range(20)]
        assert [one.id for one in again] == [one.id for one in first]
        if lost:
            shutil.rmtree(tmp_path / "gateway")
    async with embedded(tmp_path) as world, world.client() as client:
        again = [await client.send(RAW, idempotency_key=f"order-{number}") for number in range(20)]
        assert [one.id for one in again] == [one.id for one in first]
        assert len(world.reader.units()) == 40


async def test_a_restart_reads_only_what_the_key_file_does_not_have(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world, world.client() as client:
        taking = world.gateway.submissions
        for number in range(5):
            await client.send(RAW, idempotency_key=f"order-{number}")
        assert taking.keeping is not None
        await taking.keeping
        assert taking.key_file.reached() == {(Lane.STANDARD.stream, 0): 10}
        await client.send(RAW, idempotency_key="order-5")
    async with embedded(tmp_path) as world, world.client() as client:
        assert world.gateway.submissions.key_file.reached() == {(Lane.STANDARD.stream, 0): 12}
        assert (await client.send(RAW, idempotency_key="order-5")).replayed


async def test_the_file_does_not_pass_an_append_that_is_on_its_way(tmp_path: Path) -> None:
    async with embedded(tmp_path) as world, world.client() as client:
        taking = world.gateway.submissions
        await client.send(RAW, idempotency_key="order-0")
        taking.appending[b"another, slower"] = (Lane.STANDARD.stream, 0), 1
        await client.send(RAW, idempotency_key="order-1")
        assert taking.keeping is not None
        await taking.keeping
        assert taking.key_file.reached() == {(Lane.STANDARD.stream, 0): 1}
