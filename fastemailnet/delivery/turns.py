"""Who is next where lanes share something scarce: deficit round robin (Shreedhar and Varghese, 1995) with weights 16 : 4 : 1.

A lane whose turn it is takes up to its weight of entries, then the next one's turn begins; an idle lane is passed over and
saves nothing up, and one with something waiting is served in every round, so none starves. Every entry costs the same: what is
shared is a turn.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from fastemailnet.envelope import Lane

WEIGHTS = {Lane.TRANSACTIONAL: 16, Lane.STANDARD: 4, Lane.BULK: 1}
T = TypeVar("T")


class Turns(Generic[T]):
    """Entries that wait, by lane."""

    def __init__(self) -> None:
        self.waiting: dict[Lane, deque[T]] = {lane: deque() for lane in WEIGHTS}
        self.credit = dict.fromkeys(WEIGHTS, 0)
        self.round = deque(WEIGHTS)

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def entries(self) -> Iterator[T]:
        """All that wait, in no order."""
        return chain.from_iterable(self.waiting.values())

    def put(self, lane: Lane, entry: T) -> None:
        """Wait behind the others of the lane."""
        self.waiting[lane].append(entry)

    def take(self, may: Callable[[Lane], bool] = lambda lane: True) -> tuple[Lane, T] | None:
        """The next entry among the lanes that ``may`` be served now."""
        for _ in range(len(self.round) + 1):
            lane = self.round[0]
            if self.waiting[lane] and self.credit[lane] and may(lane):
                self.credit[lane] -= 1
                return lane, self.waiting[lane].popleft()
            self.round.rotate(-1)
            self.credit[self.round[0]] = WEIGHTS[self.round[0]]  # its turn begins
        return None
