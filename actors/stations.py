"""How many units of a node are in each state of the life cycle. Who is idle is not here: it comes from there and goes there."""

from collections import Counter
from dataclasses import dataclass

from fastemailnet.lifecycle import Event, State, step


@dataclass(slots=True)
class Stations:
    """How many units of a node are in each state of the life cycle."""

    counts: Counter[State]

    def move(self, state: State, event: Event) -> State:
        """Follow the table, and count."""
        after = step(state, event)
        if state is not State.IDLE:
            self.counts[state] -= 1
        if after is not State.IDLE:
            self.counts[after] += 1
        return after
