"""Paced lines of the group commit: what is urgent does not wait for what is not."""

import asyncio
from collections.abc import Sequence
from typing import Any

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


def test_an_idle_line_commits_what_is_urgent_at_once() -> None:
    log = Noting()

    async def scenario() -> None:
        group = GroupCommit(log, max_pending_octets=10_000, pace_s=LONG_S)
        assert await group.append("journal", 0, [b"permission"]) == range(1)

    asyncio.run(scenario())
    assert log.together == [[b"permission"]]


def test_what_is_not_urgent_goes_alone_once_the_pace_has_passed() -> None:
    async def scenario() -> None:
        group = GroupCommit(log := Noting(), max_pending_octets=10_000, pace_s=0.001)
        assert await group.append("journal", 0, [b"fact"], is_urgent=False) == range(1)
        assert log.together == [[b"fact"]]
        await group.close()

    asyncio.run(scenario())
