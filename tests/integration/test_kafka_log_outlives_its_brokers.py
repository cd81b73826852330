"""Faults of real brokers under a log that is being written and followed: what was acknowledged is there, once."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fastemailnet.errors import LogAppendUnknown, LogError
from fastemailnet.log import kafka_writer
from fastemailnet.log.kafka import KafkaLog
from tests.integration.kafka_log_world import everything, logs
from tests.integration.kafka_world import proxied, topics
from tools.kafka.cluster import Brokers
from tools.kafka.plan import PROXIED

BEFORE, AFTER = 20, 40
PATIENCE_S = 90
CUT_S = 30
FROZEN_S = 4


class Writing:
    """Appends numbered records in a thread, while the test strikes."""

    def __init__(self, log: KafkaLog) -> None:
        self.log = log
        self.acknowledged: list[int] = []
        self.failures: list[LogError] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        number = 0
        while not self.stop.is_set():
            try:
                self.log.append("mail.bulk", 0, [b"%d" % number])
                self.acknowledged.append(number)
            except LogError as error:
                self.failures.append(error)
            number += 1

    def until(self, count: int) -> None:
        """So many are acknowledged. The limit is patience and measures nothing."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline, f"{len(self.acknowledged)} of {count}, {self.failures[-1:]}"
            time.sleep(0.02)

    def end(self) -> list[int]:
        """Stop; what was acknowledged."""
        self.stop.set()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        return self.acknowledged


def struck(open_log: Callable[[], KafkaLog], strike: Callable[[], Any]) -> None:
    """Write and follow, strike, write on; then all that was acknowledged is there once, in order, for the follower too."""
    writer, follower = open_log(), open_log()
    follower.follow("mail.bulk", 0, 0)
    writing = Writing(writer)
    writing.until(BEFORE)
    strike()
    writing.until(len(writing.acknowledged) + AFTER)
    acknowledged = writing.end()
    assert writing.failures == []
    kept = [int(record) for record in everything(follower, "mail.bulk", 0)]
    assert kept == acknowledged
    assert kept == [int(record) for record in everything(open_log(), "mail.bulk", 0)]


def test_a_broker_is_killed_and_comes_back(one_broker: Brokers, prefix: str) -> None:
    def strike() -> None:
        one_broker.kill(0)
        one_broker.restart(0)

    with logs(one_broker, prefix) as open_log:
        struck(open_log, strike)


def test_a_broker_that_hangs_goes_on(one_broker: Brokers, prefix: str) -> None:
    def strike() -> None:
        one_broker.freeze(0)
        time.sleep(FROZEN_S)
        one_broker.thaw(0)

    with logs(one_broker, prefix) as open_log:
        struck(open_log, strike)


def test_the_leader_among_three_is_killed(three_brokers: Brokers, prefix: str) -> None:
    with topics(three_brokers.bootstrap) as admin, logs(three_brokers, prefix) as open_log:
        leader = admin.leader(prefix + "mail.bulk")
        struck(open_log, lambda: three_brokers.kill(leader))
        three_brokers.restart(leader)


def test_too_few_replicas_refuse_to_write_until_one_is_back(three_brokers: Brokers, prefix: str) -> None:
    with topics(three_brokers.bootstrap) as admin, logs(three_brokers, prefix) as open_log:
        leader = admin.leader(prefix + "mail.bulk")
        others = [number for number in range(3) if number != leader]

        def strike() -> None:
            three_brokers.freeze(others[0])
            time.sleep(FROZEN_S)
            three_brokers.thaw(others[0])

        struck(open_log, strike)


def test_a_connection_is_cut_for_half_a_minute(one_broker: Brokers, prefix: str) -> None:
    with proxied(one_broker) as (proxy,), logs(one_broker, prefix, PROXIED) as open_log:

        def strike() -> None:
            proxy.cut()
            time.sleep(CUT_S)
            proxy.heal()

        struck(open_log, strike)


def test_an_append_whose_reply_is_lost_lands_once(one_broker: Brokers, prefix: str) -> None:
    with proxied(one_broker) as (proxy,), logs(one_broker, prefix, PROXIED) as open_log:

        def strike() -> None:
            proxy.lose_replies()
            time.sleep(1)
            proxy.heal()

        struck(open_log, strike)


def test_an_append_that_nobody_acknowledged_is_unknown_and_may_have_landed(
    one_broker: Brokers, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_writer, "DELIVERY_MS", 12_000)
    with proxied(one_broker) as (proxy,), logs(one_broker, prefix, PROXIED) as open_log:
        log = open_log()
        log.append("mail.bulk", 0, [b"first"])
        proxy.lose_replies()
        with pytest.raises(LogAppendUnknown):
            log.append("mail.bulk", 0, [b"landed"])
        proxy.heal()
        assert Counter(everything(open_log(), "mail.bulk", 0)) == {b"first": 1, b"landed": 1}


def test_a_record_that_is_too_large_is_definitely_not_there(one_broker: Brokers, prefix: str) -> None:
    with logs(one_broker, prefix) as open_log:
        log = open_log()
        with pytest.raises(LogError, match="TooLarge") as caught:
            log.append("mail.bulk", 0, [b"x" * 2_000_000])
        assert caught.value.definite
        assert log.append("mail.bulk", 0, [b"small"]) == range(1)
