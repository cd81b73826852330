"""Fixtures that several scenarios share."""

from tests.integration.kafka_world import bootstrap, one_broker, prefix, three_brokers

__all__ = ["bootstrap", "one_broker", "prefix", "three_brokers"]
