"""The parts of the Kafka log that need no broker."""

import selectors
import socket

import pytest

from fastemailnet.log.kafka_follower import Pace
from fastemailnet.log.kafka_selector import LeanSelector
from fastemailnet.log.kafka_writer import BATCH_OCTETS, Identity, batches


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1, 1, 1], [(0, 3)]),
        ([BATCH_OCTETS, 1], [(0, 1), (1, 2)]),
        ([1, BATCH_OCTETS, 1], [(0, 1), (1, 2), (2, 3)]),
        ([BATCH_OCTETS * 3], [(0, 1)]),
        ([BATCH_OCTETS // 2] * 5, [(0, 2), (2, 4), (4, 5)]),
    ],
)
def test_records_go_together_as_far_as_a_batch_reaches(sizes: list[int], expected: list[tuple[int, int]]) -> None:
    assert list(batches([bytes(size) for size in sizes])) == expected


def test_a_busy_partition_is_asked_seldom_and_a_quiet_one_at_once() -> None:
    pace = Pace(each_s=0.5, most_s=2.0)
    assert [pace.behind(records) for records in (0, 1, 3, 4, 1_000)] == [0.0, 0.5, 1.5, 2.0, 2.0]


def test_the_selector_finds_a_key_by_socket_and_by_descriptor() -> None:
    one, other = socket.socketpair()
    with LeanSelector() as selector, one, other:
        key = selector.register(one, selectors.EVENT_READ, "data")
        assert selector.get_key(one) == selector.get_key(one.fileno()) == key
        with pytest.raises(KeyError):
            selector.get_key(other)
        selector.unregister(one)
        with pytest.raises(KeyError):
            selector.get_key(one)


def test_sequence_numbers_begin_again_behind_the_last_one() -> None:
    where = ("journal", 0)
    identity = Identity(1, 0, {where: 2**31 - 3})
    identity.appended(where, 2)
    assert identity.next[where] == 2**31 - 1
    identity.appended(where, 3)
    assert identity.next[where] == 2
