"""Between a client and a real broker: connections are cut, frozen, late, or lose what is answered, until they are healed."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.integration.kafka_clients import consume, produce, producer
from tests.integration.kafka_world import proxied, topics, until
from tests.integration.tcp_proxy import HOST, TcpProxy
from tools.kafka.cluster import Brokers
from tools.kafka.plan import PROXIED

PATIENCE_S = 60
SEEN_S = 1.0
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # size, ApiVersions, version 0, correlation id, no client id


@pytest.fixture
def proxy(one_broker: Brokers) -> Iterator[TcpProxy]:
    with proxied(one_broker) as (first,):
        yield first


@pytest.fixture
def topic(one_broker: Brokers, prefix: str) -> str:
    with topics(one_broker.bootstrap) as admin:
        return admin.make(prefix + "proxied")


@pytest.fixture
def through(one_broker: Brokers, proxy: TcpProxy, topic: str) -> Iterator[KafkaProducer]:
    """A producer behind the proxy that has sent ``first``."""
    settings = one_broker.client_settings(PROXIED)
    with closing(producer(settings, request_timeout_ms=2_000)) as opened:
        opened.send(topic, b"first", partition=0).get(timeout=PATIENCE_S)
        assert proxy.connections > 0
        yield opened


def direct(brokers: Brokers, topic: str, count: int) -> list[bytes]:
    return consume(brokers.client_settings("PLAINTEXT"), topic, count)


def test_a_cut_refuses_until_it_is_healed(
    one_broker: Brokers, proxy: TcpProxy, topic: str, through: KafkaProducer
) -> None:
    proxy.cut()
    until(lambda: proxy.connections == 0)
    late = through.send(topic, b"late", partition=0)
    with pytest.raises(KafkaError):
        late.get(timeout=SEEN_S)
    assert direct(one_broker, topic, 1) == [b"first"]
    proxy.heal()
    assert late.get(timeout=PATIENCE_S).offset == 1
    assert direct(one_broker, topic, 2) == [b"first", b"late"]


def test_a_freeze_keeps_connections_and_passes_nothing(
    one_broker: Brokers, proxy: TcpProxy, topic: str, through: KafkaProducer
) -> None:
    proxy.freeze()
    late = through.send(topic, b"late", partition=0)
    with pytest.raises(KafkaError):
        late.get(timeout=SEEN_S)
    assert proxy.connections > 0
    assert direct(one_broker, topic, 1) == [b"first"]
    proxy.heal()
    assert late.get(timeout=PATIENCE_S).offset == 1


def test_a_lost_reply_hides_a_record_that_landed_and_is_not_written_twice(
    one_broker: Brokers, proxy: TcpProxy, topic: str, through: KafkaProducer
) -> None:
    proxy.lose_replies()
    landed = through.send(topic, b"landed", partition=0)
    assert direct(one_broker, topic, 2) == [b"first", b"landed"]
    until(lambda: proxy.lost_octets > 0)
    assert not landed.is_done
    proxy.heal()
    assert landed.get(timeout=PATIENCE_S).offset == 1
    produce(one_broker.client_settings("PLAINTEXT"), topic, range(1))
    assert direct(one_broker, topic, 3) == [b"first", b"landed", b"0"]


def test_a_connection_that_lost_a_reply_is_closed_by_the_healing(proxy: TcpProxy) -> None:
    with socket.create_connection((HOST, proxy.port), timeout=PATIENCE_S) as client:
        client.sendall(API_VERSIONS)
        assert client.recv(65_536)
        proxy.lose_replies()
        client.sendall(API_VERSIONS)
        until(lambda: proxy.lost_octets > 0)
        proxy.heal()
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_delay_holds_up_either_way(proxy: TcpProxy, topic: str, through: KafkaProducer) -> None:
    proxy.delay(300)
    began = time.monotonic()
    through.send(topic, b"late", partition=0).get(timeout=PATIENCE_S)
    assert time.monotonic() - began >= 0.6
