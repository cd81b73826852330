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
