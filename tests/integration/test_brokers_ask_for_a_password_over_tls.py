"""A listener with TLS and SCRAM-SHA-512: who has the certificate and the password comes in, and nobody else."""

from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.integration.kafka_clients import consume, numbered, produce
from tests.integration.kafka_world import topics
from tools.kafka import certificates
from tools.kafka.cluster import Brokers


def test_the_right_password_over_tls_comes_in(one_broker: Brokers, prefix: str) -> None:
    settings = one_broker.client_settings("SASL_SSL")
    with topics(one_broker.bootstrap) as admin:
        topic = admin.make(prefix + "secret")
    produce(settings, topic, range(100))
    assert consume(settings, topic, 100) == numbered(range(100))


def connects(settings: dict[str, object]) -> None:
    KafkaAdminClient(**settings, bootstrap_timeout_ms=5_000).close()


def test_a_wrong_password_a_wrong_user_and_none_are_refused(one_broker: Brokers) -> None:
    right = one_broker.client_settings("SASL_SSL")
    connects(right)
    for wrong in (
        {"sasl_plain_password": right["sasl_plain_password"] + "x"},
        {"sasl_plain_username": "somebody"},
        {"security_protocol": "SSL"},
    ):
        with pytest.raises(KafkaError):
            connects(right | wrong)


def test_a_certificate_of_another_authority_is_not_trusted(one_broker: Brokers, tmp_path: Path) -> None:
    certificates.make(tmp_path)
    with pytest.raises(KafkaError):
        connects(one_broker.client_settings("SASL_SSL") | {"ssl_cafile": str(tmp_path / "ca.pem")})
