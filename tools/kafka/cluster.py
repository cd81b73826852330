"""A cluster of brokers in a folder: start, kill -9, restart, freeze, thaw, stop.

Used as a context manager, the brokers end with this process, however it ends. Started by ``start`` alone they stay, and
``Brokers.open`` finds them again by what is in the folder: ``plan.json``, ``tls/`` and a folder for each broker.
"""

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import psutil

from tools.kafka import certificates, jars
from tools.kafka.broker import Broker, NotReady
from tools.kafka.guard import Guard
from tools.kafka.plan import MECHANISM, USER, Plan, Shape, make
from tools.kafka.ports import LOOPBACK

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 60
POLL_S = 0.05


class Brokers:
    """Real brokers, numbered from 0."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder.resolve()
        self.plan = plan
        self.authority = self.folder / "tls" / "ca.pem"  # what a client of a TLS listener trusts
        self.software = jars.fetch()
        self._all = [Broker(self.folder / str(node.id), plan, node, self.software) for node in plan.nodes]
        self._guard: Guard | None = None

    @classmethod
    def create(cls, folder: Path, shape: Shape | None = None) -> Self:
        """Plan a new cluster in an empty folder. Nothing is started.

        Raises:
            Unavailable: Java, Maven or the jars are not to be had.
        """
        plan = make(shape or Shape())
        brokers = cls(folder, plan)
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / "plan.json"
        secret.touch(mode=0o600)
        secret.write_bytes(msgspec.json.encode(plan))
        return brokers

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The cluster that was made there before, running or not."""
        return cls(folder, msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan))

    @property
    def bootstrap(self) -> str:
        """``host:port,…`` of the first protocol."""
        return self.addresses(self.plan.shape.protocols[0])

    def addresses(self, listener: str) -> str:
        """``host:port,…`` of all brokers' listeners of that name, as clients are told them."""
        return ",".join(f"{LOOPBACK}:{each.listener(listener).advertised}" for each in self.plan.nodes)

    def client_settings(self, listener: str) -> dict[str, Any]:
        """Keyword arguments for any client of kafka-python: where, how, as whom."""
        protocol = self.plan.nodes[0].listener(listener).protocol
        settings: dict[str, Any] = {"bootstrap_servers": self.addresses(listener), "security_protocol": protocol}
        if protocol.endswith("SSL"):
            settings |= {"ssl_cafile": str(self.authority)}
        if protocol.startswith("SASL"):
            settings |= {"sasl_mechanism": MECHANISM}
            settings |= {"sasl_plain_username": USER, "sasl_plain_password": self.plan.password}
        return settings

    def start(self, *java_options: str) -> Self:
        """Start what is not running, on new data folders where there are none, and wait until all answer.

        Raises:
            NotReady: a port is taken, or a broker did not come up.
        """
        missing = [number for number in range(len(self._all)) if number not in self.running()]
        self._prepare([self._all[number] for number in missing])
        for number in missing:
            self._spawn(number, *java_options)
        for number in range(len(self._all)):
            self._await(number)
        return self

    def stop(self) -> None:
        """Ask all to end, and kill those that have not after ``STOP_TIMEOUT_S``."""
        running = [self._all[number] for number in self.running()]
        for broker in running:
            broker.process.resume()
            broker.process.terminate()
        _, left = psutil.wait_procs([broker.process for broker in running], timeout=STOP_TIMEOUT_S)
        for process in left:
            process.kill()
        for broker in running:
            broker.gone()

    def __enter__(self) -> Self:
        self._guard = Guard()
        try:
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self.running():
            self.kill(number)
        if self._guard is not None:
            self._guard.close()

    def running(self) -> list[int]:
        """The brokers whose process is there, frozen or not."""
        return [number for number, broker in enumerate(self._all) if broker.is_running()]

    def kill(self, number: int) -> None:
        """kill -9, and wait until the process is gone."""
        self._all[number].kill()

    def restart(self, number: int) -> None:
        """Start a killed broker on its old data, and wait until the cluster counts it in again."""
        self._spawn(number)
        self._await(number)

    def freeze(self, number: int) -> None:
        """SIGSTOP: its connections stay open, and nothing answers."""
        self._all[number].process.suspend()

    def thaw(self, number: int) -> None:
        """SIGCONT."""
        self._all[number].process.resume()

    def log(self, number: int) -> Path:
        """What a broker has said, over all its lives."""
        return self._all[number].log

    def pid(self, number: int) -> int:
        """The process of a broker that runs."""
        found: int = self._all[number].process.pid
        return found

    def resident_octets(self, number: int) -> int:
        """The memory that a broker holds now."""
        held: int = self._all[number].process.memory_info().rss
        return held

    def _prepare(self, brokers: list[Broker]) -> None:
        if any(each.endswith("SSL") for each in self.plan.shape.protocols) and not self.authority.exists():
            certificates.make(self.authority.parent)
        for broker in brokers:
            broker.write_settings(self.authority.parent)
        for formatting in [broker.format() for broker in brokers if not broker.is_formatted()]:
            said, _ = formatting.communicate(timeout=READY_TIMEOUT_S)
            if formatting.returncode != 0:
                raise NotReady(f"a data folder could not be formatted:\n{said.decode(errors='replace')[-2_000:]}")

    def _spawn(self, number: int, *java_options: str) -> None:
        belongs = {"process_group": self._guard.group} if self._guard else {"start_new_session": True}
        self._all[number].spawn(*java_options, **belongs)

    def _await(self, number: int) -> None:
        broker = self._all[number]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not broker.answers():
            if not broker.is_running():
                raise NotReady(f"broker {number} ended while it started:\n{broker.last_lines()}")
            if time.monotonic() > deadline:
                raise NotReady(f"broker {number} did not answer within {READY_TIMEOUT_S} s:\n{broker.last_lines()}")
            time.sleep(POLL_S)
