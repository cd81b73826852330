"""Breadth-first search over the worlds, so that the first violation comes with a shortest trace."""

import time
from dataclasses import dataclass, field
from itertools import pairwise

from fastemailnet.errors import IllegalTransition
from tests.model.steps import Model, is_quiet
from tests.model.world import World


@dataclass(slots=True)
class Report:
    """What a search found."""

    states: int = 0
    seconds: float = 0.0
    complete: bool = True
    violation: str = ""
    trace: list[str] = field(default_factory=list)


def explore(model: Model, max_states: int) -> Report:
    """Visit every reachable world, or stop at the first violation or behind ``max_states``."""
    started = time.monotonic()
    first = model.genesis()
    parents: dict[World, World | None] = {first: None}
    frontier = [first]
    report = Report()
    while frontier and not report.violation and report.complete:
        behind: list[World] = []
        for world in frontier:
            try:
                moves = model.moves(world)
            except (AssertionError, IllegalTransition) as error:  # a machine that finds itself misused is a finding too
                report.violation = f"{type(error).__name__}: {error}"
                report.trace = trace(model, parents, world)
                break
            if is_quiet(moves) and (stuck := model.stuck(world)):
                report.violation, report.trace = stuck, trace(model, parents, world)
                break
            for move, after, broken in moves:
                if broken:
                    # Its world may have been reached innocently before, so the way to it is the way to the step that breaks.
                    report.violation, report.trace = broken, [*trace(model, parents, world), model.says(move)]
                    break
                if after not in parents:
                    parents[after] = world
                    behind.append(after)
            if report.violation:
                break
        report.complete = len(parents) <= max_states
        frontier = behind
    report.states = len(parents)
    report.seconds = time.monotonic() - started
    return report


def trace(model: Model, parents: dict[World, World | None], world: World) -> list[str]:
    """What happened on the way to a world."""
    path = [world]
    while (before := parents[path[-1]]) is not None:
        path.append(before)
    path.reverse()
    said = []
    for before, after in pairwise(path):
        said.append(next(model.says(move) for move, reached, _ in model.moves(before) if reached == after))
    return said
