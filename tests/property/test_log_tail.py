"""Whatever is appended and trimmed while a follower reads, it gets each kept record once and in order."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.log.memory import MemoryLog
from fastemailnet.log.tail import Tail

appends = st.integers(1, 40)
reads = st.integers(-12, -1)  # of up to that many
trims = st.just(0)  # of what was read


@settings(deadline=None)
@given(st.lists(st.one_of(appends, reads, trims), max_size=40), st.integers(0, 9))
def test_each_record_comes_once_and_in_order(steps: list[int], start: int) -> None:
    async def run() -> None:
        log = MemoryLog()
        follower = Tail(log, "journal", 0, start)
        seen: list[int] = []
        for step in steps:
            if step > 0:
                log.append(
                    "journal", 0, [b"%d" % n for n in range(log.end("journal", 0), log.end("journal", 0) + step)]
                )
            elif step == 0:
                log.trim("journal", 0, follower.position)
            elif log.end("journal", 0) > follower.position:
                records = await follower.next(-step)
                assert 1 <= len(records) <= -step
                assert all(record == b"%d" % offset for offset, record in records)
                seen.extend(offset for offset, _ in records)
        assert seen == list(range(start, follower.position))

    asyncio.run(run())
