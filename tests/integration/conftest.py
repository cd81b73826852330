"""Fixtures that several scenarios share."""

from tests.integration.kafka_world import bootstrap, one_broker, prefix, three_brokers
from tests.integration.s3_world import s3, s3_program

__all__ = ["bootstrap", "one_broker", "prefix", "s3", "s3_program", "three_brokers"]
