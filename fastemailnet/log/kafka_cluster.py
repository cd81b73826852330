"""Where an Apache Kafka cluster is, how it is reached, and which topic holds which stream.

A stream ``journal`` is the topic ``<prefix>journal``; its partitions are the topic's. The settings below are the same for
producer, consumers and admin client of a process, so that all of them come back soon after a broker does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from kafka import TopicPartition

from fastemailnet.errors import ConfigError
from fastemailnet.log.interface import Where
from fastemailnet.log.kafka_selector import LeanSelector

SCHEME: Final = "kafka"
PORT: Final = 9092
REQUEST_TIMEOUT_MS: Final = 10_000  # a broker that answers nothing for so long is asked elsewhere, or anew
BOOTSTRAP_TIMEOUT_MS: Final = 10_000
RECONNECT_MAX_MS: Final = 1_000  # kafka-python's 30 s would outlast most outages

try:
    import crc32c as _crc32c  # noqa: F401  the C implementation; kafka-python's own manages 1,400 records/s
    import lz4 as _lz4  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError(f"the Kafka log needs the packages crc32c and lz4: {error}") from error


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and our place in it. ``security``: kafka-python's security_protocol, sasl_* and ssl_* settings."""

    bootstrap: tuple[str, ...]
    prefix: str = ""
    security: Mapping[str, Any] = field(default_factory=dict)

    def client(self) -> dict[str, Any]:
        """The settings that every client of the cluster shares."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": "fastemailnet",
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
            "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
            "selector": LeanSelector,
            **self.security,
        }

    @property
    def is_guarded(self) -> bool:
        """Whether its brokers ask for a log-in or a certificate."""
        return bool(self.security.get("security_protocol", "PLAINTEXT") != "PLAINTEXT")

    def topic(self, stream: str) -> str:
        """The topic that holds a stream."""
        return self.prefix + stream

    def place(self, where: Where) -> TopicPartition:
        """A partition of a stream, as Kafka names it."""
        return TopicPartition(self.prefix + where[0], where[1])

    def where(self, place: TopicPartition) -> Where:
        """A partition of a topic, as we name it."""
        return place.topic.removeprefix(self.prefix), place.partition


def parse(url: str) -> tuple[tuple[str, ...], str]:
    """Bootstrap servers and topic prefix of ``kafka://host:port[,host:port…][/prefix]``.

    Raises:
        ConfigError: it is no such URL.
    """
    parts = urlsplit(url)
    servers = tuple(server if _has_port(server) else f"{server}:{PORT}" for server in parts.netloc.split(",") if server)
    if parts.scheme != SCHEME or not servers or parts.query or parts.fragment:
        raise ConfigError("log.url", repr(url), "must be embedded: or kafka://host:port[,host:port…][/prefix]")
    return servers, parts.path.removeprefix("/")


def _has_port(server: str) -> bool:
    return server.rpartition("]")[2].rpartition(":")[2].isdecimal()
