"""A fleet on a real Kafka under load, struck itself, while its brokers are killed, hang and are cut off: nothing is lost or sent twice.

The chaos run proves it behind itself: balance, offline check of the log, and the receiver's own file. Its nodes and its coordinator are
killed meanwhile, so that the two kinds of fault meet.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.kafka_world import proxied, topics
from tests.integration.tcp_proxy import TcpProxy
from tools.kafka.cluster import Brokers
from tools.kafka.plan import PROXIED

RUN_S = 600.0
FIRST_MAILS = 200
BETWEEN_MAILS = 150
HANG_S = 8.0  # longer than a node's silence may be
CUT_S = 30.0


def arrived(data: Path) -> int:
    """How many mails the receiver has."""
    path = data / "sink" / "received.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def chaos(tmp_path: Path, bootstrap: str, prefix: str, strikes: list[Callable[[], Any]], *more: str) -> dict[str, Any]:
    """A run of which each strike on the brokers comes when mail flows (again); its figures."""
    data, figures = tmp_path / "data", tmp_path / "figures.json"
    options = ["--kills", "4", "--mails", "1200", "--sink", "plain", "--policy", "hold", "--every-s", "6"]
    places = ["--data", str(data), "--json", str(figures), "--log", f"kafka://{bootstrap}/{prefix}", *more]
    command = [sys.executable, "-m", "actors.main", "chaos", *options, *places]
    deadline = time.monotonic() + RUN_S
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        try:
            wanted = FIRST_MAILS
            for strike in strikes:
                while arrived(data) < wanted and run.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                strike()
                wanted = arrived(data) + BETWEEN_MAILS
            output, _ = run.communicate(timeout=max(1.0, deadline - time.monotonic()))
        finally:
            run.kill()
    assert run.returncode == 0, output
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def holds(found: dict[str, Any]) -> None:
    """What must hold of every run."""
    assert found["failures"] == []
    assert (found["lost"], found["unexplained"], found["duplicates"], found["difference"]) == (0, 0, 0, 0)
    assert found["violations"] == 0
    assert found["mails"] >= 1_200


def test_one_broker_is_killed_hangs_and_is_cut_off(one_broker: Brokers, tmp_path: Path, prefix: str) -> None:
    def kill() -> None:
        one_broker.kill(0)
        one_broker.restart(0)

    def hang() -> None:
        one_broker.freeze(0)
        time.sleep(HANG_S)
        one_broker.thaw(0)

    def cut(proxy: TcpProxy) -> None:
        proxy.cut()
        time.sleep(CUT_S)
        proxy.heal()

    def lose_replies(proxy: TcpProxy) -> None:
        proxy.lose_replies()
        time.sleep(2)
        proxy.heal()

    with proxied(one_broker) as (proxy,):
        strikes = [kill, hang, lambda: cut(proxy), lambda: lose_replies(proxy)]
        holds(chaos(tmp_path, one_broker.addresses(PROXIED), prefix, strikes, "--unsafe"))


def test_the_leader_of_control_is_killed_among_three(three_brokers: Brokers, tmp_path: Path, prefix: str) -> None:
    def kill_leader() -> None:
        with topics(three_brokers.bootstrap) as admin:
            # A run has topics of its own behind the prefix.
            (control,) = (name for name in admin.client.list_topics() if re.fullmatch(f"{prefix}.*control", name))
            leader = admin.leader(control)
        three_brokers.kill(leader)
        time.sleep(HANG_S)
        three_brokers.restart(leader)

    holds(chaos(tmp_path, three_brokers.bootstrap, prefix, [kill_leader, kill_leader]))
