"""Fixtures that several scenarios share."""

from pathlib import Path

import pytest

from tests.integration.kafka_log_world import settings_on
from tests.integration.kafka_world import bootstrap, one_broker, prefix, three_brokers
from tests.integration.s3_world import s3, s3_program

__all__ = ["bootstrap", "one_broker", "prefix", "s3", "s3_program", "three_brokers"]


@pytest.fixture(params=["embedded", "kafka"])
def over(request: pytest.FixtureRequest, tmp_path: Path, prefix: str) -> dict[str, str]:
    """The settings of each log in turn."""
    if request.param == "embedded":
        return {}
    return settings_on(request.getfixturevalue("bootstrap"), prefix, tmp_path)
