"""What every back end of the log must give (``fastemailnet.log.interface``). A new one joins ``BACK_ENDS``."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastemailnet.errors import LogError
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Fenced, Log, Token
from fastemailnet.log.kafka import KafkaLog
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_topics import Topic, ensure
from fastemailnet.log.memory import MemoryLog
from fastemailnet.log.partition_file import TRIM_STEP_RECORDS

BACK_ENDS = ("memory", "embedded", "kafka")
TOPICS = [Topic("journal", 4), Topic("mail.bulk", 12), Topic("mail.standard", 8)]
PATIENCE_S = 30
NODE = Token("node-a", 1)


@pytest.fixture(params=BACK_ENDS)
def log(request: pytest.FixtureRequest, tmp_path: Path, prefix: str) -> Iterator[Log]:
    opened: Log
    match request.param:
        case "memory":
            opened = MemoryLog()
        case "embedded":
            opened = EmbeddedLog(tmp_path / "log")
        case _:
            cluster = Cluster((request.getfixturevalue("bootstrap"),), prefix)
            ensure(cluster, TOPICS, unsafe=True)
            opened = KafkaLog(cluster)
    yield opened
    opened.close()


def numbered(first: int, count: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def appended(result: Sequence[int] | Fenced) -> range:
    assert isinstance(result, range)
    return result


def everything(log: Log, stream: str, partition: int, start: int = 0) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while batch := log.fetch(stream, partition, start, 1_000):
        found += batch
        start = batch[-1][0] + 1
    return found


def test_offsets_count_from_zero_without_gaps(log: Log) -> None:
    assert log.append("journal", 3, numbered(0, 3)) == range(3)
    assert log.append("journal", 3, numbered(3, 1)) == range(3, 4)
    assert log.append("journal", 3, numbered(4, 70)) == range(4, 74)
    assert log.end("journal", 3) == 74
    assert log.begin("journal", 3) == 0
    assert everything(log, "journal", 3) == list(enumerate(numbered(0, 74)))


def test_what_does_not_exist_is_empty_and_stays_away(log: Log) -> None:
    assert (log.end("journal", 0), log.begin("journal", 0)) == (0, 0)
    assert log.fetch("journal", 0, 0, 10) == []
    log.trim("journal", 0, 5)
    assert log.partitions("journal") == []


def test_partitions_are_apart_and_listed_in_order(log: Log) -> None:
    for partition in (11, 2, 0):
        log.append("mail.bulk", partition, [b"%d" % partition])
    log.append("mail.standard", 7, [b"other stream"])
    assert log.partitions("mail.bulk") == [0, 2, 11]
    assert [log.fetch("mail.bulk", partition, 0, 9) for partition in (0, 2, 11)] == [
        [(0, b"0")],
        [(0, b"2")],
        [(0, b"11")],
    ]


def test_records_keep_every_octet(log: Log) -> None:
    records = [b"", bytes(range(256)), b"\0" * 100_000, "ü".encode(), b"1", b"'\";--", b""]
    log.append("mail.bulk", 0, records)
    assert [record for _, record in everything(log, "mail.bulk", 0)] == records


def test_one_empty_record_is_a_record(log: Log) -> None:
    assert log.append("journal", 0, [b""]) == range(1)
    assert log.fetch("journal", 0, 0, 9) == [(0, b"")]


def test_appending_nothing_says_where_the_end_is(log: Log) -> None:
    log.append("journal", 0, numbered(0, 2))
    assert log.append("journal", 0, []) == range(2, 2)
    log.fence("journal", 0, NODE, b"fence")
    assert log.append("journal", 0, [], token=NODE) == Fenced(2)


def test_fetch_starts_anywhere_and_keeps_its_limits(log: Log) -> None:
    log.append("mail.bulk", 0, [b"x" * 100] * 10)
    offsets = [
        [offset for offset, _ in log.fetch("mail.bulk", 0, *limits)]
        for limits in [(4, 3), (8, 9), (10, 9), (50, 9), (0, 9, 350), (0, 9, 300), (2, 9, 1)]
    ]
    assert offsets == [[4, 5, 6], [8, 9], [], [], [0, 1, 2], [0, 1, 2], [2]]


def test_a_fence_ends_its_token_there_and_nothing_else(log: Log) -> None:
    appended(log.append("journal", 0, [b"a"], token=NODE))
    assert log.fence("journal", 0, NODE, b"fence") == 1
    assert log.append("journal", 0, [b"late"], token=NODE) == Fenced(1)
    assert appended(log.append("journal", 0, [b"next life"], token=Token("node-a", 2)))
    assert appended(log.append("journal", 0, [b"other node"], token=Token("node-b", 1)))
    assert appended(log.append("journal", 0, [b"no token"]))
    assert appended(log.append("journal", 1, [b"other partition"], token=NODE))
    assert b"late" not in [record for _, record in log.fetch("journal", 0, 0, 2)]


def test_a_second_fence_is_one_more_record(log: Log) -> None:
    assert log.fence("journal", 0, NODE, b"first") == 0
    assert log.fence("journal", 0, NODE, b"second") == 1
    assert log.append("journal", 0, [b"late"], token=NODE) == Fenced(0)
    assert log.fetch("journal", 0, 0, 2) == [(0, b"first"), (1, b"second")]


def test_trimming_forgets_records_and_moves_no_offset(log: Log) -> None:
    count = 2 * TRIM_STEP_RECORDS + 50
    log.append("journal", 0, numbered(0, count))
    log.append("journal", 0, [b"one more"])
    log.trim("journal", 0, count - 5)
    assert (log.begin("journal", 0), log.end("journal", 0)) == (count - 5, count + 1)
    assert log.fetch("journal", 0, 0, 2) == list(enumerate(numbered(count - 5, 2), count - 5))
    log.trim("journal", 0, 3)
    assert log.begin("journal", 0) == count - 5
    log.trim("journal", 0, count + 1_000)
    assert (log.begin("journal", 0), log.end("journal", 0)) == (count + 1, count + 1)
    assert log.fetch("journal", 0, 0, 2) == []
    assert log.append("journal", 0, [b"on"]) == range(count + 1, count + 2)
    assert log.fetch("journal", 0, 0, 2) == [(count + 1, b"on")]


def test_a_right_does_not_come_back_when_its_fence_is_trimmed(log: Log) -> None:
    log.fence("journal", 0, NODE, b"fence")
    log.append("journal", 0, [b"on"])
    log.trim("journal", 0, 1)
    if isinstance(log, KafkaLog):  # who reads back cannot know any more
        with pytest.raises(LogError, match="fenced"):
            log.append("journal", 0, [b"late"], token=NODE)
    else:
        assert log.append("journal", 0, [b"late"], token=NODE) == Fenced(0)


def test_threads_that_append_at_once_share_one_order(log: Log) -> None:
    def write(writer: int) -> list[range]:
        return [appended(log.append("journal", 0, [b"%d/%d" % (writer, turn)] * 3)) for turn in range(40)]

    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(write, range(4)))
    kept = everything(log, "journal", 0)
    assert [offset for offset, _ in kept] == list(range(4 * 40 * 3))
    for writer, ranges in enumerate(given):
        assert ranges == sorted(ranges, key=lambda each: each.start)
        for turn, offsets in enumerate(ranges):
            assert [kept[offset][1] for offset in offsets] == [b"%d/%d" % (writer, turn)] * 3


def test_no_racing_append_is_acknowledged_behind_its_fence(log: Log) -> None:
    for round_number in range(10):
        token = Token("node", round_number)
        started = threading.Barrier(4)

        def write(token: Token = token, started: threading.Barrier = started) -> tuple[list[int], Fenced]:
            acknowledged: list[int] = []
            started.wait()
            while not isinstance(result := log.append("journal", 0, [b"x", b"y"], token=token), Fenced):
                acknowledged.extend(result)
            return acknowledged, result

        with ThreadPoolExecutor(3) as threads:
            writers = [threads.submit(write) for _ in range(3)]
            started.wait()
            fence = log.fence("journal", 0, token, b"fence")
            for acknowledged, refused in (writer.result() for writer in writers):
                assert refused == Fenced(fence)
                assert all(offset < fence for offset in acknowledged)


def test_readers_see_appends_while_they_are_made(log: Log) -> None:
    done = threading.Event()

    def write() -> None:
        for turn in range(100):
            log.append("journal", 0, [b"%d" % turn] * 4)
        done.set()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        ends: list[int] = [0]
        while not done.is_set():
            ends.append(log.end("journal", 0))
            assert ends[-1] >= ends[-2]
            if not isinstance(log, KafkaLog):  # whose readers may see the first records of an append before the last
                assert ends[-1] % 4 == 0
            assert len(everything(log, "journal", 0)) >= ends[-1]
        writing.result()
    assert log.end("journal", 0) == 400


def test_a_closed_log_refuses(log: Log) -> None:
    log.append("journal", 0, [b"x"])
    assert log.end("journal", 0) == 1
    log.close()
    calls: list[Callable[[], object]] = [
        lambda: log.append("journal", 0, [b"x"]),
        lambda: log.fence("journal", 0, NODE, b"x"),
        lambda: log.fetch("journal", 0, 0, 1),
        lambda: log.end("journal", 0),
        lambda: log.begin("journal", 0),
        lambda: log.partitions("journal"),
        lambda: log.trim("journal", 0, 1),
    ]
    for call in calls:
        with pytest.raises(LogError):
            call()
    log.close()


def test_ends_are_of_every_partition_that_has_records(log: Log) -> None:
    log.append("mail.bulk", 3, numbered(0, 7))
    log.append("mail.standard", 0, numbered(0, 1))
    assert log.ends("mail.bulk", "mail.standard", "journal") == {("mail.bulk", 3): 7, ("mail.standard", 0): 1}
    assert log.ends() == {}


def test_a_partition_is_followed_from_beyond_its_end(log: Log) -> None:
    log.append("journal", 0, numbered(0, 3))
    log.follow("journal", 0, 5)
    deadline = time.monotonic() + PATIENCE_S
    for number in range(3, 9):
        assert log.end("journal", 0) == number
        log.append("journal", 0, numbered(number, 1))
        while log.end("journal", 0) <= number:
            assert time.monotonic() < deadline
    assert everything(log, "journal", 0, 5) == list(enumerate(numbered(5, 4), 5))


def test_a_trimmed_partition_is_followed_from_where_it_begins(log: Log) -> None:
    log.append("journal", 0, numbered(0, 20))
    log.trim("journal", 0, 12)
    log.follow("journal", 0, 4)
    assert everything(log, "journal", 0, 4) == list(enumerate(numbered(12, 8), 12))
    log.append("journal", 0, numbered(20, 3))
    assert everything(log, "journal", 0, 20) == list(enumerate(numbered(20, 3), 20))


def test_whoever_follows_finds_every_record_in_order(log: Log) -> None:
    log.append("journal", 1, numbered(0, 50))
    log.follow("journal", 1, 20)
    log.append("journal", 1, numbered(50, 50))
    assert everything(log, "journal", 1, 20) == list(enumerate(numbered(20, 80), 20))
    assert log.fetch("journal", 1, 3, 2) == list(enumerate(numbered(3, 2), 3))
    log.append("journal", 1, numbered(100, 5))
    assert everything(log, "journal", 1, 100) == list(enumerate(numbered(100, 5), 100))
    assert log.fetch("journal", 1, 105, 9) == []
