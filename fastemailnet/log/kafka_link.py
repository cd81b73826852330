"""Conversations with the brokers of a cluster, held by the thread that wants the answer.

kafka-python's producer has a thread of its own, and each append goes there and back: two changes of thread for each request, for
which the interpreter lock is handed over under load. Here the caller drives kafka-python's event loop itself until its answer
is there: connecting, TLS, log-in and the protocol are kafka-python's, without its threads. Where a connection is plain, a
request does without the event loop as well: the caller writes, and sleeps in the read.

A *link* is the conversation with one broker, for appends. Threads that want it at the same time share requests: whoever gets the
link sends the batches of all who wait for it, and they find their answers when their turn comes.
"""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafka import TopicPartition
from kafka.errors import (
    CorrelationIdError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    for_code,
)
from kafka.net.compat import KafkaNetClient
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest

from fastemailnet.log.kafka_cluster import BOOTSTRAP_TIMEOUT_MS, REQUEST_TIMEOUT_MS, Cluster

IN_SYNC: Final = -1  # acks=all
RECEIVE_OCTETS: Final = 65_536
PATIENCE_MS: Final = REQUEST_TIMEOUT_MS + 1_000  # kafka-python ends the connection first
PRODUCE_VERSIONS: Final = (3, 9)  # from record batches with producer ids to the last one that names topics by name


class Answer(Protocol):
    """What a broker says of a batch."""

    error_code: int
    base_offset: int


@dataclass(slots=True, eq=False)
class Batch:
    """A record batch of one partition on its way, and what became of it."""

    place: TopicPartition
    octets: bytes
    answer: Answer | KafkaError | None = None
    was_sent: bool = False  # so that it may be in the log whatever we hear


class Client:
    """kafka-python's network client, for one thread at a time."""

    def __init__(self, cluster: Cluster) -> None:
        """Connect.

        Raises:
            KafkaError: no broker answers.
        """
        self._is_plain = not cluster.is_guarded
        self._net = KafkaNetClient(allow_auto_create_topics=False, metrics_enabled=False, **cluster.client())
        try:
            self._net.check_version(timeout_ms=BOOTSTRAP_TIMEOUT_MS)
        except BaseException:
            self._net.close()
            raise

    def leader(self, place: TopicPartition) -> int:
        """The broker that leads a partition, asked anew.

        Raises:
            KafkaError: nobody does, or nobody says.
        """
        metadata = self._net.cluster
        metadata.add_topic(place.topic)
        self._wait(metadata.request_update())
        leader = metadata.leader_for_partition(place)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(f"{place.topic}/{place.partition}")
        return int(leader)

    def any_broker(self) -> int:
        """A broker to ask what each of them knows."""
        return int(self._net.least_loaded_node(bootstrap_fallback=True))

    def connect(self, node: int) -> None:
        """Be connected to a broker.

        Raises:
            KafkaError: it cannot be reached.
        """
        self._net.await_ready(node, timeout_ms=REQUEST_TIMEOUT_MS)

    def ask(self, node: int, request: Any) -> Any:
        """What a broker answers. Raises KafkaError."""
        connection = self._net._manager.get_connection(node)
        if self._is_plain and connection.connected and not connection.in_flight_requests:
            return _ask_directly(connection, request)
        return self._wait(self._net.send(node, request))

    def close(self) -> None:
        """End all connections."""
        self._net.close()

    def _wait(self, future: Any) -> Any:
        self._net.poll(timeout_ms=PATIENCE_MS, future=future)
        if not future.is_done:
            raise KafkaTimeoutError(f"no answer for {PATIENCE_MS} ms")
        if future.failed():
            raise future.exception
        return future.value


def _ask_directly(connection: Any, request: Any) -> Any:
    """Write the request and read the answer, on a connection where nothing else is on its way. Raises KafkaError."""
    if request.API_VERSION is None:
        request.API_VERSION = connection.broker_version_data.api_version(request)
    sock, parser = connection.transport._sock, connection.parser
    try:
        number = parser.send_request(request)
        sock.settimeout(PATIENCE_MS / 1_000)
        sock.sendall(parser.send_bytes())
        answers: list[tuple[int, Any]] = []
        while not answers:
            octets = sock.recv(RECEIVE_OCTETS)
            if not octets:
                raise KafkaConnectionError("the broker closed the connection")
            answers = parser.receive_bytes(octets)
        if len(answers) > 1 or answers[0][0] != number:
            raise CorrelationIdError(f"answers to {[answered for answered, _ in answers]}, request {number}")
        sock.setblocking(False)
        return answers[0][1]
    except (OSError, KafkaError) as error:
        meaning = error if isinstance(error, KafkaError) else KafkaConnectionError(f"{type(error).__name__}: {error}")
        connection.close(meaning)
        raise meaning from error


class Link:
    """The appends of a process to the partitions that one broker leads."""

    def __init__(self, cluster: Cluster, node: int) -> None:
        self._cluster = cluster
        self._node = node
        self._holding = threading.Lock()
        self._waiting: deque[Batch] = deque()
        self._client: Client | None = None

    def send(self, batch: Batch) -> Answer:
        """Send a batch and wait for the answer; with it go those of others who wait.

        Raises:
            KafkaError: there is none; ``batch.was_sent`` says whether it may have arrived all the same.
        """
        batch.answer = None
        self._waiting.append(batch)
        with self._holding:
            if batch.answer is None:
                self._send_all()
        if isinstance(batch.answer, KafkaError):
            raise batch.answer
        assert batch.answer is not None
        return batch.answer

    def close(self) -> None:
        """End the conversation."""
        with self._holding:
            if self._client is not None:
                self._client.close()

    def _send_all(self) -> None:
        batches = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            if self._client is None:
                self._client = Client(self._cluster)
            self._client.connect(self._node)
            for batch in batches:
                batch.was_sent = True
            answers = self._answers(self._client.ask(self._node, _request(batches)))
        except KafkaError as error:
            answers = dict.fromkeys((batch.place for batch in batches), error)
        for batch in batches:
            batch.answer = answers.get(batch.place, _SILENT)

    @staticmethod
    def _answers(response: Any) -> dict[TopicPartition, Any]:
        return {
            TopicPartition(topic.name, one.index): one
            for topic in response.responses
            for one in topic.partition_responses
        }


_SILENT: Final = KafkaTimeoutError("the broker answered, and not for this partition")


def _request(batches: list[Batch]) -> ProduceRequest:
    topics = defaultdict(list)
    for batch in batches:
        partition = ProduceRequest.TopicProduceData.PartitionProduceData
        topics[batch.place.topic].append(partition(index=batch.place.partition, records=batch.octets))
    oldest, newest = PRODUCE_VERSIONS
    return ProduceRequest(
        transactional_id=None,
        acks=IN_SYNC,
        timeout_ms=REQUEST_TIMEOUT_MS,
        topic_data=[ProduceRequest.TopicProduceData(name=name, partition_data=them) for name, them in topics.items()],
        min_version=oldest,
        max_version=newest,
    )


def producer_id(client: Client) -> tuple[int, int]:
    """A new producer id and its epoch, under which brokers recognise what they have already.

    Raises:
        KafkaError: no broker gives one.
    """
    node = client.any_broker()
    client.connect(node)
    answer = client.ask(node, InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0, max_version=4))
    if answer.error_code:
        raise error_of(answer.error_code)
    return answer.producer_id, answer.producer_epoch


def error_of(code: int) -> KafkaError:
    """The error that a broker's number stands for."""
    found: KafkaError = for_code(code)()
    return found
