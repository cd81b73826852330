"""Real brokers for the tests: one that all share, three that start when a test first asks, and topics of a test's own.

``KAFKA_BOOTSTRAP=host:port`` makes yours the one behind ``bootstrap``. Tests that kill, freeze or cut need brokers that
are ours; ``one_broker`` and ``three_brokers`` always are.
"""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaConnectionError

from tests.integration.tcp_proxy import TcpProxy
from tools.kafka.cluster import Brokers
from tools.kafka.jars import Unavailable
from tools.kafka.plan import PROXIED, Protocol, Shape

PROTOCOLS: tuple[Protocol, ...] = ("PLAINTEXT", "SASL_SSL")
WAIT_S = 60


@contextmanager
def running(shape: Shape) -> Iterator[Brokers]:
    """Brokers of a test's own, whose data goes with them. Where Java or the jars are not to be had, the test is skipped."""
    with tempfile.TemporaryDirectory(prefix="fastemailnet-kafka-") as folder:
        try:
            created = Brokers.create(Path(folder), shape)
        except Unavailable as error:
            pytest.skip(str(error))
        with created as brokers:
            yield brokers


@contextmanager
def proxied(brokers: Brokers) -> Iterator[list[TcpProxy]]:
    """A proxy before each broker. Clients of ``brokers.client_settings(PROXIED)`` and no others pass through them."""
    with ExitStack() as stack:
        ends = [node.listener(PROXIED) for node in brokers.plan.nodes]
        yield [stack.enter_context(TcpProxy(each.port, each.advertised)) for each in ends]


@pytest.fixture(scope="session")
def one_broker() -> Iterator[Brokers]:
    """A broker that all tests share, and may strike if they leave it running. Clients may also come by TLS and password."""
    with running(Shape(protocols=PROTOCOLS)) as brokers:
        yield brokers


@pytest.fixture(scope="session")
def three_brokers() -> Iterator[Brokers]:
    """Three brokers, to strike; a test leaves all of them running."""
    with running(Shape(count=3)) as brokers:
        yield brokers


@pytest.fixture(scope="session")
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Where a broker is that nobody strikes while a test runs: yours, or ours."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        return given
    brokers: Brokers = request.getfixturevalue("one_broker")
    return brokers.bootstrap


@pytest.fixture
def prefix() -> str:
    """What the names of a test's topics and groups start with."""
    return f"test-{uuid.uuid4().hex[:12]}."


@dataclass(frozen=True, slots=True)
class Topics:
    """Makes topics and asks about them, as an administrator does."""

    client: KafkaAdminClient

    def make(self, name: str, partitions: int = 1, replicas: int = 1, **settings: str) -> str:
        """A topic whose partitions all have leaders; settings by Kafka's names with ``_`` for ``.``."""
        wanted = {"num_partitions": partitions, "replication_factor": replicas, "configs": _by_kafkas_names(settings)}
        self.client.create_topics({name: wanted}, wait_for_metadata=True)
        return name

    def change(self, name: str, **settings: str) -> None:
        """Change settings of a topic.

        With ``min_insync_replicas`` above the number in sync it refuses writes and is still read. It must have as many
        replicas, in sync or not: a broker takes the setting for no more than those.
        """
        self.client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, _by_kafkas_names(settings))])

    def leader(self, name: str, partition: int = 0) -> int:
        """The broker that leads a partition; -1 while there is none."""
        leader: int = self._partition(name, partition)["leader_id"]
        return leader

    def in_sync(self, name: str, partition: int = 0) -> set[int]:
        """The brokers whose replicas are in sync."""
        return set(self._partition(name, partition)["isr_nodes"])

    def _partition(self, name: str, partition: int) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                (topic,) = self.client.describe_topics([name])
                break
            except KafkaConnectionError:  # it asked the broker that a test has just killed; the next time another
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        return next(each for each in topic["partitions"] if each["partition_index"] == partition)


def _by_kafkas_names(settings: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in settings.items()}


@contextmanager
def topics(bootstrap: str) -> Iterator[Topics]:
    """An administrator at that address."""
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap, reconnect_backoff_max_ms=500)) as client:
        yield Topics(client)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds. The limit is the suite's patience and measures nothing."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, f"did not come to hold within {WAIT_S} s"
        time.sleep(0.1)
