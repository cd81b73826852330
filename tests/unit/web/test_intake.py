"""What bodies may hold together, and who has to come again where that is too much."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fastemailnet.errors import LimitExceeded, MessageError
from fastemailnet.web import intake as module
from fastemailnet.web.intake import Intake


class Sender:
    """Sends a body in pieces, as the test says."""

    def __init__(self, intake: Intake, announced: int = 0) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.task = asyncio.create_task(self._request(intake, announced))

    async def _request(self, intake: Intake, announced: int) -> bytes | int:
        with intake.hold(announced) as held:
            body = await intake.read(held, self._chunks(), 1_000)
            await self.go_on.wait()  # it waits for the log
            return body

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (piece := await self.pieces.get()) is not None:
            yield piece

    async def send(self, *pieces: bytes | None) -> None:
        for piece in pieces:
            self.pieces.put_nowait(piece)
        for _ in range(5):
            await asyncio.sleep(0)

    async def answer(self) -> bytes | int:
        self.go_on.set()
        async with asyncio.timeout(20):
            return await self.task


async def test_who_announces_much_and_sends_little_takes_no_room_from_others() -> None:
    intake = Intake(100)
    slow, small = Sender(intake, 90), Sender(intake, 60)
    await slow.send(b"x")
    await small.send(b"y" * 60, None)
    assert await small.answer() == b"y" * 60
    await slow.send(b"x" * 89, None)
    assert await slow.answer() == b"x" * 90
    assert intake.octets == intake.whole_octets == 0


async def test_of_too_much_the_largest_that_is_coming_has_to_come_again() -> None:
    intake = Intake(100)
    large, small, last = Sender(intake), Sender(intake), Sender(intake)
    await large.send(b"l" * 60)
    await small.send(b"s" * 30)
    await last.send(b"n" * 20, None)
    with pytest.raises(LimitExceeded):
        await large.answer()
    assert intake.octets == 50
    await small.send(b"s" * 51)  # now it is the largest itself
    with pytest.raises(LimitExceeded):
        await small.answer()
    assert await last.answer() == b"n" * 20
    assert intake.octets == intake.whole_octets == 0


async def test_what_waits_for_the_log_is_refused_to_who_begins_and_is_not_sent_away() -> None:
    intake = Intake(100)
    whole = Sender(intake)
    await whole.send(b"w" * 70, None)
    with pytest.raises(LimitExceeded):
        await Sender(intake, 31).answer()
    unannounced = Sender(intake)
    await unannounced.send(b"u" * 31)
    with pytest.raises(LimitExceeded):
        await unannounced.answer()
    assert await whole.answer() == b"w" * 70
    assert intake.octets == intake.whole_octets == 0


async def test_one_alone_may_hold_any_number() -> None:
    intake = Intake(100)
    alone = Sender(intake, 900)
    await alone.send(b"a" * 900, None)
    assert await alone.answer() == b"a" * 900
    endless = Sender(intake)
    await endless.send(*[b"e" * 100] * 11)
    assert await endless.answer() == 1_100


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_S", 0.0)
    intake = Intake(100)
    with pytest.raises(MessageError, match="request body"):
        await Sender(intake, 10).answer()
    assert intake.octets == intake.whole_octets == 0
