"""Appending to Kafka: kafka-python's idempotent producer, acks=all, and what its errors mean.

The producer repeats a request until ``DELIVERY_MS`` have passed, and the broker recognises a repetition by producer id and sequence
number, so neither a lost connection nor a new leader makes two records of one. What is not acknowledged by then may be in the log
or may still come: ``LogAppendUnknown``.
"""

import threading
from collections.abc import Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    IllegalStateError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from fastemailnet.errors import LogAppendUnknown, LogError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_cluster import Cluster

DELIVERY_MS: Final = 120_000  # longer than most brokers are away; a process whose append fails ends and starts anew
BLOCK_MS: Final = 60_000  # for metadata and memory, before anything is sent
BATCH_OCTETS: Final = 262_144  # at kafka-python's 16 KiB a fifth of the throughput
BUFFER_MARGIN_S: Final = 30.0
REQUEST_OCTETS: Final = 268_435_456  # the topics' own limits decide

Headers = list[tuple[str, bytes]]
_NOT_APPENDED = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
    AuthorizationError,
    IllegalStateError,
)


class Writer:
    """The producer of a process. Any number of threads."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._partitions: dict[Where, threading.Lock] = {}
        self._producer: KafkaProducer | None = None

    def append(
        self, where: Where, records: Sequence[bytes], keys: Sequence[bytes] = (), headers: Headers | None = None
    ) -> list[int]:
        """Append in this order; the offsets. Appends of this process to one partition are not mixed.

        Raises:
            LogError: definitely not appended.
            LogAppendUnknown: perhaps appended, perhaps only the first of them.
        """
        futures: list[Any] = []
        topic, partition = self._cluster.place(where)
        producer = self._open()
        try:
            with self._of(where):
                for number, record in enumerate(records):
                    key = keys[number] if keys else None
                    futures.append(producer.send(topic, record, key=key, partition=partition, headers=headers))
            offsets = [future.get(DELIVERY_MS / 1_000 + BUFFER_MARGIN_S).offset for future in futures]
        except (KafkaError, ValueError) as error:
            self._give_up(producer)
            raise _meaning(error, f"{where[0]}/{where[1]}", len(futures)) from error
        if min(offsets, default=0) < 0:
            raise LogAppendUnknown(f"{where[0]}/{where[1]}: the broker did not say where the records are")
        return offsets

    def close(self) -> None:
        """Wait for what is on its way, then end."""
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=BUFFER_MARGIN_S)

    def _of(self, where: Where) -> threading.Lock:
        with self._lock:
            return self._partitions.setdefault(where, threading.Lock())

    def _give_up(self, producer: KafkaProducer) -> None:
        """A producer that failed may refuse everything from then on (a "fatal error" in kafka-python): the next is a new one."""
        with self._lock:
            if self._producer is producer:
                self._producer = None
        producer.close(timeout=0)

    def _open(self) -> KafkaProducer:
        try:
            with self._lock:
                if self._producer is None:
                    self._producer = self._new()
                return self._producer
        except KafkaError as error:
            raise LogError(f"Kafka at {','.join(self._cluster.bootstrap)}: {type(error).__name__}: {error}") from error

    def _new(self) -> KafkaProducer:
        return KafkaProducer(
            enable_idempotence=True,
            acks="all",
            delivery_timeout_ms=DELIVERY_MS,
            max_block_ms=BLOCK_MS,
            batch_size=BATCH_OCTETS,
            linger_ms=0,
            max_request_size=REQUEST_OCTETS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **self._cluster.client(),
        )


def _meaning(error: Exception, where: str, sent: int) -> LogError:
    """The error of our tree. Of several records some may be in the log whatever became of the one that failed."""
    text = f"{where}: {type(error).__name__}: {error}"
    is_definite = sent == 0 or (sent == 1 and isinstance(error, _NOT_APPENDED))
    return LogError(text) if is_definite else LogAppendUnknown(text)
