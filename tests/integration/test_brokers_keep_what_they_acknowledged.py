"""The real brokers that other tests lean on keep what they acknowledged through kill -9, alone and as three."""

from contextlib import closing

import pytest
from kafka.errors import KafkaTimeoutError

from tests.integration.kafka_clients import ACKNOWLEDGED_S, consume, numbered, produce, producer
from tests.integration.kafka_world import topics, until
from tools.kafka.cluster import Brokers

COUNT = 1_000


def test_a_thousand_records_come_back_in_order(bootstrap: str, prefix: str) -> None:
    settings = {"bootstrap_servers": bootstrap}
    with topics(bootstrap) as admin:
        topic = admin.make(prefix + "orders")
    assert produce(settings, topic, range(COUNT)) == list(range(COUNT))
    assert consume(settings, topic, COUNT) == numbered(range(COUNT))


def test_one_broker_killed_and_restarted_has_every_acknowledged_record(one_broker: Brokers, prefix: str) -> None:
    settings = one_broker.client_settings("PLAINTEXT")
    with topics(one_broker.bootstrap) as admin:
        topic = admin.make(prefix + "kept")
    produce(settings, topic, range(COUNT))
    one_broker.kill(0)
    assert one_broker.running() == []
    one_broker.restart(0)
    assert produce(settings, topic, range(COUNT, COUNT + 10)) == list(range(COUNT, COUNT + 10))
    assert consume(settings, topic, COUNT + 10) == numbered(range(COUNT + 10))


def test_three_brokers_go_on_when_the_leader_is_killed(three_brokers: Brokers, prefix: str) -> None:
    settings = three_brokers.client_settings("PLAINTEXT")
    with topics(three_brokers.bootstrap) as admin:
        topic = admin.make(prefix + "copied", replicas=3, min_insync_replicas="2")
        until(lambda: len(admin.in_sync(topic)) == 3)
        produce(settings, topic, range(COUNT))
        leader = admin.leader(topic)
        three_brokers.kill(leader)
        try:
            assert produce(settings, topic, range(COUNT, 2 * COUNT)) == list(range(COUNT, 2 * COUNT))
            assert admin.leader(topic) not in (leader, -1)
            assert consume(settings, topic, 2 * COUNT) == numbered(range(2 * COUNT))
        finally:
            three_brokers.restart(leader)
        until(lambda: len(admin.in_sync(topic)) == 3)


def test_three_brokers_go_on_when_the_leader_is_frozen_and_it_comes_back(three_brokers: Brokers, prefix: str) -> None:
    settings = three_brokers.client_settings("PLAINTEXT")
    with topics(three_brokers.bootstrap) as admin:
        topic = admin.make(prefix + "stopped", replicas=3, min_insync_replicas="2")
        until(lambda: len(admin.in_sync(topic)) == 3)
        leader = admin.leader(topic)
    # Open before the freeze: a client that first meets a frozen broker waits for it until its bootstrap time-out.
    with closing(producer(settings, request_timeout_ms=3_000)) as opened:
        opened.send(topic, b"0", partition=0).get(timeout=ACKNOWLEDGED_S)
        three_brokers.freeze(leader)
        try:
            sent = [opened.send(topic, value, partition=0) for value in numbered(range(1, COUNT))]
            assert [each.get(timeout=ACKNOWLEDGED_S).offset for each in sent] == list(range(1, COUNT))
        finally:
            three_brokers.thaw(leader)
    with topics(three_brokers.bootstrap) as admin:
        until(lambda: len(admin.in_sync(topic)) == 3)
    assert consume(settings, topic, COUNT) == numbered(range(COUNT))


def test_a_topic_that_lacks_replicas_refuses_writes_and_is_read(three_brokers: Brokers, prefix: str) -> None:
    settings = three_brokers.client_settings("PLAINTEXT")
    with topics(three_brokers.bootstrap) as admin, closing(producer(settings)) as opened:
        topic = admin.make(prefix + "short", replicas=3, min_insync_replicas="3")
        opened.send(topic, b"0", partition=0).get(timeout=ACKNOWLEDGED_S)
        follower = next(number for number in three_brokers.running() if number != admin.leader(topic))
        three_brokers.kill(follower)
        try:
            until(lambda: follower not in admin.in_sync(topic))
            refused = opened.send(topic, b"1", partition=0)
            with pytest.raises(KafkaTimeoutError):
                refused.get(timeout=1)
            assert consume(settings, topic, 1) == [b"0"]
            admin.change(topic, min_insync_replicas="2")
            assert refused.get(timeout=ACKNOWLEDGED_S).offset == 1
        finally:
            three_brokers.restart(follower)
        until(lambda: len(admin.in_sync(topic)) == 3)
