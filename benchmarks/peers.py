"""The peers of a benchmark: a sink that counts, a load generator, and a Debian Postfix of its own, all on loopback."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.kafka.ports import free_ports

SESSIONS = 20
PATIENCE_S = 180.0


def free_port() -> int:
    """A port on loopback that nobody listens on now, and that no outgoing connection will be given."""
    return free_ports(1)[0]


@dataclass(slots=True)
class Sink:
    """The capture inbox as a process of its own."""

    process: psutil.Popen
    port: int
    file: Path

    def lines(self) -> int:
        """How many messages have arrived."""
        return self.file.read_bytes().count(b"\n") if self.file.exists() else 0

    def arrivals(self, start: int = 0) -> list[dict[str, object]]:
        """What arrived, from line ``start`` on."""
        return [json.loads(line) for line in self.file.read_text().splitlines()[start:]]

    def cpu_s(self) -> float:
        """CPU time used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def wait_for(self, lines: int, progress: object = None) -> float:
        """Wait until so many lines are there; the time at which they were.

        Raises:
            TimeoutError: they did not come.
        """
        deadline = time.monotonic() + PATIENCE_S
        while (have := self.lines()) < lines:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{have} of {lines} messages arrived within {PATIENCE_S:.0f} s")
            time.sleep(0.02)
        return time.monotonic()


@contextmanager
def sink(directory: Path) -> Iterator[Sink]:
    """A running sink."""
    command = [sys.executable, "-m", "actors.inbox", "--port", "0", "--directory", str(directory)]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(json.loads(process.stdout.readline())["port"])
        yield Sink(process, port, directory / "received.jsonl")
    finally:
        process.terminate()
        process.wait()


def generate(port: int, mails: int, octets: int) -> None:
    """Postfix's smtp-source: ``mails`` messages over SESSIONS sessions that stay open, to 127.0.0.1:port."""
    command = ["smtp-source", "-d", "-s", str(SESSIONS), "-m", str(mails), "-l", str(octets)]
    command += ["-f", "sender@bench.example", "-t", "recipient@bench.example", f"127.0.0.1:{port}"]
    subprocess.run(command, check=True)


@contextmanager
def postfix(directory: Path, relay_port: int, sessions: int = SESSIONS, more: str = "") -> Iterator[int]:
    """A plain Postfix with queue and configuration in ``directory``; the port it listens on. Needs root.

    Connections to the relay are as many as ours (``sessions``); DNS is off for both sides; nothing else is tuned but for the lines
    ``more`` of main.cf.
    """
    binary = shutil.which("postfix") or "/usr/sbin/postfix"
    config, queue, data = directory / "etc", directory / "queue", directory / "lib"
    for path in (config, queue, data):
        path.mkdir(parents=True)
    port = free_port()
    shutil.chown(data, "postfix")
    for path in [directory, *directory.parents]:
        if path.stat().st_mode & 0o001 == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    (config / "main.cf").write_text(MAIN.format(queue=queue, data=data, relay=relay_port, sessions=sessions) + more)
    master = Path("/usr/share/postfix/master.cf.dist")
    text = (master if master.exists() else Path("/etc/postfix/master.cf")).read_text()
    text = re.sub(r"^smtp\s+inet\s+(\S+\s+\S+\s+)y", rf"127.0.0.1:{port} inet \1n", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^(\S+\s+(?:unix|inet|fifo|pass)\s+\S+\s+\S+\s+)y", r"\1n", text, flags=re.MULTILINE)
    (config / "master.cf").write_text(text)
    environment = {**os.environ, "MAIL_CONFIG": str(config)}
    subprocess.run([binary, "-c", str(config), "start"], check=True, env=environment, capture_output=True)
    try:
        _wait_listening(port)
        yield port
    finally:
        subprocess.run([binary, "-c", str(config), "stop"], check=False, env=environment, capture_output=True)


MAIN = """\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
myhostname = bench.example.invalid
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{relay}
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
smtp_destination_concurrency_limit = {sessions}
initial_destination_concurrency = {sessions}
default_process_limit = 100
smtpd_recipient_restrictions = permit_mynetworks, reject
maillog_file = /dev/null
maillog_file_prefixes = /dev
alias_maps =
"""


def _wait_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def busy_s() -> float:
    """CPU time that the whole machine has spent on anything but idling."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
