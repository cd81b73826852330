"""Brokers of a test end with it, even by kill -9; those of ``make kafka`` stay until ``make kafka-down``."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.integration.kafka_clients import consume, numbered, produce
from tests.integration.kafka_world import topics, until
from tools.kafka import jars
from tools.kafka.cluster import Brokers

STARTER = """
import sys, time
from pathlib import Path
from tools.kafka.cluster import Brokers
with Brokers.create(Path(sys.argv[1])) as brokers:
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _needs_the_jars() -> None:
    try:
        jars.fetch()
    except jars.Unavailable as error:
        pytest.skip(str(error))


def test_a_broker_does_not_outlive_a_killed_starter(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    broker = psutil.Process(int((tmp_path / "0" / "pid").read_text()))
    assert broker.is_running()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    until(lambda: not broker.is_running())


def command(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"} | environ
    return subprocess.run(
        [sys.executable, "-m", "tools.kafka", *words], capture_output=True, text=True, env=environment
    )


def test_up_stays_down_stops_and_up_again_has_the_data(tmp_path: Path) -> None:
    folder = str(tmp_path / "kafka")
    try:
        first = command("up", "--folder", folder)
        assert first.returncode == 0, first.stderr
        found = re.search(r"127\.0\.0\.1:\d+", first.stdout)
        assert found, first.stdout
        settings = {"bootstrap_servers": found.group()}
        with topics(found.group()) as admin:
            admin.make("kept")
        produce(settings, "kept", range(10))
        assert "ran already" in command("up", "--folder", folder).stdout
        assert "using yours" in command("up", "--folder", folder, KAFKA_BOOTSTRAP=found.group()).stdout
        assert "stopped 1 broker;" in command("down", "--folder", folder).stdout
        assert Brokers.open(Path(folder)).running() == []
        assert command("up", "--folder", folder, KAFKA_BOOTSTRAP=found.group()).returncode == 1
        assert found.group() in command("up", "--folder", folder).stdout
        assert consume(settings, "kept", 10) == numbered(range(10))
    finally:
        command("down", "--folder", folder)
