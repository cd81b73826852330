"""Where the partitions of Kafka end: asked freshly, or watched so that the answer is at hand.

The coordinator and the nodes ask for the ends of partitions a hundred times a second without reading them. A thread asks the
cluster for all of those together, as long as somebody asked within ``INTEREST_S``. Ends are those of committed
records (the last stable offset), so that a foreign producer's open transaction is not leased to a node.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.protocol.consumer import IsolationLevel
from kafka.structs import OffsetAndMetadata

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_cluster import Cluster

WATCH_S: Final = 0.2  # a request of 1.3 ms of CPU here and as much in the broker
INTEREST_S: Final = 2.0
PATIENCE_S: Final = 120.0  # a cluster that is away for longer is an error
RETRY_S: Final = 0.2


class Offsets:
    """The ends that this process knows. Any number of threads."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._asking = threading.Lock()  # the admin client is one conversation
        self._admin: KafkaAdminClient | None = None
        self._raising = threading.Lock()  # an end never goes back, whoever of several threads comes last
        self._ends: dict[Where, int] = {}
        self._wanted: dict[Where, float] = {}  # watched partition → when somebody last asked
        self._widths: dict[str, int] = {}
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()

    def known(self, where: Where) -> int | None:
        """The highest end known, None if nothing was heard of the partition yet."""
        return self._ends.get(where)

    def reached(self, where: Where, end: int) -> None:
        """Somebody saw or wrote all below ``end``."""
        with self._raising:
            if end > self._ends.get(where, -1):
                self._ends[where] = end

    def watched(self, where: Where) -> int:
        """The end of a partition as it was some milliseconds ago, at least what is known."""
        self._wanted[where] = time.monotonic()
        if self._watcher is None:
            self._watch()
        end = self._ends.get(where)
        return self.ask([where])[where] if end is None else end

    def ask(self, wanted: Iterable[Where], spec: OffsetSpec = OffsetSpec.LATEST) -> dict[Where, int]:
        """The ends (or begins) as they are now; of partitions that do not exist, 0.

        Raises:
            LogError: the cluster did not answer for ``PATIENCE_S``.
        """
        wanted = list(wanted)
        there = [where for where in wanted if where[1] < self.width(where[0])]
        specs = {self._cluster.place(where): spec for where in there}
        answers = self._persistently(lambda admin: admin.list_partition_offsets(specs, IsolationLevel.READ_COMMITTED))
        found = {self._cluster.where(place): answer.offset for place, answer in answers.items()} if there else {}
        if spec is OffsetSpec.LATEST:
            for where, end in found.items():
                self.reached(where, end)
        return {where: found.get(where, 0) for where in wanted}

    def begin(self, where: Where) -> int:
        """The first offset that is kept."""
        return self.ask([where], OffsetSpec.EARLIEST)[where]

    def width(self, stream: str) -> int:
        """How many partitions the topic of a stream has; 0 if there is none."""
        if not self._widths.get(stream):
            name = self._cluster.topic(stream)
            described = self._persistently(lambda admin: admin.describe_topics([name]))
            self._widths[stream] = (
                len(described[0]["partitions"]) if described and not described[0]["error_code"] else 0
            )
        return self._widths[stream]

    def drop_below(self, where: Where, begin: int) -> None:
        """Delete the records below ``begin``."""
        self._persistently(lambda admin: admin.delete_records({self._cluster.place(where): begin}))

    def commit(self, group: str, marks: Mapping[Where, int]) -> None:
        """Commit offsets of a consumer group that has no members."""
        offsets = {self._cluster.place(where): OffsetAndMetadata(offset, "", -1) for where, offset in marks.items()}
        self._persistently(lambda admin: admin.alter_group_offsets(group, offsets))

    def close(self) -> None:
        """End the watch and the conversation."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._asking:
            if self._admin is not None:
                self._admin.close()

    def _persistently(self, ask: Callable[[KafkaAdminClient], Any]) -> Any:
        """The answer of the cluster; while it is away, asked again."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with self._asking:
                    if self._closed.is_set():
                        raise LogError("the log is closed")
                    if self._admin is None:
                        self._admin = KafkaAdminClient(**self._cluster.client())
                    return ask(self._admin)
            except KafkaError as error:
                if time.monotonic() > deadline or not getattr(error, "retriable", False):
                    raise LogError(
                        f"Kafka at {','.join(self._cluster.bootstrap)}: {type(error).__name__}: {error}"
                    ) from error
            self._closed.wait(RETRY_S)

    def _watch(self) -> None:
        with self._asking:
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._run, name="kafka ends", daemon=True)
                self._watcher.start()

    def _run(self) -> None:
        while not self._closed.wait(WATCH_S):
            since = time.monotonic() - INTEREST_S
            wanted = [where for where, asked in self._wanted.copy().items() if asked > since]
            if wanted:
                with suppress(LogError):  # whoever needs the log itself hears of it
                    self.ask(wanted)
