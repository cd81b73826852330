"""A fleet's settings of SASL and TLS reach every client of the log, and what is wrong is said soon."""

from pathlib import Path

import pytest

from actors import build
from fastemailnet.config import Settings, load
from fastemailnet.errors import ConfigError, LogError
from fastemailnet.flashsync.frames import JOURNAL
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.kafka_topics import ensure
from tests.integration.kafka_log_world import everything
from tools.kafka.cluster import Brokers

NODE = Token("a", 1)


def settings(
    brokers: Brokers, prefix: str, data: Path, password: str | None = None, ca: Path | None = None
) -> Settings:
    given = brokers.client_settings("SASL_SSL")
    secret = data / "kafka-password"
    secret.write_text((password or given["sasl_plain_password"]) + "\n")
    log = {
        "URL": f"kafka://{given['bootstrap_servers']}/{prefix}",
        "UNSAFE": "true",
        "SECURITY": "SASL_SSL",
        "CA_FILE": str(ca or given["ssl_cafile"]),
        "USERNAME": given["sasl_plain_username"],
        "PASSWORD_FILE": str(secret),
    }
    return load(None, {f"FASTEMAILNET_LOG__{name}": value for name, value in log.items()})


def test_append_fence_read_back_and_follow(one_broker: Brokers, prefix: str, tmp_path: Path) -> None:
    given = settings(one_broker, prefix, tmp_path)
    ensure(build.cluster(given), build.topics(given), unsafe=True)
    log = build.log(given)
    log.follow(JOURNAL, 0, 0)
    assert log.append(JOURNAL, 0, [b"one"], token=NODE) == range(1)
    log.fence(JOURNAL, 0, NODE, b"fence")
    assert log.append(JOURNAL, 0, [b"two"], token=NODE) == Fenced(1)
    assert everything(log, JOURNAL, 0) == [b"one", b"fence", b"two"]
    log.mark({(JOURNAL, 0): 2})
    log.close()


def test_a_wrong_password_is_named_among_the_causes(one_broker: Brokers, prefix: str, tmp_path: Path) -> None:
    given = settings(one_broker, prefix, tmp_path, password="wrong")
    with pytest.raises(LogError, match="or it refuses the user, the password or a certificate"):
        ensure(build.cluster(given), build.topics(given), unsafe=True)


def test_a_log_in_without_a_password_is_refused_by_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"log\.password_file"):
        load(None, {"FASTEMAILNET_LOG__SECURITY": "SASL_SSL", "FASTEMAILNET_LOG__USERNAME": "fen"})
