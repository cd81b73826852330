"""What the capture inbox knows of the transactions whose message it keeps (CHECKPOINT, RFC 1845).

A transaction is known from the moment its line is durable, also after a restart, which reads the ids back from the capture file. Its
end may come twice, over a session that was cut and over the one that asks what became of it: whoever comes second waits for the first
and keeps only what the first did not, which is nothing, or recipients that the first did not have.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

MAX_KNOWN: Final = 500_000  # the newest


class Kept(NamedTuple):
    """A message that is kept: its octets, and for whom."""

    octets: int
    recipients: tuple[str, ...]


class _Line(msgspec.Struct, frozen=True):
    """What a line of the capture file says of a transaction."""

    transid: str
    octets: int
    recipients: list[str]


class Transactions:
    """The transactions of one inbox, by id."""

    def __init__(self, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self._known: dict[str, Kept] = {}  # oldest first
        self._on_their_way: dict[str, asyncio.Future[None]] = {}

    def recall(self, path: Path) -> None:
        """Read back what a capture file says."""
        decode = msgspec.json.Decoder(_Line).decode
        with path.open("rb") as file:
            for line in file:
                if b'"transid":' not in line:
                    continue
                with suppress(msgspec.MsgspecError):  # a line that is none of ours names no transaction of ours
                    said = decode(line)
                    self.remember(said.transid, said.octets, said.recipients)

    async def find(self, transid: str) -> Kept | None:
        """What is kept of a transaction, once nothing of it is being written."""
        while writing := self._on_their_way.get(transid):
            await asyncio.shield(writing)  # a future of our own: a policy's first wait may not be on a shared one
        return self._known.get(transid)

    @asynccontextmanager
    async def keeping(self, transid: str, recipients: Sequence[str]) -> AsyncIterator[list[str]]:
        """The recipients for whom the message is still to be kept, by the body of the block, while others wait for it."""
        kept = await self.find(transid)
        writing = self._on_their_way[transid] = asyncio.get_running_loop().create_future()
        try:
            yield [recipient for recipient in recipients if kept is None or recipient not in kept.recipients]
        finally:
            del self._on_their_way[transid]
            writing.set_result(None)

    def remember(self, transid: str, octets: int, recipients: Sequence[str]) -> None:
        """The message is kept for these recipients too."""
        kept = self._known.pop(transid, None)
        before = () if kept is None else kept.recipients
        self._known[transid] = Kept(octets, (*before, *recipients))
        if len(self._known) > self._max_known:
            del self._known[next(iter(self._known))]
