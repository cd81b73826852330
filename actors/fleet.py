"""The composition root: builds each process from the settings, wraps it by ray.remote, starts, watches and stops the fleet.

Nothing else imports ray. Every actor restarts without limit and with empty memory, because all that counts is in the log. A process
whose ``run`` fails exits, so that its next life begins from the log as well; the watch starts ``run`` again.
"""

import asyncio
import faulthandler
import os
import secrets
import signal
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 would put mail behind everything else on the machine
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))

import ray
import ray._private.worker as ray_worker
from ray.exceptions import RayError

from actors import build
from actors.classifier import ClassifierActor
from actors.coordinator import CoordinatorActor
from actors.gates import gate
from actors.gateway import Gateway
from actors.inbox import Inbox
from actors.ledger import LedgerActor
from actors.lives import Lives
from actors.node import NodeActor
from fastemailnet.config import Settings
from fastemailnet.delivery.shares import Answer, Request
from fastemailnet.envelope import Lane, Position
from fastemailnet.errors import FleetError
from fastemailnet.flashsync.frames import Join

NAMESPACE = "fastemailnet"
OBJECT_STORE_OCTETS = 80_000_000  # nothing large ever goes through Ray
CALL_PAUSE_S = 0.2
START_S = 60.0
# that a stop waits for replies; most come within it, a peer may take ten minutes (RFC 5321 section 4.5.3.2.6)
DRAIN_S = 10.0
HUNG_S = 20.0


async def call(actor: str, method: str, *args: Any) -> Any:
    """Call a method of a named actor; the one place where the fleet's processes talk to each other.

    Raises:
        FleetError: the actor cannot be reached now.
    """
    try:
        return await getattr(ray.get_actor(actor, NAMESPACE), method).remote(*args)
    except (RayError, ValueError) as error:
        cause = getattr(error, "cause", None)
        if cause is not None:
            raise cause from error
        raise FleetError(f"{actor} cannot be reached: {type(error).__name__}") from error


async def persistently(actor: str, method: str, *args: Any) -> Any:
    """Call until the actor can be reached; for calls that are harmless to repeat."""
    while True:
        try:
            return await call(actor, method, *args)
        except FleetError:
            await asyncio.sleep(CALL_PAUSE_S)


async def or_exit(run: Callable[[], Awaitable[None]]) -> None:
    """Run a process's main loop; its end in any way is the end of the process."""
    try:
        await run()
    except asyncio.CancelledError:
        raise
    except BaseException:
        traceback.print_exc()
    os._exit(1)


async def stay_awake() -> None:
    """End this process if its loop hangs: the log fences it, but only its end frees its memory and tells whose fault it was."""
    while True:
        faulthandler.dump_traceback_later(HUNG_S, exit=True)
        await asyncio.sleep(HUNG_S / 10)


def _hear_nothing(worker: Any, stopped: threading.Event) -> None:
    """In the place of Ray's listener."""


class _Process:
    """What every process of the fleet answers."""

    async def pid(self) -> int:
        """Its process id."""
        return os.getpid()


class _Coordinator(CoordinatorActor, _Process):
    def __init__(self, settings: Settings) -> None:
        parts = (build.log(settings), build.policy(settings), settings.fleet.nodes, build.verdicts(settings))
        super().__init__(*parts)

    async def run(self) -> None:
        await or_exit(super().run)


class _Node(NodeActor, _Process):
    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.classifiers = cycle(settings.classifier.processes)
        super().__init__(**build.node_parts(settings, name, self.ask_join, self.ask_scores, self.ask_shares))

    async def ask_join(self, name: str, capacity: int, blamed: Position | None) -> tuple[Join, int]:
        """JOIN by the coordinator."""
        joined: tuple[Join, int] = await persistently("coordinator", "join", name, capacity, blamed)
        return joined

    async def ask_scores(self, texts: list[str], lane: Lane) -> list[tuple[float, float, float]]:
        """Scores by the classifiers in turn."""
        scores: list[tuple[float, float, float]] = await call(next(self.classifiers), "score", texts, lane)
        return scores

    async def ask_shares(self, request: Request) -> Answer | None:
        """Its parts of the fleet's limits by the coordinator."""
        answer: Answer | None = await call("coordinator", "lend", request)
        return answer

    async def run(self) -> None:
        if self.settings.classifier.enabled:
            hold, _ = await persistently("classifier", "gate")
            self.examiner.gate = gate(self.settings, hold)
        watchdog = asyncio.create_task(stay_awake())
        await or_exit(super().run)
        watchdog.cancel()


class _Classifier(ClassifierActor, _Process):
    def __init__(self, settings: Settings) -> None:
        super().__init__(*build.classifier_parts(settings))

    async def run(self) -> None:
        await asyncio.Event().wait()


class _Ledger(LedgerActor, _Process):
    def __init__(self, settings: Settings) -> None:
        super().__init__(**build.ledger_parts(settings))

    async def run(self) -> None:
        await or_exit(super().run)


