"""Following: order, waiting, the bell, trimming, cancelling, and where a fetch runs."""

import asyncio
import threading
from time import monotonic
from typing import Any

from fastemailnet.log import tail
from fastemailnet.log.memory import MemoryLog
from fastemailnet.log.tail import Tail

NEVER_MS = 60_000


class WatchedLog(MemoryLog):
    """A log that notes its looks and the thread of each fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.fetched_by: list[str] = []

    def end(self, stream: str, partition: int) -> int:
        self.looks += 1
        return super().end(stream, partition)

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        self.fetched_by.append(threading.current_thread().name)
        return super().fetch(stream, partition, start, count, max_octets)


async def settle_idle(pulse_owner: Tail) -> asyncio.Task[object]:
    """A ``next`` whose waits have grown to the longest."""
    waiting: asyncio.Task[object] = asyncio.create_task(pulse_owner.next(10))
    pulse = pulse_owner._pulse
    while pulse._wait_ms < NEVER_MS:
        pulse._looks = tail.HOT_LOOKS  # as if it had looked that often
        pulse._wait_ms = NEVER_MS
        await asyncio.sleep(0.01)
    return waiting


def test_records_come_in_order_and_the_position_follows() -> None:
    async def run() -> None:
        log = MemoryLog()
        log.append("journal", 0, [b"%d" % n for n in range(10)])
        follower = Tail(log, "journal", 0, 2)
        assert follower.position == 2
        assert await follower.next(5) == [(n, b"%d" % n) for n in range(2, 7)]
        assert follower.position == 7
        assert await follower.next(5) == [(n, b"%d" % n) for n in range(7, 10)]
        assert follower.position == 10

    asyncio.run(run())


def test_it_waits_for_an_append_of_another_thread() -> None:
    async def run() -> None:
        log = MemoryLog()
        waiting = asyncio.create_task(Tail(log, "journal", 0, 0).next(5))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await asyncio.to_thread(log.append, "journal", 0, [b"x"])
        assert await asyncio.wait_for(waiting, 5) == [(0, b"x")]

    asyncio.run(run())


def test_the_bell_ends_a_long_wait() -> None:
    async def run() -> None:
        log = MemoryLog()
        follower = Tail(log, "journal", 0, 0, idle_max_ms=NEVER_MS)
        waiting = await settle_idle(follower)
        log.append("journal", 0, [b"x"])
        started = monotonic()
        follower.ring()
        assert await asyncio.wait_for(waiting, 5) == [(0, b"x")]
        assert monotonic() - started < 1

    asyncio.run(run())


def test_a_bell_with_nobody_waiting_shortens_the_next_wait() -> None:
    async def run() -> None:
        log = MemoryLog()
        follower = Tail(log, "journal", 0, 0, idle_max_ms=NEVER_MS)
        (await settle_idle(follower)).cancel()
        await asyncio.sleep(0)
        follower.ring()
        waiting = asyncio.create_task(follower.next(1))
        await asyncio.sleep(0)  # it looked in vain
        log.append("journal", 0, [b"x"])
        assert await asyncio.wait_for(waiting, 5) == [(0, b"x")]

    asyncio.run(run())


def test_a_quiet_partition_is_looked_at_seldom() -> None:
    """By the waits that the follower asks for, each of which is over at once here: no machine is too busy for that."""
    asked_ms: list[float] = []

    async def run() -> int:
        log, loop, enough = WatchedLog(), asyncio.get_running_loop(), asyncio.Event()
        wait = loop.call_later

        def at_once(delay_s: float, *call: Any) -> asyncio.TimerHandle:
            asked_ms.append(round(delay_s * 1_000))
            if len(asked_ms) == tail.HOT_LOOKS + 20:
                enough.set()
            return wait(0, *call)

        loop.call_later = at_once  # type: ignore[assignment]
        waiting = asyncio.create_task(Tail(log, "journal", 0, 0, idle_max_ms=50).next(1))
        await enough.wait()
        waiting.cancel()
        return log.looks

    assert asyncio.run(run()) == len(asked_ms)  # one look before each wait
    assert set(asked_ms[: tail.HOT_LOOKS]) == {tail.HOT_MS}
    assert asked_ms[tail.HOT_LOOKS :] == [1, 2, 4, 8, 16, 32, *[50] * 14]


def test_trimmed_records_are_skipped() -> None:
    async def run() -> None:
        log = MemoryLog()
        log.append("journal", 0, [b"%d" % n for n in range(10)])
        log.trim("journal", 0, 4)
        follower = Tail(log, "journal", 0, 0)
        assert await follower.next(2) == [(4, b"4"), (5, b"5")]
        log.trim("journal", 0, 10)
        waiting = asyncio.create_task(follower.next(2))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert follower.position == 10
        log.append("journal", 0, [b"10"])
        assert await asyncio.wait_for(waiting, 5) == [(10, b"10")]

    asyncio.run(run())


def test_a_cancelled_next_loses_nothing() -> None:
    async def run() -> None:
        log = MemoryLog()
        log.append("journal", 0, [b"%d" % n for n in range(tail.INLINE_LAG_RECORDS + 10)])
        follower = Tail(log, "journal", 0, 0)
        going = asyncio.create_task(follower.next(4))
        await asyncio.sleep(0)  # it waits for the thread that fetches
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        assert follower.position == 0
        assert [offset for offset, _ in await follower.next(4)] == [0, 1, 2, 3]

    asyncio.run(run())


def test_only_large_or_distant_fetches_go_to_a_thread() -> None:
    async def fetched_by(records: list[bytes], max_records: int) -> bool:
        log = WatchedLog()
        log.append("journal", 0, records)
        follower = Tail(log, "journal", 0, 0)
        await follower.next(1)
        log.fetched_by.clear()
        await follower.next(max_records)
        return log.fetched_by == [threading.current_thread().name]

    async def run() -> None:
        assert await fetched_by([b"x" * 5_000] * 65, 64)
        assert not await fetched_by([b"x" * 50_000] * 65, 64)
        assert not await fetched_by([b"x"] * (tail.INLINE_LAG_RECORDS + 9), 4)

    asyncio.run(run())


def test_a_wrong_guess_does_not_hold_the_loop() -> None:
    async def run() -> None:
        log = MemoryLog()
        log.append("journal", 0, [b"x"] + [b"x" * (tail.INLINE_OCTETS // 2)] * 20)
        follower = Tail(log, "journal", 0, 0)
        assert len(await follower.next(1)) == 1
        assert len(await follower.next(20)) == 2
        assert len(await follower.next(20)) == 18

    asyncio.run(run())
