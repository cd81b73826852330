"""A listener with TLS and SCRAM-SHA-512: who has the certificate and the password comes in, and nobody else."""

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaTimeoutError

from tests.integration.kafka_clients import consume, numbered, produce
from tests.integration.kafka_world import topics, until
from tools.kafka import certificates
from tools.kafka.cluster import Brokers

CREDENTIALS = "due to invalid credentials with SASL mechanism SCRAM-SHA-512"


def test_the_right_password_over_tls_comes_in(one_broker: Brokers, prefix: str) -> None:
    settings = one_broker.client_settings("SASL_SSL")
    with topics(one_broker.bootstrap) as admin:
        topic = admin.make(prefix + "secret")
    produce(settings, topic, range(100))
    assert consume(settings, topic, 100) == numbered(range(100))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"sasl_plain_password": "guessed"}, CREDENTIALS),
        ({"sasl_plain_username": "somebody"}, CREDENTIALS),
        ({"security_protocol": "SSL"}, "Unexpected Kafka request of type METADATA during SASL handshake"),
        ({"security_protocol": "PLAINTEXT"}, "SSL handshake failed"),
    ],
)
def test_whoever_lacks_something_is_refused(one_broker: Brokers, wrong: dict[str, str], reason: str) -> None:
    refused(one_broker, wrong, reason)


def test_a_broker_whose_authority_is_unknown_is_not_told_the_password(one_broker: Brokers, tmp_path: Path) -> None:
    certificates.make(tmp_path)
    refused(one_broker, {"ssl_cafile": str(tmp_path / "ca.pem")}, "SSL handshake failed")


def refused(brokers: Brokers, wrong: dict[str, Any], reason: str) -> None:
    """The client says only that it found nobody; why, the broker's log tells."""
    read = brokers.log(0).stat().st_size
    with pytest.raises(KafkaTimeoutError):
        KafkaAdminClient(**brokers.client_settings("SASL_SSL") | wrong, bootstrap_timeout_ms=1_500)
    until(lambda: reason.encode() in brokers.log(0).read_bytes()[read:])
