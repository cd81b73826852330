"""Who is next where lanes share something scarce: deficit round robin (Shreedhar and Varghese, 1995) with weights 16 : 4 : 1.

A lane whose turn it is takes up to its weight of entries, then the next one's turn begins; an idle lane is passed over and
saves nothing up, and one with something waiting is served in every round, so none starves. Every entry costs the same: what is
shared is a turn. Within a lane the tenants take turns, one entry each.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Generic, TypeVar

from fastemailnet.envelope import Lane

WEIGHTS = {Lane.TRANSACTIONAL: 16, Lane.STANDARD: 4, Lane.BULK: 1}
T = TypeVar("T")


class Line(Generic[T]):
    """The entries of one lane: each tenant's in their order, and the tenants by turns."""

    def __init__(self) -> None:
        self.tenants: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self.tenants.values()))

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self.tenants.values())

    def put(self, tenant: str, entry: T) -> None:
        """Wait behind the tenant's others."""
        self.tenants.setdefault(tenant, deque()).append(entry)

    def take(self) -> T:
        """The next entry of the tenant whose turn it is."""
        tenant, entries = self.tenants.popitem(last=False)
        entry = entries.popleft()
        if entries:
            self.tenants[tenant] = entries
        return entry

    def withdraw(self, tenant: str, entry: T) -> None:
        """Wait no longer; nothing where it does not wait."""
        entries = self.tenants.get(tenant, deque())
        with suppress(ValueError):
            entries.remove(entry)
        if not entries:
            self.tenants.pop(tenant, None)


class Turns(Generic[T]):
    """Entries that wait, by lane."""

    def __init__(self) -> None:
        self.waiting: dict[Lane, Line[T]] = {lane: Line() for lane in WEIGHTS}
        self.credit = dict.fromkeys(WEIGHTS, 0)
        self.round = deque(WEIGHTS)

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def __bool__(self) -> bool:
        return any(line.tenants for line in self.waiting.values())

    def is_empty(self, lane: Lane) -> bool:
        """Whether nothing of the lane waits."""
        return not self.waiting[lane].tenants

    def entries(self) -> Iterator[T]:
        """All that wait, in no order."""
        return chain.from_iterable(self.waiting.values())

    def part_of(self, lane: Lane) -> float:
        """Of all turns, those that the lane gets while the lanes that wait now do."""
        others = sum(weight for other, weight in WEIGHTS.items() if other is not lane and not self.is_empty(other))
        return WEIGHTS[lane] / (WEIGHTS[lane] + others)

    def put(self, lane: Lane, entry: T, tenant: str = "") -> None:
        """Wait behind the others of the lane and tenant."""
        self.waiting[lane].put(tenant, entry)

    def withdraw(self, lane: Lane, entry: T, tenant: str = "") -> None:
        """Wait no longer; nothing where it does not wait."""
        self.waiting[lane].withdraw(tenant, entry)

    def take(self, may: Callable[[Lane], bool] = lambda lane: True) -> tuple[Lane, T] | None:
        """The next entry among the lanes that ``may`` be served now."""
        for _ in range(len(self.round) + 1):
            lane = self.round[0]
            if not self.is_empty(lane) and self.credit[lane] and may(lane):
                self.credit[lane] -= 1
                return lane, self.waiting[lane].take()
            self.round.rotate(-1)
            self.credit[self.round[0]] = WEIGHTS[self.round[0]]  # its turn begins
        return None
