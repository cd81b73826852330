"""The shortest way to put numbers into partition 0 of a topic and to get them out again, for tests of the brokers."""

from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.integration.kafka_world import until

ACKNOWLEDGED_S = 60


def numbered(numbers: range) -> list[bytes]:
    return [b"%d" % number for number in numbers]


def producer(settings: dict[str, Any], **more: Any) -> KafkaProducer:
    return KafkaProducer(**settings, acks="all", enable_idempotence=True, reconnect_backoff_max_ms=500, **more)


def produce(settings: dict[str, Any], topic: str, numbers: range) -> list[int]:
    """Send numbers; return their offsets once all are acknowledged."""
    with closing(producer(settings, linger_ms=5)) as opened:
        sent = [opened.send(topic, value, partition=0) for value in numbered(numbers)]
        return [each.get(timeout=ACKNOWLEDGED_S).offset for each in sent]


def consume(settings: dict[str, Any], topic: str, count: int) -> list[bytes]:
    """Read from the start until there are ``count``, and whatever came with the last of them."""
    got: list[bytes] = []
    with closing(KafkaConsumer(**settings, auto_offset_reset="earliest")) as consumer:
        consumer.assign([TopicPartition(topic, 0)])

        def enough() -> bool:
            got.extend(record.value for records in consumer.poll(500).values() for record in records)
            return len(got) >= count

        until(enough)
    return got
