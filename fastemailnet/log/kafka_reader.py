"""Reading Kafka anywhere: one consumer that is sent to where somebody wants to read, 4 to 10 ms a time."""

import threading
import time
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.errors import KafkaError, OffsetOutOfRangeError

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_follower import consumer
from fastemailnet.log.kafka_offsets import PATIENCE_S, RETRY_S, Offsets

POLL_MS: Final = 500
POLL_RECORDS: Final = 2_000


class Reader:
    """Random reads, one at a time."""

    def __init__(self, cluster: Cluster, offsets: Offsets) -> None:
        self._cluster = cluster
        self._offsets = offsets
        self._lock = threading.Lock()
        self._consumer: KafkaConsumer | None = None

    def read(self, where: Where, start: int, count: int) -> tuple[int, int, list[Any]]:
        """Where the reading began (``start``, or behind what was trimmed), where it ended, and the ConsumerRecords between.

        The caller knows that there are records behind ``start``.

        Raises:
            LogError: the cluster did not give them for ``PATIENCE_S``.
        """
        place = self._cluster.place(where)
        deadline = time.monotonic() + PATIENCE_S
        with self._lock:
            while time.monotonic() < deadline:
                try:
                    if self._consumer is None:
                        self._consumer = consumer(self._cluster)
                    self._consumer.assign([place])
                    self._consumer.seek(place, start)
                    batch = self._consumer.poll(POLL_MS, max_records=min(count, POLL_RECORDS)).get(place, [])
                    reached = self._consumer.position(place)
                    if reached > start:
                        return start, reached, batch
                except OffsetOutOfRangeError:
                    start = max(start, self._offsets.begin(where))
                    if start >= self._offsets.ask([where])[where]:
                        return start, start, []  # all of it was trimmed
                except KafkaError:
                    time.sleep(RETRY_S)
        raise LogError(f"{where[0]}/{where[1]}: nothing came from offset {start} on")

    def close(self) -> None:
        """End the conversation."""
        with self._lock:
            if self._consumer is not None:
                self._consumer.close(autocommit=False)
