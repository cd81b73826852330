"""The real brokers that other tests lean on: they keep what they acknowledged through kill -9, alone and as three."""

from contextlib import closing

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.integration.kafka_world import topics, until
from tools.kafka.cluster import Brokers

COUNT = 1_000


def produce(bootstrap: str, topic: str, numbers: range) -> list[int]:
    """Send numbers to partition 0; return their offsets once all are acknowledged."""
    with closing(
        KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5)
    ) as producer:
        sent = [producer.send(topic, b"%d" % number, partition=0) for number in numbers]
        return [each.get(timeout=60).offset for each in sent]


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """Read partition 0 from its start."""
    got: list[bytes] = []
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")) as consumer:
        consumer.assign([TopicPartition(topic, 0)])

        def enough() -> bool:
            got.extend(record.value for records in consumer.poll(500).values() for record in records)
            return len(got) >= count

        until(enough)
    return got


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_a_thousand_records_come_back_in_order(bootstrap: str, prefix: str) -> None:
    with topics(bootstrap) as admin:
        topic = admin.make(prefix + "orders")
    assert produce(bootstrap, topic, range(COUNT)) == list(range(COUNT))
    assert consume(bootstrap, topic, COUNT) == numbered(COUNT)


def test_one_broker_killed_and_restarted_has_every_acknowledged_record(one_broker: Brokers, prefix: str) -> None:
    with topics(one_broker.bootstrap) as admin:
        topic = admin.make(prefix + "kept")
    produce(one_broker.bootstrap, topic, range(COUNT))
    one_broker.kill(0)
    one_broker.restart(0)
    assert produce(one_broker.bootstrap, topic, range(COUNT, COUNT + 10))[0] == COUNT
    assert consume(one_broker.bootstrap, topic, COUNT + 10) == numbered(COUNT + 10)


def test_three_brokers_go_on_when_the_leader_is_killed(three_brokers: Brokers, prefix: str) -> None:
    with topics(three_brokers.bootstrap) as admin:
        topic = admin.make(prefix + "copied", replicas=3, min_insync_replicas="2")
        until(lambda: len(admin.in_sync(topic)) == 3)
        produce(three_brokers.bootstrap, topic, range(COUNT))
        leader = admin.leader(topic)
        three_brokers.kill(leader)
        try:
            offsets = produce(three_brokers.bootstrap, topic, range(COUNT, 2 * COUNT))
            assert admin.leader(topic) not in (leader, -1)
            assert offsets == list(range(COUNT, 2 * COUNT))
            assert consume(three_brokers.bootstrap, topic, 2 * COUNT) == numbered(2 * COUNT)
        finally:
            three_brokers.restart(leader)
        until(lambda: len(admin.in_sync(topic)) == 3)
