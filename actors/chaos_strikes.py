"""What a chaos run does to a fleet, and how long each strike waits for the fleet to be whole again."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import TimeoutError as NeverSprung
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from actors.chaos_sink import ChaosSink, Phase
from actors.fleet import Fleet

TRAP_S = 15.0
SHORT_S, LONG_S = 1.0, 7.0  # a freeze that nobody notices, and one that ends in a fence
PAST_S = 55.0  # one that ends when its doubts were resolved long ago: above chaos.RETRY_DELAY_S and a fence


class Action(StrEnum):
    """Strikes."""

    KILL_NODE_AT = "kill -9 a node at"
    KILL_NODE = "kill -9 a node"
    STOP_NODE_AT = "SIGSTOP a node at"
    STOP_PAST = "SIGSTOP a node for 55 s at"
    STOP_SHORT = "SIGSTOP a node for 1 s"
    KILL_COORDINATOR = "kill -9 the coordinator"
    STOP_COORDINATOR = "SIGSTOP the coordinator for 7 s"
    KILL_GATEWAY = "kill -9 the gateway"
    STOP_GATEWAY = "SIGSTOP the gateway for 7 s"
    KILL_LEDGER = "kill -9 the ledger"
    STOP_LEDGER = "SIGSTOP the ledger for 7 s"


OTHERS = {
    Action.KILL_COORDINATOR: "coordinator",
    Action.STOP_COORDINATOR: "coordinator",
    Action.KILL_GATEWAY: "gateway",
    Action.STOP_GATEWAY: "gateway",
    Action.KILL_LEDGER: "ledger",
    Action.STOP_LEDGER: "ledger",
}
STOPS = (Action.STOP_COORDINATOR, Action.STOP_GATEWAY, Action.STOP_LEDGER)

# Every phase of a transaction and every process, in turn; half of all strikes hit a node in a known phase.
ROUND = (
    (Action.KILL_NODE_AT, Phase.KEPT),
    (Action.KILL_COORDINATOR, None),
    (Action.STOP_NODE_AT, Phase.END),
    (Action.KILL_GATEWAY, None),
    (Action.KILL_NODE_AT, Phase.INTENT),
    (Action.KILL_LEDGER, None),
    (Action.KILL_NODE_AT, Phase.REPLIED),
    (Action.STOP_GATEWAY, None),
    (Action.KILL_NODE_AT, Phase.MAIL),
    (Action.STOP_COORDINATOR, None),
    (Action.KILL_NODE_AT, Phase.RCPT),
    (Action.STOP_LEDGER, None),
    (Action.KILL_NODE_AT, Phase.END),
    (Action.STOP_SHORT, None),
    (Action.STOP_PAST, Phase.INTENT),
    (Action.KILL_NODE, None),
    (Action.KILL_NODE_AT, Phase.CONNECT),
    (Action.STOP_NODE_AT, Phase.KEPT),
    (Action.KILL_COORDINATOR, None),
    (Action.STOP_NODE_AT, Phase.REPLIED),
)


@dataclass
class Striker:
    """Strikes at random moments, in a thread of its caller."""

    fleet: Fleet
    sink: ChaosSink
    random: Random
    every_s: float
    counts: Counter[str]
    stopped: dict[int, float]  # process → when it is to go on

    def strike(self, number: int) -> str:
        """Strike once; what was done."""
        self.go_on(time.monotonic())
        time.sleep(self.every_s * (0.5 + self.random.random()))
        action, phase = ROUND[number % len(ROUND)]
        done = f"{action} {phase}" if phase is not None else str(action)
        match action:
            case Action.KILL_NODE_AT if phase is not None:
                self._trap(phase, kill)
            case Action.STOP_NODE_AT if phase is not None:
                self._trap(phase, self._stopper(LONG_S))
            case Action.STOP_PAST if phase is not None:
                self._trap(phase, self._stopper(PAST_S))
            case Action.KILL_NODE:
                kill(self._pid(f"node-{self.random.randrange(self.fleet.settings.fleet.nodes)}"))
            case Action.STOP_SHORT:
                self._stopper(SHORT_S)(self._awake())
            case _:
                self._other(action)
        self.counts[done] += 1
        return done

    def _other(self, action: Action) -> None:
        strike = self._stopper(LONG_S) if action in STOPS else kill
        strike(self._pid(OTHERS[action]))

    def _pid(self, name: str) -> int:
        return self.fleet.pids()[name]

    def _awake(self) -> int:
        """A node that is not stopped now."""
        now_s = time.monotonic()
        stopped = {pid for pid, at in self.stopped.items() if at > now_s}
        nodes = [self._pid(f"node-{number}") for number in range(self.fleet.settings.fleet.nodes)]
        return next((pid for pid in nodes if pid not in stopped), nodes[0])

    def _trap(self, phase: Phase, strike: Callable[[int], None]) -> None:
        sprung = self.sink.trap(phase, strike)
        try:
            sprung.result(TRAP_S)
        except NeverSprung:
            self.sink.traps.pop(phase, None)
            strike(self._awake())  # nothing was being sent: the next best moment is now

    def _stopper(self, seconds: float) -> Callable[[int], None]:
        def stop(pid: int) -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
            self.stopped[pid] = time.monotonic() + seconds
            threading.Timer(seconds, proceed, (pid,)).start()

        return stop

    def go_on(self, now_s: float) -> None:
        """Wait until at most one process is stopped, so that somebody is left to work."""
        while (left := sorted(at for at in self.stopped.values() if at > now_s)) and len(left) > 1:
            time.sleep(left[0] - now_s)
            now_s = time.monotonic()

    def release(self) -> None:
        """SIGCONT whatever is still stopped."""
        for pid in self.stopped:
            proceed(pid)


def kill(pid: int) -> None:
    """kill -9, if it lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def proceed(pid: int) -> None:
    """SIGCONT, if it lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
