"""Fill: what a node will need next is fetched before its turn comes (after Open Connect's fill, where a manifest says what is needed).

A lease is longer than what a node works on at once, so the records behind those in work are its manifest. For each new
destination among them the MX answer is looked up and a connection is made, TLS and all, while others are still being sent. A
hint: what is missing is made when it is needed.
"""

import asyncio
from collections.abc import Callable, Coroutine

from fastemailnet.admission.reading import read_unit
from fastemailnet.envelope import SEVERAL, Position, Unit
from fastemailnet.log.interface import Log, Where
from fastemailnet.log.tail import read

AHEAD_UNITS = 32
MAX_AT_ONCE = 16
MAX_KNOWN = 10_000


class Fill:
    """Looks ahead in the leases of one incarnation. ``warm`` makes a domain ready, and may fail as it likes."""

    def __init__(self, log: Log, warm: Callable[[str], Coroutine[None, None, None]]) -> None:
        self.log = log
        self.warm = warm
        self.reached: dict[tuple[str, int], int] = {}
        self.known: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    async def look(self, where: Where, lo: int, hi: int) -> None:
        """The records [lo, hi) of a lease come next."""
        lo = max(lo, self.reached.get(where, 0))
        count = min(hi - lo, AHEAD_UNITS)
        if count <= 0 or len(self.tasks) >= MAX_AT_ONCE:
            return
        self.reached[where] = lo + count
        async for records in read(self.log, where, lo, lo + count):
            for offset, record in records:
                unit = read_unit(record, Position(*where, offset))
                if isinstance(unit, Unit) and unit.domain != SEVERAL:  # else whoever takes it says what is to be done
                    self._begin(unit.domain)

    def _begin(self, domain: str) -> None:
        if domain in self.known or len(self.tasks) >= MAX_AT_ONCE:
            return
        if len(self.known) >= MAX_KNOWN:
            self.known.clear()
        self.known.add(domain)
        task = asyncio.create_task(self.warm(domain))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
