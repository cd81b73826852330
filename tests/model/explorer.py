"""Breadth-first search over the worlds, so that the first violation comes with a shortest trace."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.model.invariants import stuck, violations
from tests.model.steps import Model
from tests.model.world import World, genesis


@dataclass(slots=True)
class Report:
    """What a search found."""

    states: int = 0
    seconds: float = 0.0
    complete: bool = True
    violation: str = ""
    trace: list[str] = field(default_factory=list)


def explore(model: Model, max_states: int, progress: Callable[[int], None] = lambda states: None) -> Report:
    """Visit every reachable world, or stop at the first violation or at ``max_states``."""
    started = time.monotonic()
    first = genesis()
    parents: dict[World, tuple[World | None, str]] = {first: (None, "start")}
    queue = deque([first])
    report = Report()
    while queue and not report.violation:
        world = queue.popleft()
        report.states += 1
        if report.states % 2_000 == 0:
            progress(report.states)
        successors = list(model.steps(world))
        broken = next(iter(violations(world, model)), "") or ("" if successors else next(iter(stuck(world, model)), ""))
        if broken:
            report.violation, report.trace = broken, path(parents, world)
        if len(parents) > max_states:
            report.complete = False
            break
        for says, after in successors:
            if after not in parents:
                parents[after] = (world, says)
                queue.append(after)
    report.seconds = time.monotonic() - started
    return report


def path(parents: dict[World, tuple[World | None, str]], world: World) -> list[str]:
    """The steps that led to a world."""
    steps = []
    at: World | None = world
    while at is not None:
        at, says = parents[at]
        steps.append(says)
    return steps[-2::-1]
