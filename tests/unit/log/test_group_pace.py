"""Paced lines of the group commit: what is urgent does not wait for what is not."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from fastemailnet.log import group as group_module
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.memory import MemoryLog

LONG_S = 3_600.0  # a pace that no test waits out


class Noting(MemoryLog):
    """Notes what was appended together."""

    def __init__(self) -> None:
        super().__init__()
        self.together: list[list[bytes]] = []

    def append(self, stream: str, partition: int, records: Sequence[bytes], **more: Any) -> Any:
        """See ``interface.Log.append``."""
        self.together.append(list(records))
        return super().append(stream, partition, records, **more)


def test_what_is_not_urgent_goes_along_with_what_is() -> None:
    log = Noting()

    async def scenario() -> None:
        group = GroupCommit(log, max_pending_octets=10_000, pace_s=LONG_S)
        fact = asyncio.create_task(group.append("journal", 0, [b"fact"], is_urgent=False))
        await asyncio.sleep(0)
        permission = await group.append("journal", 0, [b"permission"])
        assert (await fact, permission) == (range(1), range(1, 2))

    asyncio.run(scenario())
    assert log.together == [[b"fact", b"permission"]]


def test_a_caller_alone_never_waits() -> None:
    log = Noting()

    async def scenario() -> None:
        group = GroupCommit(log, max_pending_octets=10_000, pace_s=LONG_S)
        for number in range(3):
            assert await group.append("journal", 0, [b"permission"]) == range(number, number + 1)

    asyncio.run(scenario())
    assert log.together == [[b"permission"]] * 3


def test_behind_a_shared_commit_a_line_waits_for_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Noting()
    slept: list[float] = []
    waits, tick = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        if seconds > 0:
            slept.append(seconds)
            waits.set()
            assert tick.wait(10)

    monkeypatch.setattr(group_module, "monotonic", lambda: 100.25)
    monkeypatch.setattr(group_module, "sleep", sleep)

    async def scenario() -> None:
        group = GroupCommit(log, max_pending_octets=10_000, pace_s=1.0)
        await asyncio.gather(*(group.append("journal", 0, [b"shared"]) for _ in range(3)))
        first = asyncio.create_task(group.append("journal", 0, [b"next"]))
        assert await asyncio.to_thread(waits.wait, 10)
        second = asyncio.create_task(group.append("journal", 0, [b"company"]))
        await asyncio.sleep(0)
        tick.set()
        await asyncio.gather(first, second)

    asyncio.run(scenario())
    assert log.together == [[b"shared"] * 3, [b"next", b"company"]]
    assert slept == [0.75]


def test_what_is_not_urgent_goes_alone_once_the_pace_has_passed() -> None:
    async def scenario() -> None:
        group = GroupCommit(log := Noting(), max_pending_octets=10_000, pace_s=0.001)
        assert await group.append("journal", 0, [b"fact"], is_urgent=False) == range(1)
        assert log.together == [[b"fact"]]
        await group.close()

    asyncio.run(scenario())
