"""The log of a fleet on several machines: Apache Kafka, through kafka-python.

No correctness rests on Kafka's transactions or on its producer fencing; it rests on the order of one partition, on acks=all with two
of three replicas in sync, and on reading back (docs/decisions/0011).

What an append under a token is worth is found by reading back (``kafka_rights``); what is read in order is fetched ahead
(``kafka_follower``), what is read anywhere else is sought (``kafka_reader``); ends are asked, or watched (``kafka_offsets``).
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Fenced, Token, Where
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_follower import Follower, Pace
from fastemailnet.log.kafka_offsets import Offsets
from fastemailnet.log.kafka_reader import Reader
from fastemailnet.log.kafka_records import Records, Unwrap, contiguous, fence_header, plain
from fastemailnet.log.kafka_rights import Rights
from fastemailnet.log.kafka_writer import Writer

GROUP: Final = "fastemailnet"
FRAMES: Final = ("control", "journal", "snapshot")  # small and urgent: not behind megabytes of bodies in one fetch
# A poll costs 0.4 ms of CPU here and as much in the broker.
FRAMES_PACE: Final = Pace(each_s=0.02, most_s=0.2)  # nobody waits for frames
BODIES_PACE: Final = Pace(each_s=0.004, most_s=0.04)


class KafkaLog:
    """Implements ``interface.Log``. Topics must exist, see ``kafka_topics.ensure``. Any number of threads and processes."""

    def __init__(self, cluster: Cluster, unwrap: Unwrap = plain) -> None:
        """A log on ``cluster``; ``unwrap`` gives the octets of a record that another program may have written."""
        self._cluster = cluster
        self._unwrap = unwrap
        self._offsets = Offsets(cluster)
        self._writer = Writer(cluster)
        self._reader = Reader(cluster, self._offsets)
        self._frames = Follower(cluster, self._offsets, unwrap, FRAMES_PACE)
        self._bodies = Follower(cluster, self._offsets, unwrap, BODIES_PACE)
        self._rights: dict[Where, Rights] = {}  # of the partitions to which this process appends under tokens
        self._starts: dict[Where, int] = {}  # followed partition → where this process first began to follow it
        self._guard = threading.Lock()
        self._closed = False

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> Sequence[int] | Fenced:
        """See ``interface.Log.append``."""
        where = self._open(stream, partition)
        rights = self._rights.get(where)
        if token is not None:
            return (rights or self._of(where)).ask(records, token)
        if rights is not None:
            return rights.tell(records)
        return self._append(where, records, keys)

    def _append(self, where: Where, records: Sequence[bytes], keys: Sequence[bytes] = ()) -> Sequence[int]:
        if not records:
            return range(end := self._offsets.ask([where])[where], end)
        offsets = self._writer.append(where, records, keys)
        self._offsets.reached(where, offsets[-1] + 1)
        first, behind = offsets[0], offsets[-1] + 1
        return range(first, behind) if behind - first == len(offsets) else offsets

    def fence(self, stream: str, partition: int, token: Token, record: bytes) -> int:
        """See ``interface.Log.fence``."""
        where = self._open(stream, partition)
        (offset,) = self._writer.append(where, [record], headers=fence_header(token))
        self._offsets.reached(where, offset + 1)
        return offset

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        """See ``interface.Log.fetch``."""
        where = self._open(stream, partition)
        if count <= 0:
            return []
        followed = self._follower(where).read(where, start, count, max_octets)
        if followed is not None:
            return followed
        if start >= (self._offsets.known(where) or 0) and start >= self._offsets.ask([where])[where]:
            return []
        begin, reached, batch = self._reader.read(where, start, count)
        return _within(contiguous(where, batch, begin, reached, self._unwrap), count, max_octets)

    def follow(self, stream: str, partition: int, start: int) -> None:
        """See ``interface.Log.follow``."""
        where = self._open(stream, partition)
        self._starts.setdefault(where, start)
        self._follower(where).follow(where, start)

    def at_hand(self, stream: str, partition: int, start: int) -> bool:
        """See ``interface.Log.at_hand``."""
        where = stream, partition
        return self._follower(where).has(where, start)

    def end(self, stream: str, partition: int) -> int:
        """See ``interface.Log.end``."""
        where = self._open(stream, partition)
        if self._follower(where).is_close(where):
            return self._offsets.known(where) or 0
        return self._offsets.watched(where)

    def ends(self, *streams: str) -> dict[Where, int]:
        """See ``interface.Log.ends``."""
        wheres = [self._open(stream, number) for stream in streams for number in range(self._offsets.width(stream))]
        return {where: end for where, end in self._offsets.ask(wheres).items() if end}

    def begin(self, stream: str, partition: int) -> int:
        """See ``interface.Log.begin``."""
        return self._offsets.begin(self._open(stream, partition))

    def partitions(self, stream: str) -> list[int]:
        """See ``interface.Log.partitions``."""
        return [number for number in range(self._offsets.width(stream)) if self.end(stream, number)]

    def trim(self, stream: str, partition: int, before: int) -> None:
        """See ``interface.Log.trim``."""
        where = self._open(stream, partition)
        end, begin = self._offsets.ask([where])[where], self._offsets.begin(where)
        if begin < min(before, end):
            self._offsets.drop_below(where, min(before, end))

    def mark(self, marks: Mapping[Where, int]) -> None:
        """See ``interface.Log.mark``: committed offsets of the group ``fastemailnet``."""
        self._offsets.commit(self._cluster.topic(GROUP), marks)

    def close(self) -> None:
        """See ``interface.Log.close``."""
        if not self._closed:
            self._closed = True
            for part in (self._frames, self._bodies, self._writer, self._reader, self._offsets):
                part.close()

    def _open(self, stream: str, partition: int) -> Where:
        if self._closed:
            raise LogError("the log is closed")
        return stream, partition

    def _follower(self, where: Where) -> Follower:
        return self._frames if where[0] in FRAMES else self._bodies

    def _of(self, where: Where) -> Rights:
        with self._guard:
            rights = self._rights.get(where)
            if rights is None:
                rights = self._rights[where] = Rights(self._append, self._reader, where, self._starts.get(where, 0))
            return rights


def _within(records: Records, count: int, max_octets: int) -> Records:
    """The first records within the limits, one at least."""
    octets = 0
    for number, (_, record) in enumerate(records[:count]):
        octets += len(record)
        if number and octets > max_octets:
            return records[:number]
    return records[:count]
