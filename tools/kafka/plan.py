"""What each broker is told: names, ports and settings. Decides and does nothing.

Every broker is also a controller (KRaft, combined mode), and all of them form the quorum. A broker listens on

- ``CONTROLLER`` and ``INTERNAL``: what brokers say to each other. No fault that a test makes between a client and a
  broker touches them.
- one listener for each of the shape's protocols, named after it: ``PLAINTEXT``, ``SSL``, ``SASL_PLAINTEXT``, ``SASL_SSL``.
- ``PROXIED``: plaintext, but what it tells its clients is another port (``advertised``), on which nothing listens until a
  test puts a proxy there. Clients go where the broker sends them; a proxy that is only in front would see one request.

The plan is kept beside the data (``plan.json``): a data folder belongs to its node ids, directory ids and ports.
"""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from tools.kafka.ports import LOOPBACK, free_ports

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
CONTROLLER, INTERNAL, PROXIED = "CONTROLLER", "INTERNAL", "PROXIED"
MECHANISM = "SCRAM-SHA-512"
USER = "fastemailnet"
HEAP_ALONE_MIB, HEAP_TOGETHER_MIB = 512, 256


class Shape(msgspec.Struct, frozen=True):
    """What is wanted.

    Attributes:
        count: how many brokers.
        protocols: what clients may speak; the first is what ``make kafka`` announces.
        port: where the first broker's first protocol listens, the next broker's one higher; 0 for any that is free.
        extra: more settings of the broker, by Kafka's names; they win over ours.
    """

    count: int = 1
    protocols: tuple[Protocol, ...] = ("PLAINTEXT",)
    port: int = 0
    extra: Mapping[str, str] = {}

    @property
    def heap_mib(self) -> int:
        """The limit of one broker's heap."""
        return HEAP_ALONE_MIB if self.count == 1 else HEAP_TOGETHER_MIB


class Listener(msgspec.Struct, frozen=True):
    """A port a broker listens on, and the one it tells its clients."""

    name: str
    protocol: Protocol
    port: int
    advertised: int


class Node(msgspec.Struct, frozen=True):
    """One broker."""

    id: int
    directory_id: str
    listeners: tuple[Listener, ...]

    def listener(self, name: str) -> Listener:
        """The listener of that name."""
        return next(each for each in self.listeners if each.name == name)


class Plan(msgspec.Struct, frozen=True):
    """All brokers of a cluster."""

    cluster_id: str
    shape: Shape
    nodes: tuple[Node, ...]
    password: str


def make(shape: Shape) -> Plan:
    """Choose ids, ports and a password for a new cluster."""
    names: list[tuple[str, Protocol]] = [(CONTROLLER, "PLAINTEXT"), (INTERNAL, "PLAINTEXT"), (PROXIED, "PLAINTEXT")]
    fixed = range(shape.port, shape.port + shape.count) if shape.port else range(0)
    ports = iter(free_ports(shape.count * (len(names) + 1 + len(shape.protocols)), frozenset(fixed)))
    nodes: list[Node] = []
    for number in range(shape.count):
        listeners = [Listener(name, protocol, port := next(ports), port) for name, protocol in names[:2]]
        listeners.append(Listener(*names[2], next(ports), next(ports)))
        for place, protocol in enumerate(shape.protocols):
            port = fixed[number] if fixed and place == 0 else next(ports)
            listeners.append(Listener(protocol, protocol, port, port))
        nodes.append(Node(number, _kafka_id(), tuple(listeners)))
    return Plan(_kafka_id(), shape, tuple(nodes), secrets.token_urlsafe(16))


def properties(plan: Plan, node: Node, data: Path, tls: Path) -> dict[str, str]:
    """A broker's settings.

    Args:
        plan: the whole cluster.
        node: the broker.
        data: where its records are.
        tls: the folder with ``broker.pem`` and ``ca.pem``.
    """
    clients = [each for each in node.listeners if each.name != CONTROLLER]
    quorum = ",".join(f"{LOOPBACK}:{each.listener(CONTROLLER).port}" for each in plan.nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "log.dirs": str(data),
        "controller.quorum.bootstrap.servers": quorum,
        "controller.listener.names": CONTROLLER,
        "inter.broker.listener.name": INTERNAL,
        "listeners": ",".join(f"{each.name}://{LOOPBACK}:{each.port}" for each in node.listeners),
        "advertised.listeners": ",".join(f"{each.name}://{LOOPBACK}:{each.advertised}" for each in clients),
        "listener.security.protocol.map": ",".join(f"{each.name}:{each.protocol}" for each in node.listeners),
        **_durability(plan.shape.count),
        **_quickness(),
        **_security(plan.shape.protocols, tls),
        **plan.shape.extra,
    }


def voters(plan: Plan) -> str:
    """The quorum, as the formatting tool wants it."""
    return ",".join(f"{each.id}@{LOOPBACK}:{each.listener(CONTROLLER).port}:{each.directory_id}" for each in plan.nodes)


def scram_user(plan: Plan) -> list[str]:
    """What makes the one user while formatting: a broker that asks for a password must know one before its first start."""
    if not any(each.startswith("SASL") for each in plan.shape.protocols):
        return []
    return ["--add-scram", f"{MECHANISM}=[name={USER},password={plan.password}]"]


def _durability(count: int) -> dict[str, str]:
    replicas, in_sync = str(min(count, 3)), str(min(count, 2))
    return {
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _quickness() -> dict[str, str]:
    """A small machine, and tests that wait for what happens after a kill.

    A killed broker's place is held for its session time-out, both against an election and against its own return.
    """
    return {
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 << 20),
    }


def _security(protocols: tuple[Protocol, ...], tls: Path) -> dict[str, str]:
    settings: dict[str, str] = {}
    if any(each.endswith("SSL") for each in protocols):
        settings |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(tls / "broker.pem")}
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(tls / "ca.pem")}
    for protocol in protocols:
        if protocol.startswith("SASL"):
            prefix = f"listener.name.{protocol.lower()}"
            module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            settings |= {f"{prefix}.{MECHANISM.lower()}.sasl.jaas.config": module}
            settings |= {"sasl.enabled.mechanisms": MECHANISM}
    return settings


def to_text(settings: Mapping[str, str]) -> str:
    """The settings as a Java properties file."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    # A JSON string escapes what a properties file must: backslashes, line ends, everything beyond ASCII.
    return json.dumps(value)[1:-1].replace('\\"', '"')


def _kafka_id() -> str:
    # A first byte below 0x80 keeps the text from starting with "-", which the tool would take for an option.
    octets = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([octets[0] & 0x7F]) + octets[1:]).decode().rstrip("=")
