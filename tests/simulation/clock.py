"""Virtual time in microseconds, and processes: what a dead one was to do is dropped, what a frozen one was to do waits."""

import heapq
from collections.abc import Callable
from typing import Any

MS = 1_000
SECOND = 1_000_000


class Clock:
    """Runs events in the order of their times; equal times in the order of their making."""

    def __init__(self) -> None:
        self.now = 0
        self.events = 0
        self._made = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []

    def after(self, delay: int, call: Callable[..., None], *args: Any) -> None:
        """Call in ``delay`` microseconds."""
        self._made += 1
        heapq.heappush(self._heap, (self.now + delay, self._made, call, args))

    def step(self) -> bool:
        """Run the next event; False if there is none."""
        if not self._heap:
            return False
        self.now, _, call, args = heapq.heappop(self._heap)
        self.events += 1
        call(*args)
        return True

    @property
    def next_at(self) -> int:
        """When the next event is due."""
        return self._heap[0][0] if self._heap else self.now

    @property
    def now_ms(self) -> int:
        """Now, in milliseconds."""
        return self.now // MS


class Process:
    """Something that can be killed and frozen."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.clock = clock
        self.name = name
        self.is_alive = True
        self.frozen_until = 0

    def later(self, delay: int, call: Callable[..., None], *args: Any) -> None:
        """Call in ``delay`` microseconds of this process, if it lives then, and not before it thaws."""
        self.clock.after(delay, self._run, call, args)

    def _run(self, call: Callable[..., None], args: tuple[Any, ...]) -> None:
        if not self.is_alive:
            return
        if self.frozen_until > self.clock.now:
            self.clock.after(self.frozen_until - self.clock.now, self._run, call, args)
        else:
            call(*args)

    def freeze(self, duration: int) -> None:
        """SIGSTOP, and SIGCONT behind ``duration``."""
        self.frozen_until = max(self.frozen_until, self.clock.now + duration)

    def kill(self) -> None:
        """kill -9."""
        self.is_alive = False
