"""The topics: created as they must be, or checked to be so. Nothing runs on a cluster that forgets what it acknowledged.

An acknowledged record survives the loss of one broker only with three replicas of which two are written (``min.insync.replicas``)
and no unclean election; and a topic that deletes by age would delete mail that waits, and the journal that proves what was sent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from fastemailnet.errors import ConfigError, LogError
from fastemailnet.log.kafka_cluster import Cluster

REPLICAS: Final = 3
IN_SYNC: Final = 2
FOR_EVER: Final = -1
READY_MS: Final = 30_000
READY_LOOK_S: Final = 0.1
RECORD_OCTETS: Final = 1_048_576  # Kafka's own default


@dataclass(frozen=True, slots=True)
class Topic:
    """What a stream's topic must be like."""

    stream: str
    partitions: int = 1
    retention_ms: int = FOR_EVER
    record_octets: int = RECORD_OCTETS

    def configs(self, in_sync: int) -> dict[str, str]:
        """Its settings."""
        return {
            "cleanup.policy": "delete",
            "min.insync.replicas": str(in_sync),
            "unclean.leader.election.enable": "false",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "max.message.bytes": str(self.record_octets),
            "message.timestamp.type": "LogAppendTime",  # when a foreign record was accepted is for the broker to say
        }


def ensure(cluster: Cluster, wanted: Iterable[Topic], *, unsafe: bool = False) -> None:
    """Create the topics that are missing and check those that are there.

    Args:
        cluster: where.
        wanted: the topics.
        unsafe: take fewer replicas than three, as many as there are brokers.

    Raises:
        ConfigError: a topic does not keep what it acknowledged, or the cluster cannot; says which setting is wrong.
        LogError: the cluster cannot be reached or refuses.
    """
    wanted = list(wanted)
    try:
        admin = KafkaAdminClient(**cluster.client())
    except KafkaError as error:
        # kafka-python takes a refused log-in or certificate for a connection that broke, and tries until its time is up.
        causes = "no broker answers there" + (
            ", or it refuses the user, the password or a certificate" if cluster.is_guarded else ""
        )
        raise LogError(f"no Kafka cluster at {','.join(cluster.bootstrap)}: {causes} ({error})") from error
    try:
        brokers = len(admin.describe_cluster()["brokers"])
        if brokers < REPLICAS and not unsafe:
            what = f"the cluster has {brokers} of the {REPLICAS} brokers that keep a record over the loss of one; --unsafe takes that"
            raise ConfigError("log.unsafe", "false", what)
        replicas = min(REPLICAS, brokers)
        _create(admin, cluster, wanted, replicas)
        if problems := list(_problems(admin, cluster, wanted, unsafe)):
            raise ConfigError("log.unsafe", "false", "; ".join(problems) + "; --unsafe takes that")
    except KafkaError as error:
        raise LogError(f"Kafka at {','.join(cluster.bootstrap)}: {error}") from error
    finally:
        admin.close()


def identity(cluster: Cluster, stream: str) -> str:
    """Names a cluster and the topic of a stream on it, so that one that was deleted and made anew is another.

    Raises:
        LogError: the cluster cannot be reached, or has no such topic.
    """
    try:
        admin = KafkaAdminClient(**cluster.client())
        (topic,) = admin.describe_topics([cluster.topic(stream)])
        name = f"kafka {admin.describe_cluster()['cluster_id']} {topic['name']} {topic['topic_id']}"
        admin.close()
    except KafkaError as error:
        raise LogError(f"Kafka at {','.join(cluster.bootstrap)}: {error}") from error
    return name


def _create(admin: KafkaAdminClient, cluster: Cluster, wanted: list[Topic], replicas: int) -> None:
    there = set(admin.list_topics())
    missing = {
        cluster.topic(topic.stream): {
            "num_partitions": topic.partitions,
            "replication_factor": replicas,
            "configs": topic.configs(min(IN_SYNC, replicas)),
        }
        for topic in wanted
        if cluster.topic(topic.stream) not in there
    }
    if missing:
        try:
            admin.create_topics(missing)
        except TopicAlreadyExistsError:
            _create(admin, cluster, wanted, replicas)  # another process of the fleet was faster
            return
    admin.wait_for_topics([cluster.topic(topic.stream) for topic in wanted], READY_MS)


def _described(admin: KafkaAdminClient, names: list[str]) -> dict[str, Any]:
    """The topics by name. A broker may not have heard of the partitions of a new one that another broker knows already."""
    until_s = monotonic() + READY_MS / 1000
    while True:
        described = {topic["name"]: topic for topic in admin.describe_topics(names)}
        if all(topic["partitions"] for topic in described.values()) or monotonic() > until_s:
            return described
        sleep(READY_LOOK_S)


def _problems(admin: KafkaAdminClient, cluster: Cluster, wanted: list[Topic], unsafe: bool) -> Iterator[str]:
    names = [cluster.topic(topic.stream) for topic in wanted]
    described = _described(admin, names)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = next(iter(admin.describe_configs(resources, config_filter="all").values()))
    for topic, name in zip(wanted, names, strict=True):
        partitions = described[name]["partitions"]
        values = {key: entry["value"] for key, entry in configs[name].items()}
        if len(partitions) < topic.partitions:
            raise ConfigError(
                "log.url", name, f"this topic has {len(partitions)} partitions, {topic.partitions} are needed"
            )
        _refuse_forgetful(topic, name, values)
        if not unsafe:
            yield from _weak(name, min(len(one["replica_nodes"]) for one in partitions), values)


def _refuse_forgetful(topic: Topic, name: str, values: dict[str, Any]) -> None:
    """What no option excuses: a topic that deletes mail by itself, or refuses it for its size."""
    wrong = {}
    if "compact" in values["cleanup.policy"]:
        wrong["cleanup.policy"] = values["cleanup.policy"]
    if topic.retention_ms == FOR_EVER and (values["retention.ms"], values["retention.bytes"]) != ("-1", "-1"):
        wrong["retention"] = f"{values['retention.ms']} ms, {values['retention.bytes']} octets"
    if int(values["max.message.bytes"]) < topic.record_octets:
        wrong["max.message.bytes"] = values["max.message.bytes"]
    if wrong:
        needed = {**topic.configs(IN_SYNC), "retention": f"{topic.retention_ms} ms, -1 octets"}
        text = ", ".join(f"{key} is {value} and must be {needed[key]}" for key, value in wrong.items())
        raise ConfigError("log.url", name, f"this topic would lose records: {text}")


def _weak(name: str, replicas: int, values: dict[str, Any]) -> Iterator[str]:
    """What makes an acknowledgement worth less than the loss of one broker."""
    if replicas < REPLICAS:
        yield f"topic {name} has {replicas} replicas, {REPLICAS} are needed"
    if int(values["min.insync.replicas"]) < IN_SYNC:
        yield f"topic {name} has min.insync.replicas {values['min.insync.replicas']}, {IN_SYNC} are needed"
    if values["unclean.leader.election.enable"] == "true":
        yield f"topic {name} allows unclean leader elections, which lose acknowledged records"
