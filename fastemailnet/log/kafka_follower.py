"""Reading Kafka ahead: what this process follows is fetched in the background, so that its readers find it in memory.

One thread with one consumer for a group of partitions. Each partition followed has a *track*: the records from ``first`` to
``next`` that were fetched and not yet read. A reader takes from the front, which frees the place for more; a track that is full is
paused. A read that leaves its track, backwards or far ahead, is none of ours: ``kafka_reader`` does that.

Offsets that hold no record (a foreign producer's transaction markers, its aborted records) are given as empty records: every
offset below the end then has a record, and whoever leases it can end it.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_offsets import PATIENCE_S, Offsets
from fastemailnet.log.kafka_records import Records, Unwrap, contiguous

POLL_MS: Final = 100
FETCH_WAIT_MS: Final = 100  # a partition that is new to the consumer waits for the fetch under way
POLL_RECORDS: Final = 2_000
TRACK_OCTETS: Final = 8_388_608
NEAR_RECORDS: Final = 512  # a read so far ahead of what was fetched waits for it
ERROR_PAUSE_S: Final = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """``each_s`` for each record that came, so that a busy partition is asked seldom and a quiet one at once; at most ``most_s``."""

    each_s: float
    most_s: float

    def behind(self, records: int) -> float:
        """Seconds to wait behind a poll that brought so many."""
        return min(records * self.each_s, self.most_s)


class Track:
    """What was fetched of one partition. Guarded by its follower's condition."""

    __slots__ = ("first", "next", "octets", "paused", "records", "seek")

    def __init__(self, start: int) -> None:
        self.records: deque[bytes] = deque()
        self.octets = 0
        self.first = self.next = start
        self.seek: int | None = start  # where the consumer is to go first
        self.paused = False

    def restart(self, start: int) -> None:
        """Forget what is here and go on from ``start``."""
        self.records.clear()
        self.octets = 0
        self.first = self.next = self.seek = start

    def put(self, records: Records) -> None:
        """What was fetched, from ``next`` on."""
        for offset, record in records:
            self.records.append(record)
            self.octets += len(record)
            self.next = offset + 1

    def skip(self, start: int) -> None:
        """Free everything below ``start``."""
        while self.first < start and self.records:
            self.octets -= len(self.records.popleft())
            self.first += 1

    def take(self, count: int, max_octets: int) -> Records:
        """The first records, which are freed."""
        found: Records = []
        octets = 0
        while self.records and len(found) < count:
            octets += len(self.records[0])
            if found and octets > max_octets:
                break
            found.append((self.first, self.records.popleft()))
            self.octets -= len(found[-1][1])
            self.first += 1
        return found


