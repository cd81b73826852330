"""Logs on real brokers for the tests: on topics of their own, opened as often as a test needs processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from actors import build
from fastemailnet.config import load
from fastemailnet.log.interface import Log
from fastemailnet.log.kafka import KafkaLog
from fastemailnet.log.kafka_cluster import Cluster
from fastemailnet.log.kafka_topics import Topic, ensure
from tools.kafka.cluster import Brokers

TOPICS = (Topic("journal", 4), Topic("control"), Topic("mail.bulk", 2))


def cluster(brokers: Brokers, prefix: str, listener: str = "PLAINTEXT") -> Cluster:
    """The brokers as a log is told of them."""
    settings = brokers.client_settings(listener)
    bootstrap = tuple(settings.pop("bootstrap_servers").split(","))
    return Cluster(bootstrap, prefix, settings)


@contextmanager
def logs(brokers: Brokers, prefix: str, listener: str = "PLAINTEXT") -> Iterator[Callable[[], KafkaLog]]:
    """Opens logs, each as a process of its own would; all are closed behind."""
    ensure(cluster(brokers, prefix), TOPICS, unsafe=True)
    where = cluster(brokers, prefix, listener)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(KafkaLog(where)))


def settings_on(bootstrap: str, prefix: str, data: Path) -> dict[str, str]:
    """What a fleet's settings say of a log on these brokers, as the environment has it; its topics are made."""
    given = {"LOG__URL": f"kafka://{bootstrap}/{prefix}", "LOG__UNSAFE": "true", "LOG__MAIL_PARTITIONS": "2"}
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(data), **{f"FASTEMAILNET_{k}": v for k, v in given.items()}})
    ensure(build.cluster(settings), build.topics(settings), unsafe=True)
    return given


def everything(log: Log, stream: str, partition: int) -> list[bytes]:
    """All records, which are there before the call."""
    end = log.ends(stream).get((stream, partition), 0)
    found: list[bytes] = []
    while len(found) < end:
        found += [record for _, record in log.fetch(stream, partition, len(found), 1_000)]
    return found