class _Gateway(_Process):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.gateway: Gateway | None = None

    async def run(self) -> None:
        """Serve HTTP and SMTP."""
        await or_exit(self._serve)

    async def _serve(self) -> None:
        self.gateway = build.gateway(self.settings, call)
        await self.gateway.run()


class _Inbox(Inbox, _Process):
    def __init__(self, settings: Settings) -> None:
        super().__init__(**build.inbox_parts(settings))

    async def run(self) -> None:
        await or_exit(super().run)


class Fleet:
    """The running fleet, as its starter sees it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.actors: dict[str, Any] = {}
        self.runs: dict[Any, str] = {}
        self.asked: dict[Any, str] = {}  # calls that ask for a process id
        self.lives = Lives()

    def start(self, progress: Callable[[str], None] = lambda what: None) -> None:
        """Start Ray on this machine and every process of the fleet.

        Raises:
            FleetError: a process did not come up in time.
        """
        on_term = signal.getsignal(signal.SIGTERM)
        if not os.environ.get("FASTEMAILNET_VERBOSE"):
            # Ray prints a paragraph for each process that ends; the watch says it in a line, and starts it again.
            ray_worker.listen_error_messages = _hear_nothing
        ray.init(
            namespace=NAMESPACE,
            num_cpus=64,  # of logical room; the processes share the machine's cores as they need
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_OCTETS,
            log_to_driver=bool(os.environ.get("FASTEMAILNET_VERBOSE")),
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
        )
        signal.signal(signal.SIGTERM, on_term)  # ray.init takes it, but it is our caller's
        for name, actor, arguments in self.parts():
            progress(name)
            remote = ray.remote(num_cpus=0, max_restarts=-1, max_concurrency=1_000)(actor)
            self.actors[name] = remote.options(name=name).remote(self.settings, *arguments)
        for name in self.actors:
            self._run(name)
        for name, actor in self.actors.items():
            progress(f"{name} is up")
            try:
                self.lives.began(name, self._pid(actor))
            except RayError as error:
                raise FleetError(f"{name} did not start: {error}") from error

    def parts(self) -> list[tuple[str, type, tuple[Any, ...]]]:
        """Name, class and further arguments of each process."""
        parts: list[tuple[str, type, tuple[Any, ...]]] = [("coordinator", _Coordinator, ())]
        parts += [(name, _Classifier, ()) for name in self.settings.classifier.processes]
        if self.settings.route.kind == "sandbox":
            parts.append(("inbox", _Inbox, ()))
        parts += [(f"node-{number}", _Node, (f"node-{number}",)) for number in range(self.settings.fleet.nodes)]
        return [*parts, ("ledger", _Ledger, ()), ("gateway", _Gateway, ())]

    def _run(self, name: str) -> None:
        self.runs[self.actors[name].run.remote()] = name
        self._ask_pid(name)

    def _ask_pid(self, name: str) -> None:
        self.asked[self.actors[name].pid.remote()] = name

    def watch(self, seconds: float) -> list[str]:
        """Wait up to ``seconds``; start again what ended, and say what that was. Waits for no process: one may be frozen."""
        ended, _ = ray.wait(list(self.runs), timeout=seconds)
        self._hear_pids()
        names = []
        for run in ended:
            name = self.runs.pop(run)
            if self.lives.ended(name, time.monotonic()):
                names.append(name)
            if name.startswith("node-"):
                # Ray knows of an end in milliseconds, the log only by silence. A hint: what counts is the FENCE.
                self.actors["coordinator"].suspect.remote(name, "its process ended")
            time.sleep(CALL_PAUSE_S)
            self._run(name)
        return names

    def _hear_pids(self) -> None:
        answered, _ = ray.wait(list(self.asked), num_returns=len(self.asked), timeout=0) if self.asked else ([], [])
        for call in answered:
            name = self.asked.pop(call)
            try:
                self.lives.began(name, ray.get(call))
            except RayError:  # it ended before it answered
                self._ask_pid(name)

    def pids(self) -> dict[str, int]:
        """The process of each actor, as far as the watch has heard."""
        return dict(self.lives.known)

    def pid(self, name: str) -> int:
        """The process of one actor, once it is there."""
        return self._pid(self.actors[name])

    def _pid(self, actor: Any) -> int:
        deadline = time.monotonic() + START_S
        while True:
            try:
                pid: int = ray.get(actor.pid.remote(), timeout=START_S)
                return pid
            except RayError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(CALL_PAUSE_S)

    def stop(self) -> None:
        """Stop every process and the local Ray. Nothing needs to be saved: the log has it.

        But a mail whose end was written and whose reply is not here yet would be in doubt, so nodes wait for those for a while.
        """
        nodes = [actor for name, actor in self.actors.items() if name.startswith("node-")]
        if nodes:
            ray.wait(
                [node.drain.remote(DRAIN_S) for node in nodes], num_returns=len(nodes), timeout=DRAIN_S + CALL_PAUSE_S
            )
        ray.shutdown()
