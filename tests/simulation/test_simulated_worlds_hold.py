"""A short run of the simulator, and proof that it can fail: a rule taken out is found, replayed and made smaller."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from fastemailnet.admission.replay import Keys
from fastemailnet.envelope import Unit
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Fence, Outcome
from fastemailnet.flashsync.node import Release, Right
from fastemailnet.flashsync.unit import Attempt, Effect, Event, LogCopy
from tests.simulation.plan import PAIRS, plan
from tests.simulation.shrink import shrink
from tests.simulation.world import MIN_EVENTS, World


@pytest.mark.parametrize("first", range(0, 160, 20))
def test_schedules_hold(first: int) -> None:
    for seed in range(first, first + 20):
        world = World(plan(seed))
        assert world.run() == [], f"replay it: make sim SEED={seed} N=1"
        assert world.clock.events >= MIN_EVENTS


def test_every_pair_of_faults_comes_up() -> None:
    struck = {frozenset(strike.fault for strike in plan(seed).strikes) for seed in range(len(PAIRS))}
    assert struck == {frozenset(pair) for pair in PAIRS}


def test_a_seed_replays_exactly_in_any_process() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "28", "--count", "1", "--trace"]
    traces = [
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hashes}, capture_output=True, text=True, check=True
        )
        for hashes in ("1", "2")
    ]
    first, second = (trace.stdout.rpartition(" seconds=")[0] for trace in traces)
    assert first == second
    assert len(first.splitlines()) > 100


def facts_are_fenced(fold: Fold, spot: tuple[int, int], frame: Outcome) -> bool:
    return not fold.is_fenced((frame.node, frame.incarnation)) and FACT(fold, spot, frame)


def doubt_is_freed(fold: Fold, frame: Fence) -> bool:
    token = (frame.node, frame.incarnation)
    for spot in [spot for spot, entry in fold.open.items() if entry.token == token]:
        fold._close(spot)
    return FENCE(fold, frame)


def copy_forgets(attempt: Attempt, event: Event) -> list[Effect]:
    return [LogCopy() if isinstance(effect, LogCopy) else effect for effect in STEP(attempt, event)]


def keys_are_forgotten(keys: Keys, units: Sequence[Unit]) -> None:
    pass


def nothing_expires(attempt: Attempt, at_ms: int) -> bool:
    return False


def an_old_intent_will_do(right: Right, intent_sent_ms: int, now_ms: int) -> Release:
    return MAY_END(right, now_ms, now_ms)


FACT, FENCE, STEP, MAY_END = Fold._fact, Fold._fence, Attempt.step, Right.may_end
MUTANTS = [
    (Fold, "_fact", facts_are_fenced),
    (Fold, "_fence", doubt_is_freed),
    (Attempt, "step", copy_forgets),
    (Keys, "remember", keys_are_forgotten),
    (Attempt, "is_expired", nothing_expires),
    (Right, "may_end", an_old_intent_will_do),
]


@pytest.mark.parametrize(("machine", "method", "broken"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_rule_taken_out_is_found(machine: type, method: str, broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, method, broken)
    failing = next(seed for seed in range(2_000) if World(plan(seed)).run())
    small = shrink(plan(failing), lambda candidate: bool(World(candidate).run()))
    assert World(small).run()
    assert len(small.mails) <= 3
    assert len(small.strikes) <= 3
