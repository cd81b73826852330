"""One broker: its folder, its process, and whether it answers.

The folder holds ``server.properties``, ``broker.log``, ``pid``, ``tmp`` and ``data``. The pid file lets another process
find the broker again; a number that has a new owner since is told apart by the settings file in its command line.
"""

import contextlib
import socket
import subprocess
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tools.kafka.jars import Software
from tools.kafka.plan import INTERNAL, Node, Plan, properties, scram_user, to_text, voters
from tools.kafka.ports import LOOPBACK, is_free

LOG_SETTINGS = Path(__file__).parent / "log4j2.properties"
ANSWER_TIMEOUT_MS = 3_000
LOG_TAIL_LINES = 15


class NotReady(Exception):
    """A broker did not come up; the message says why, as far as it is known."""


class Broker:
    """A broker that runs or does not."""

    def __init__(self, home: Path, plan: Plan, node: Node, software: Software) -> None:
        self.home = home
        self.log = home / "broker.log"
        self.data = home / "data"
        self._settings = home / "server.properties"
        self._pid = home / "pid"
        self._plan = plan
        self._node = node
        self._software = software
        self._process = self._find()

    def write_settings(self, tls: Path) -> None:
        """Make the folder and write what the plan says; before each start, so that the plan stays the one source."""
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        self._settings.write_text(to_text(properties(self._plan, self._node, self.data, tls)))

    def is_formatted(self) -> bool:
        """Whether the data folder belongs to a cluster already."""
        return (self.data / "meta.properties").exists()

    def format(self) -> "subprocess.Popen[bytes]":
        """Begin to format the data folder; the caller waits."""
        command = [*self._java(), "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", self._plan.cluster_id, "--config", str(self._settings)]
        command += ["--initial-controllers", voters(self._plan), *scram_user(self._plan)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def spawn(self, *java_options: str, **belongs: Any) -> None:
        """Start the process; ``belongs`` is handed to ``Popen`` and says to which group it belongs."""
        for each in self._node.listeners:
            if not is_free(each.port):
                raise NotReady(
                    f"port {each.port}, for {each.name} of broker {self._node.id}, is taken by another program"
                )
        command = [*self._java(*java_options), "kafka.Kafka", str(self._settings)]
        with self.log.open("ab") as log:
            self._process = psutil.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **belongs
            )
        self._pid.write_text(f"{self._process.pid}\n")

    @property
    def process(self) -> psutil.Process:
        """The process of a broker that runs."""
        assert self._process is not None, f"broker {self._node.id} does not run"
        return self._process

    def is_running(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self._process is not None and _is_alive(self._process)

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        self.process.kill()
        self.gone()

    def gone(self) -> None:
        """Wait for the end of the process, and forget it."""
        self.process.wait()
        self._process = None
        self._pid.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it serves clients, and the cluster counts it in."""
        port = self._node.listener(INTERNAL).port
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()  # cheaper than a client, and enough to say no
            limits = {"bootstrap_timeout_ms": ANSWER_TIMEOUT_MS, "request_timeout_ms": ANSWER_TIMEOUT_MS}
            admin = KafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{port}", **limits)
        except (OSError, KafkaError):
            return False
        with contextlib.closing(admin):
            try:
                cluster = admin.describe_cluster()
            except (OSError, KafkaError):
                return False
        counted = {each["broker_id"] for each in cluster["brokers"] if not each.get("is_fenced")}
        return self._node.id in counted and cluster["controller_id"] >= 0

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def _java(self, *options: str) -> list[str]:
        limits = [f"-Xmx{self._plan.shape.heap_mib}m", "-Xms64m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
        # The quick compiler alone: a start costs 2.8 s of CPU instead of 4.4 s, and a record no more than with both.
        quick = ["-XX:TieredStopAtLevel=1"]
        if self._software.archive.exists():
            quick += [f"-XX:SharedArchiveFile={self._software.archive}"]
        # What a JVM keeps in its temporary folder stays after a kill -9; so that folder is one of ours.
        traces = [
            "-XX:-UsePerfData",
            f"-Djava.io.tmpdir={self.home / 'tmp'}",
            f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
        ]
        return ["java", *limits, *quick, *traces, *options, "-cp", f"{self._software.jars}/*"]

    def _find(self) -> psutil.Process | None:
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int(self._pid.read_text()))
            if str(self._settings) in process.cmdline():
                return process
        return None


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
