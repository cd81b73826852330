"""Appending to Kafka: idempotent, acks=all, and what the errors mean.

A batch carries a producer id and the sequence number of its first record in its partition, and is repeated as it is until
``DELIVERY_MS`` have passed; the broker recognises a repetition, so neither a lost connection nor a new leader makes two records
of one. What is not acknowledged by then may be in the log or may still come: ``LogAppendUnknown``. The next append then goes under
a new producer id, because nobody knows which sequence number the broker expects.

One batch of a partition is on its way at a time, so a number is given to the next batch only when the fate of the last one is
known (Kafka's own producers allow five, and have to put them in order again when one fails).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    NotEnoughReplicasAfterAppendError,
    OutOfOrderSequenceNumberError,
    RequestTimedOutError,
    UnknownBrokerIdError,
    UnknownProducerIdError,
)
from kafka.record.memory_records import MemoryRecordsBuilder

from fastemailnet.errors import LogAppendUnknown, LogError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_link import Batch, Client, Link, error_of, producer_id

DELIVERY_MS: Final = 120_000  # longer than most brokers are away; a process whose append fails ends and starts anew
BATCH_OCTETS: Final = 262_144  # a batch of more than one record is no larger: topics limit batches, not records
RETRY_S: Final = 0.1
RETRY_MAX_S: Final = 1.0
MAGIC: Final = 2  # the record batch of Kafka 0.11 and later
BUILDER_OCTETS: Final = 268_435_456  # the topics' own limits decide
SEQUENCE_NUMBERS: Final = 2**31  # behind the last one comes 0
DUPLICATE_SEQUENCE: Final = 46  # and the broker has forgotten where the first one is

Headers = list[tuple[str, bytes]]
_FORGOTTEN = (OutOfOrderSequenceNumberError, InvalidProducerEpochError, UnknownProducerIdError)  # nothing was appended
_AFTER_APPEND = (RequestTimedOutError, NotEnoughReplicasAfterAppendError)  # the leader has it


@dataclass(slots=True)
class Identity:
    """A producer id, and the sequence number that comes next in each partition."""

    id: int
    epoch: int
    next: dict[Where, int] = field(default_factory=dict)

    def appended(self, where: Where, count: int) -> None:
        """So many records more are in a partition."""
        self.next[where] = (self.next[where] + count) % SEQUENCE_NUMBERS


class Writer:
    """The appends of a process. Any number of threads."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()  # of what follows
        self._partitions: dict[Where, threading.Lock] = {}
        self._links: dict[int, Link] = {}
        self._leaders: dict[Where, int] = {}  # each entry is touched by who holds its partition alone
        self._asking = threading.Lock()  # of what follows: the conversation about leaders and ids
        self._client: Client | None = None
        self._identity: Identity | None = None
        self._closed = threading.Event()

    def append(
        self, where: Where, records: Sequence[bytes], keys: Sequence[bytes] = (), headers: Headers | None = None
    ) -> list[int]:
        """Append in this order; the offsets. Appends of this process to one partition are not mixed.

        Raises:
            LogError: definitely not appended.
            LogAppendUnknown: perhaps appended, perhaps only the first of them.
        """
        offsets: list[int] = []
        deadline = time.monotonic() + DELIVERY_MS / 1_000
        with self._of(where):
            for lo, hi in batches(records):
                try:
                    offsets += self._append(where, records[lo:hi], keys[lo:hi], headers or [], deadline)
                except LogAppendUnknown:
                    raise
                except LogError as error:
                    raise LogAppendUnknown(*error.args) if lo else error from error
        return offsets

    def close(self) -> None:
        """Wait for what is on its way, then end."""
        self._closed.set()
        with self._lock:
            links = list(self._links.values())
        for link in links:
            link.close()
        with self._asking:
            if self._client is not None:
                self._client.close()

    def _append(
        self, where: Where, records: Sequence[bytes], keys: Sequence[bytes], headers: Headers, deadline: float
    ) -> Sequence[int]:
        """Append one batch, again and again until it is known to be there."""
        identity: Identity | None = None
        batch: Batch | None = None
        is_there, pause_s = False, RETRY_S  # is_there: perhaps
        while True:
            try:
                if batch is None or identity is None:
                    identity = self._identified()
                    batch = self._batch(where, identity, records, keys, headers)
                batch.was_sent = False
                answer = self._link(where).send(batch)
                if not answer.error_code or (answer.error_code == DUPLICATE_SEQUENCE and is_there):
                    identity.appended(where, len(records))
                    return _offsets(where, answer.base_offset, len(records))
                error = error_of(answer.error_code)
                is_there = is_there or isinstance(error, _AFTER_APPEND)
            except KafkaError as failed:
                error = failed
                is_there = is_there or (batch is not None and batch.was_sent)
            self._leaders.pop(where, None)
            is_passing = _is_passing(error)
            if isinstance(error, _FORGOTTEN) and not is_there:
                self._forget(identity)
                is_passing, batch = True, None
            if not is_passing or time.monotonic() + pause_s > deadline or self._closed.wait(pause_s):
                self._forget(identity)  # nobody knows which number comes next
                raise self._given_up(where, error, is_there) from error
            pause_s = min(2 * pause_s, RETRY_MAX_S)

    def _given_up(self, where: Where, error: KafkaError, is_there: bool) -> LogError:
        """The error of our tree."""
        text = f"Kafka at {','.join(self._cluster.bootstrap)}: {where[0]}/{where[1]}: {type(error).__name__}: {error}"
        return LogAppendUnknown(text) if is_there else LogError(text)

    def _batch(
        self, where: Where, identity: Identity, records: Sequence[bytes], keys: Sequence[bytes], headers: Headers
    ) -> Batch:
        sequence = identity.next.setdefault(where, 0)
        builder = MemoryRecordsBuilder(
            MAGIC,
            0,
            BUILDER_OCTETS,
            producer_id=identity.id,
            producer_epoch=identity.epoch,
            base_sequence=sequence,
        )
        at_ms = time.time_ns() // 1_000_000
        for number, record in enumerate(records):
            builder.append(at_ms, keys[number] if keys else None, record, headers)
        builder.close()
        return Batch(self._cluster.place(where), builder.buffer())

    # ---- who leads, and who we are

    def _of(self, where: Where) -> threading.Lock:
        with self._lock:
            return self._partitions.setdefault(where, threading.Lock())

    def _link(self, where: Where) -> Link:
        """The link to the broker that leads a partition now."""
        leader = self._leaders.get(where)
        if leader is None:
            leader = self._leaders[where] = self._asked(where)
        with self._lock:
            return self._links.setdefault(leader, Link(self._cluster, leader))

    def _asked(self, where: Where) -> int:
        with self._asking:
            return self._open().leader(self._cluster.place(where))

    def _identified(self) -> Identity:
        with self._asking:
            if self._identity is None:
                self._identity = Identity(*producer_id(self._open()))
            return self._identity

    def _forget(self, identity: Identity | None) -> None:
        """No more batches under this producer id."""
        with self._asking:
            if self._identity is identity:
                self._identity = None

    def _open(self) -> Client:
        if self._client is None:
            self._client = Client(self._cluster)
        return self._client


def batches(records: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Which records go together: as many as fit into ``BATCH_OCTETS``, one at least."""
    lo = octets = 0
    for hi, record in enumerate(records):
        if hi > lo and octets + len(record) > BATCH_OCTETS:
            yield lo, hi
            lo, octets = hi, 0
        octets += len(record)
    if records:
        yield lo, len(records)


def _offsets(where: Where, first: int, count: int) -> range:
    if first < 0:
        raise LogAppendUnknown(f"{where[0]}/{where[1]}: the broker did not say where the records are")
    return range(first, first + count)


def _is_passing(error: KafkaError) -> bool:
    """Whether it may be otherwise in a moment."""
    return isinstance(error, UnknownBrokerIdError) or bool(getattr(error, "retriable", False))
