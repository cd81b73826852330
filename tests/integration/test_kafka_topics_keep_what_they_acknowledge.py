"""At the start topics are created as they must be, or refused with the reason."""

import pytest

from fastemailnet.errors import ConfigError, LogError
from fastemailnet.log.kafka_cluster import Cluster, parse
from fastemailnet.log.kafka_topics import Topic, ensure, identity
from tests.integration.kafka_log_world import cluster
from tests.integration.kafka_world import topics
from tools.kafka.cluster import Brokers

JOURNAL = Topic("journal", 4)


def test_one_broker_is_refused_unless_asked_for(one_broker: Brokers, prefix: str) -> None:
    where = cluster(one_broker, prefix)
    with pytest.raises(ConfigError, match=r"has 1 of the 3 brokers .* --unsafe"):
        ensure(where, [JOURNAL])
    ensure(where, [JOURNAL], unsafe=True)
    ensure(where, [JOURNAL], unsafe=True)
    assert identity(where, "journal").startswith("kafka ")


def test_three_brokers_get_three_replicas_of_which_two_are_written(three_brokers: Brokers, prefix: str) -> None:
    where = cluster(three_brokers, prefix)
    ensure(where, [JOURNAL])
    with topics(three_brokers.bootstrap) as admin:
        (topic,) = admin.client.describe_topics([prefix + "journal"])
    assert [len(partition["replica_nodes"]) for partition in topic["partitions"]] == [3] * 4
    ensure(where, [JOURNAL])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"replicas": 1, "min_insync_replicas": "1"}, "has 1 replicas, 3 are needed"),
        ({"replicas": 3, "min_insync_replicas": "1"}, "has min.insync.replicas 1, 2 are needed"),
        ({"min_insync_replicas": "2", "unclean_leader_election_enable": "true"}, "unclean leader elections"),
    ],
)
def test_a_topic_that_loses_what_it_acknowledged_is_refused(
    three_brokers: Brokers, prefix: str, settings: dict[str, object], reason: str
) -> None:
    safe: dict[str, object] = {"partitions": 4, "replicas": 3, "retention_ms": "-1"}
    with topics(three_brokers.bootstrap) as admin:
        admin.make(prefix + "journal", **{**safe, **settings})  # type: ignore[arg-type]
    where = cluster(three_brokers, prefix)
    with pytest.raises(ConfigError, match=reason):
        ensure(where, [JOURNAL])
    ensure(where, [JOURNAL], unsafe=True)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"retention_ms": "86400000"}, r"retention is 86400000 ms, -1 octets and must be -1 ms"),
        ({"retention_ms": "-1", "cleanup_policy": "compact"}, "cleanup.policy is compact and must be delete"),
        ({"retention_ms": "-1", "max_message_bytes": "1000"}, "max.message.bytes is 1000 and must be 1048576"),
    ],
)
def test_a_topic_that_deletes_or_refuses_mail_is_refused_in_any_case(
    one_broker: Brokers, prefix: str, settings: dict[str, str], reason: str
) -> None:
    with topics(one_broker.bootstrap) as admin:
        admin.make(prefix + "journal", partitions=4, **settings)
    with pytest.raises(ConfigError, match=reason):
        ensure(cluster(one_broker, prefix), [JOURNAL], unsafe=True)


def test_a_topic_with_too_few_partitions_is_refused(one_broker: Brokers, prefix: str) -> None:
    with topics(one_broker.bootstrap) as admin:
        admin.make(prefix + "journal", partitions=2, retention_ms="-1")
    with pytest.raises(ConfigError, match="has 2 partitions, 4 are needed"):
        ensure(cluster(one_broker, prefix), [JOURNAL], unsafe=True)


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(LogError, match=r"no Kafka cluster at 127\.0\.0\.1:1"):
        ensure(Cluster(("127.0.0.1:1",), security={"bootstrap_timeout_ms": 500}), [JOURNAL])


def test_urls() -> None:
    assert parse("kafka://a,b:9093/mail.") == (("a:9092", "b:9093"), "mail.")
    assert parse("kafka://[::1]:9092") == (("[::1]:9092",), "")
    for url in ("kafka://", "http://a:1", "kafka://a?x=1"):
        with pytest.raises(ConfigError, match="kafka://host:port"):
            parse(url)
