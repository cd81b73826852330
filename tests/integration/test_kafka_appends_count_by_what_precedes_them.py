"""Fencing on Kafka: what a writer is told of its append is what every reader makes of the log."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fastemailnet.log.interface import Fenced, Token
from tests.integration.kafka_log_world import everything, logs
from tools.kafka.cluster import Brokers

NODE = Token("a", 1)


def test_a_fence_by_another_process_ends_the_right(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        node, coordinator = open_log(), open_log()
        node.follow("journal", 2, 0)
        assert node.append("journal", 2, [b"one"], token=NODE) == range(1)
        assert coordinator.fence("journal", 2, NODE, b"fence") == 1
        assert node.append("journal", 2, [b"two"], token=NODE) == Fenced(1)
        assert node.append("journal", 2, [b"three"], token=NODE) == Fenced(1)
        assert node.append("journal", 2, [b"next life"], token=Token("a", 2)) == range(3, 4)
        assert everything(coordinator, "journal", 2) == [b"one", b"fence", b"two", b"next life"]


def test_a_writer_that_starts_late_finds_the_fences_that_stand_there(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        open_log().fence("journal", 0, NODE, b"fence")
        assert open_log().append("journal", 0, [b"late"], token=NODE) == Fenced(0)


def test_nothing_is_read_back_where_nobody_else_wrote(
    one_broker: Brokers, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logs(one_broker, prefix) as open_log:
        node, other = open_log(), open_log()
        node.follow("journal", 1, 0)
        read: list[Any] = []
        original = node._reader.read
        monkeypatch.setattr(node._reader, "read", lambda *where: (read.append(where), original(*where))[1])
        for turn in range(20):
            assert isinstance(node.append("journal", 1, [b"intent"] * 3, token=NODE), range)
            node.append("journal", 1, [b"fact"])
            assert read == [], f"in turn {turn}"
        other.append("journal", 1, [b"a decision of the coordinator"])
        assert node.append("journal", 1, [b"intent"], token=NODE) == range(81, 82)
        assert [where[1] for where in read] == [80]


def test_racing_writers_are_told_exactly_what_stands_before_their_fence(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        node, coordinator = open_log(), open_log()
        for life in range(1, 9):
            token, mark = Token("a", life), b"of life %d" % life

            def write(token: Token = token, mark: bytes = mark) -> list[int]:
                counted: list[int] = []
                while not isinstance(landed := node.append("journal", 3, [mark] * 5, token=token), Fenced):
                    counted += landed
                return [*counted, *landed.before]

            with ThreadPoolExecutor(1) as thread:
                writing = thread.submit(write)
                fence = coordinator.fence("journal", 3, token, b"fence")
                counted = writing.result()
            kept = everything(coordinator, "journal", 3)
            assert counted == [at for at, record in enumerate(kept) if record == mark and at < fence]


def test_appends_of_several_threads_share_requests_and_keep_their_order(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        log = open_log()
        log.append("journal", 0, [b"first"])

        def write(thread: int) -> None:
            for turn in range(50):
                log.append("journal", thread % 4, [b"%d/%d" % (thread, turn)])

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(8)))
        for partition in range(4):
            records = [record for record in everything(open_log(), "journal", partition) if b"/" in record]
            for thread in (partition, partition + 4):
                own = [record for record in records if record.startswith(b"%d/" % thread)]
                assert own == [b"%d/%d" % (thread, turn) for turn in range(50)]
            assert len(records) == 100


def test_an_append_larger_than_a_batch_goes_in_several_and_stands_in_order(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        log = open_log()
        records = [bytes([number]) * 100_000 for number in range(10)]
        assert log.append("mail.bulk", 0, records) == range(10)
        assert everything(open_log(), "mail.bulk", 0) == records
