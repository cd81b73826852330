"""The attempts that are open, and what is asked about them with every frame and every plan: never by a look at all of them.

What is in doubt may wait for a person for weeks, a hundred thousand of it, while a plan is made a hundred times a second. So beside
the attempts themselves stand those of each incarnation that are not in doubt, which its fence puts there; the doubts, in the order in
which they came to be what they are; and how many places of each lease are in doubt. All of it follows from the attempts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from fastemailnet.flashsync.lease import Open, Spot, Token


class Opened(dict[Spot, Open]):
    """Where each INTENT stands → what it opened. Changed by item, ``pop`` and ``clear`` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: defaultdict[Token, dict[Spot, None]] = defaultdict(dict)  # not in doubt, by who may bring a fact
        self.doubts: dict[Spot, tuple[int, Open]] = {}  # with the number of their latest change, ascending
        self.changes = 0  # of doubts
        self.doubted: Counter[int] = Counter()  # lease → its places in doubt

    def __setitem__(self, spot: Spot, entry: Open) -> None:
        self._leave(spot)
        super().__setitem__(spot, entry)
        if entry.doubt_ms is None:
            self.expected[entry.token][spot] = None
            return
        self.changes += 1
        self.doubts[spot] = self.changes, entry
        self.doubted[entry.lease] += 1

    def __delitem__(self, spot: Spot) -> None:
        self._leave(spot)
        super().__delitem__(spot)

    def pop(self, spot: Spot, *default: Any) -> Any:
        """Remove an attempt, and say which it was."""
        self._leave(spot)
        return super().pop(spot, *default)

    def clear(self) -> None:
        """Remove all."""
        for spot in list(self):
            del self[spot]

    def copy(self) -> "Opened":
        """An independent copy."""
        made = Opened()
        dict.update(made, self)
        made.expected.update((token, spots.copy()) for token, spots in self.expected.items())
        made.doubts, made.changes, made.doubted = self.doubts.copy(), self.changes, self.doubted.copy()
        return made

    def since(self, change: int) -> Iterator[tuple[int, Open]]:
        """The doubts that came to be, or became others, behind a change; newest first."""
        for number, entry in reversed(self.doubts.values()):
            if number <= change:
                return
            yield number, entry

    def _leave(self, spot: Spot) -> None:
        entry = self.get(spot)
        if entry is None:
            return
        if entry.doubt_ms is not None:
            del self.doubts[spot]
            self.doubted[entry.lease] -= 1
            if not self.doubted[entry.lease]:
                del self.doubted[entry.lease]
            return
        spots = self.expected[entry.token]
        del spots[spot]
        if not spots:
            del self.expected[entry.token]
