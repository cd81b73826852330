"""Group commit: who shares a commit, who gets which answer, and what is refused."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence

import pytest

from fastemailnet.errors import LimitExceeded, LogAppendUnknown, LogError
from fastemailnet.log import group
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.memory import MemoryLog

ONE, TWO = Token("node-a", 1), Token("node-b", 1)


class GatedLog(MemoryLog):
    """A log whose commits wait at a gate, and fail when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()
        self.commits: list[int] = []  # records in each
        self.failure: Exception | None = None

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        self.commits.append(len(records))
        self.arrived.set()
        assert self.gate.wait(10)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return super().append(stream, partition, records, token=token)


def with_group(
    use: Callable[[GatedLog, GroupCommit], Coroutine[None, None, None]], max_pending_octets: int = 1_000_000
) -> GatedLog:
    log = GatedLog()

    mishaps: list[object] = []  # in callbacks, which raise to nobody

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: mishaps.append(context))
        commit = GroupCommit(log, max_pending_octets=max_pending_octets)
        await use(log, commit)
        await asyncio.wait_for(commit.close(), 10)

    asyncio.run(run())
    assert mishaps == []
    return log


async def hold(log: GatedLog, commit: GroupCommit) -> asyncio.Task[Sequence[int] | Fenced]:
    """A commit that waits at the gate."""
    log.gate.clear()
    log.arrived.clear()
    held = asyncio.create_task(commit.append("journal", 0, [b"held"]))
    assert await asyncio.to_thread(log.arrived.wait, 10)
    return held


def test_callers_of_one_turn_share_the_first_commit() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        async def see_no_commit() -> None:
            assert not log.arrived.wait(0.05)  # holds the loop in this turn: the thread could go, and must not

        results = await asyncio.gather(
            *(commit.append("journal", 0, [b"%d" % n] * (n % 3 + 1)) for n in range(15)),
            see_no_commit(),
            *(commit.append("journal", 0, [b"%d" % n] * (n % 3 + 1)) for n in range(15, 30)),
        )
        results.remove(None)
        kept = log.fetch("journal", 0, 0, 100)
        for number, offsets in enumerate(results):
            assert isinstance(offsets, range)
            assert [kept[offset][1] for offset in offsets] == [b"%d" % number] * (number % 3 + 1)

    assert with_group(use).commits == [60]


def test_what_comes_during_a_commit_makes_the_next() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        held = await hold(log, commit)
        waiting = [asyncio.create_task(commit.append("journal", 0, [b"%d" % n])) for n in range(50)]
        await asyncio.sleep(0)
        assert not held.done()
        log.gate.set()
        assert await held == range(1)
        assert await asyncio.gather(*waiting) == [range(n + 1, n + 2) for n in range(50)]

    assert with_group(use).commits == [1, 50]


def test_partitions_do_not_wait_for_each_other() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        await hold(log, commit)
        log.arrived.clear()
        other = asyncio.create_task(commit.append("journal", 1, [b"x"]))
        assert await asyncio.to_thread(log.arrived.wait, 10)  # the second begins while the first one waits
        assert not other.done()
        log.gate.set()

    assert with_group(use).commits == [1, 1]


def test_a_failure_reaches_its_callers_and_no_others() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        held = await hold(log, commit)
        log.failure = LogAppendUnknown("disk gone")
        waiting = [asyncio.create_task(commit.append("journal", 0, [b"%d" % n])) for n in range(3)]
        await asyncio.sleep(0)
        log.gate.set()
        with pytest.raises(LogAppendUnknown, match="disk gone") as first:
            await held
        assert await asyncio.gather(*waiting) == [range(1), range(1, 2), range(2, 3)]
        log.failure = LogError("again")
        failures = await asyncio.gather(
            *(commit.append("journal", 0, [b"x"]) for _ in range(3)), return_exceptions=True
        )
        assert [str(failure) for failure in failures] == ["again"] * 3
        assert len({id(failure) for failure in failures} | {id(first.value)}) == 4

    with_group(use)


def test_tokens_of_one_commit_are_fenced_apart() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        log.fence("journal", 0, ONE, b"fence")
        tokens = [ONE, TWO, ONE, None, TWO]
        results = await asyncio.gather(*(commit.append("journal", 0, [b"x"], token) for token in tokens))
        assert results == [Fenced(0), range(1, 2), Fenced(0), range(3, 4), range(2, 3)]

    assert with_group(use).commits == [2, 2, 1]


def test_too_much_waiting_is_refused_until_it_is_committed() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        held = await hold(log, commit)  # 4 octets
        fits = asyncio.create_task(commit.append("journal", 1, [b"123456"]))
        await asyncio.sleep(0)
        with pytest.raises(LimitExceeded):
            await commit.append("journal", 0, [b"1"])
        log.gate.set()
        await asyncio.gather(held, fits)
        assert await commit.append("journal", 0, [b"1234567890"]) == range(1, 2)

    assert sorted(with_group(use, max_pending_octets=10).commits) == [1, 1, 1]


def test_a_cancelled_caller_has_appended_and_frees_its_room() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        held = await hold(log, commit)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        log.gate.set()
        assert await commit.append("journal", 0, [b"123456"]) == range(1, 2)
        assert await commit.append("journal", 0, [b"1234567890"]) == range(2, 3)

    with_group(use, max_pending_octets=10)


def test_a_commit_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "MAX_COMMIT_OCTETS", 10)

    async def use(_: GatedLog, commit: GroupCommit) -> None:
        sizes = [4, 4, 4, 30, 1]
        results = await asyncio.gather(*(commit.append("journal", 0, [b"x" * size]) for size in sizes))
        assert results == [range(n, n + 1) for n in range(5)]

    assert with_group(use).commits == [2, 1, 1, 1]


def test_closing_commits_what_waits_and_refuses_the_rest() -> None:
    async def use(log: GatedLog, commit: GroupCommit) -> None:
        held = await hold(log, commit)
        waiting = asyncio.create_task(commit.append("journal", 0, [b"waits"]))
        await asyncio.sleep(0)
        closing = asyncio.create_task(commit.close())
        await asyncio.sleep(0)
        with pytest.raises(LogError):
            await commit.append("journal", 0, [b"late"])
        log.gate.set()
        await closing
        assert held.result() == range(1)
        assert waiting.result() == range(1, 2)
        assert not [line for line in commit._lines.values() if line.thread.is_alive()]
        await commit.close()

    with_group(use)