class Follower:
    """Follows any number of partitions. ``unwrap`` gives the octets of a record."""

    def __init__(self, cluster: Cluster, offsets: Offsets, unwrap: Unwrap, pace: Pace) -> None:
        """``pace``: how long to wait behind a poll that brought something, so that the next one brings more."""
        self._pace = pace
        self._cluster = cluster
        self._offsets = offsets
        self._unwrap = unwrap
        self._tracks: dict[Where, Track] = {}
        self._changed = threading.Condition()
        self._awaited = threading.Event()  # somebody waits for a record that is in the log
        self._closed = False
        self._thread: threading.Thread | None = None

    def follow(self, where: Where, start: int) -> None:
        """Fetch from ``start`` on."""
        with self._changed:
            track = self._tracks.get(where)
            if track is None:
                self._tracks[where] = Track(start)
            elif not track.first <= start <= track.next:
                track.restart(start)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="kafka follower", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def is_close(self, where: Where) -> bool:
        """Whether the partition is followed and not held up by its readers: then its end is known as soon as it is seen."""
        track = self._tracks.get(where)
        return track is not None and not track.paused and track.seek is None

    def has(self, where: Where, start: int) -> bool:
        """Whether the record at ``start`` is in memory."""
        track = self._tracks.get(where)
        return track is not None and track.first <= start < track.next

    def read(self, where: Where, start: int, count: int, max_octets: int) -> Records | None:
        """Records from ``start`` on, one at least; waits for one that exists. None if that is not where the partition is followed.

        Raises:
            LogError: a record that exists did not come.
        """
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            while True:
                track = self._tracks.get(where)
                if track is None or not track.first <= start < track.next + NEAR_RECORDS:
                    return None
                track.skip(start)
                if start < track.next:
                    return track.take(count, max_octets)
                if start >= (self._offsets.known(where) or 0):
                    return []
                self._awaited.set()
                if self._closed or not self._changed.wait(deadline - time.monotonic()):
                    raise LogError(f"{where[0]}/{where[1]}: the record at offset {start} did not come")

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    # ---- the thread

    def _run(self) -> None:
        consumer = self._consumer()
        while consumer is not None and not self._closed:
            try:
                self._steer(consumer)
                batches = consumer.poll(POLL_MS, max_records=POLL_RECORDS)
                self._land(consumer, batches)
                if batches:
                    brought = sum(map(len, batches.values()))
                    self._awaited.wait(self._pace.behind(brought))
                    self._awaited.clear()
            except OffsetOutOfRangeError as error:
                self._trimmed(error)
            except (KafkaError, LogError) as error:
                log.warning("kafka: %s: %s", type(error).__name__, error)
                time.sleep(ERROR_PAUSE_S)
        if consumer is not None:
            consumer.close(autocommit=False)

    def _consumer(self) -> KafkaConsumer | None:
        while not self._closed:
            try:
                return consumer(self._cluster)
            except KafkaError as error:
                log.warning("kafka: %s: %s", type(error).__name__, error)
                time.sleep(ERROR_PAUSE_S)
        return None

    def _steer(self, consumer: KafkaConsumer) -> None:
        """Bring the consumer to where the tracks are to go on."""
        with self._changed:
            places = {self._cluster.place(where): track for where, track in self._tracks.items()}
            if places.keys() != consumer.assignment():
                consumer.assign(list(places))
            for place, track in places.items():
                if track.seek is not None:
                    self._seek(consumer, place, track)
                is_full = track.octets > (TRACK_OCTETS // 2 if track.paused else TRACK_OCTETS)
                if is_full != track.paused:
                    (consumer.pause if is_full else consumer.resume)(place)
                    track.paused = is_full

    def _seek(self, consumer: KafkaConsumer, place: TopicPartition, track: Track) -> None:
        """Go to where a track is to go on; a broker answers with an error where its partition does not reach."""
        where = self._cluster.where(place)
        assert track.seek is not None
        if track.seek > (self._offsets.known(where) or 0):
            track.restart(min(track.seek, self._offsets.ask([where])[where]))
        consumer.seek(place, track.seek)
        track.seek = None

    def _land(self, consumer: KafkaConsumer, batches: dict[TopicPartition, list[Any]]) -> None:
        with self._changed:
            for place in batches or consumer.assignment():
                where = self._cluster.where(place)
                track, reached = self._tracks[where], consumer.position(place)
                if track.seek is None and reached > track.next:  # in a quiet moment also behind a marker alone
                    track.put(contiguous(where, batches.get(place, ()), track.next, reached, self._unwrap))
                    self._offsets.reached(where, track.next)
                    self._changed.notify_all()

    def _trimmed(self, error: OffsetOutOfRangeError) -> None:
        """The records at a track are not there (any more): go on where the partition begins, or ends."""
        for place, offset in error.args[0].items():
            where = self._cluster.where(place)
            begin, end = self._offsets.begin(where), self._offsets.ask([where])[where]
            with self._changed:
                self._tracks[where].restart(max(begin, min(offset, end)))
                self._changed.notify_all()


def consumer(cluster: Cluster, **more: Any) -> KafkaConsumer:
    """A consumer that belongs to no group and commits nothing."""
    return KafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        allow_auto_create_topics=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        metrics_enabled=False,
        **cluster.client(),
        **more,
    )
