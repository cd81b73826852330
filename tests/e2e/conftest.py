"""Fixtures that several scenarios share."""

from tests.integration.kafka_world import one_broker, prefix, three_brokers

__all__ = ["one_broker", "prefix", "three_brokers"]
