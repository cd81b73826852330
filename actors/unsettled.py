"""Messages of which nobody knows whether they are in the log, and the search for them.

A search has one place in each partition: up to there it has looked for everybody who is wanted. So whoever comes again has only
what is new read, and has it read for all others as well: many come again when a broker does, and a record is read once, however many
they are. Who is wanted from further back has the search begin again there.

    wanted from 3, looked up to 9    a new one is wanted from 7 ▸ looked up to 7 ▸ a look reads 7 to the end, for both

One look of a partition runs at a time. Reading is in a thread; what it finds is noted on the loop.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from actors.key_file import Where
from fastemailnet.admission.replay import First

Found = tuple[
    int, list[tuple[bytes, str]]
]  # the end that was read up to, and each unit of the wanted: message and domain
Read = Callable[[Where, int, Container[bytes]], Found]


@dataclass(slots=True)
class Unsettled:
    """A message that may be in the log: under a key, and behind which offset."""

    where: Where
    since: int  # an offset before all of it
    first: First


@dataclass(slots=True)
class _Part:
    """The search of one partition."""

    looked: int = 0  # below this offset everybody was looked for
    wanted: dict[bytes, set[str]] = field(default_factory=dict)  # message → domains of its units, each of which has one
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def want(self, message: bytes, start: int) -> None:
        if message not in self.wanted:
            self.looked = min(self.looked, start) if self.wanted or self.looking.locked() else start
            self.wanted[message] = set()

    def note(self, found: Iterable[tuple[bytes, str]]) -> None:
        for message, domain in found:
            if message in self.wanted:
                self.wanted[message].add(domain)


class Search:
    """Looks for messages. ``read`` reads a partition from an offset to its end, in a thread."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.parts: defaultdict[Where, _Part] = defaultdict(_Part)

    def want(self, where: Where, message: bytes, start: int, there: Iterable[str] = ()) -> None:
        """A message may be there from ``start`` on, unless it is wanted already. ``there``: domains of its units that were seen."""
        part = self.parts[where]
        part.want(message, start)
        part.note((message, domain) for domain in there)

    def drop(self, where: Where, message: bytes) -> None:
        """Nobody asks for it any more."""
        self.parts[where].wanted.pop(message, None)

    async def look(self, where: Where, message: bytes) -> tuple[int, set[str]]:
        """The end of the log, and the domains of one wanted message whose units are before it.

        Raises:
            LogError: the log cannot be read.
        """
        part = self.parts[where]
        async with part.looking:
            start = part.looked
            part.looked = _FAR  # whoever is wanted meanwhile from before the end draws it back
            end = start
            try:
                end, found = await asyncio.to_thread(self.read, where, start, part.wanted)
                part.note(found)
            finally:
                part.looked = min(part.looked, end)
            return end, set(part.wanted.get(message, ()))


_FAR = 1 << 62
