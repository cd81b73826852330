"""A loop whose clock jumps to whatever is due next: hours of waiting take as long as what happens in them."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine

import pytest


class Jumping(selectors.DefaultSelector):
    """Waits for nothing: the clock is ahead by as much."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += timeout or 0.0
        return super().select(0)


def clock_s() -> float:
    """The one clock of all."""
    return asyncio.get_running_loop().time()


def run(monkeypatch: pytest.MonkeyPatch, story: Callable[[], Coroutine[None, None, None]]) -> None:
    """Have it happen by a clock that jumps."""
    selector = Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s  # type: ignore[method-assign]
    for module in ("fastemailnet.net.scope", "actors.sharing"):
        monkeypatch.setattr(f"{module}.since_boot_s", lambda: selector.now_s)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story())
