"""What the bodies of requests take of memory, over all of them, and of time.

A body counts as it comes, not as it is announced: who announces much and sends nothing takes no room from others. Where all together
come to hold more than they may, the one that holds most of those still coming has to come again (429), so that neither slow senders nor
large ones keep small mail out. Bodies that have come whole wait for the log; what they hold is refused to who begins.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fastemailnet.errors import LimitExceeded, MessageError

BODY_S: Final = 600.0  # for a body to come whole
_WHAT: Final = "octets of requests in work"


@dataclass(slots=True, eq=False)
class Held:
    """What one request holds. ``patience``: of who reads its body, while it is coming."""

    octets: int = 0
    patience: asyncio.Timeout | None = None


class Intake:
    """The bodies of all requests. One alone may hold any number of octets."""

    def __init__(self, limit_octets: int) -> None:
        self.limit_octets = limit_octets
        self.octets = 0
        self.whole_octets = 0  # of these, by bodies that have come
        self.coming: set[Held] = set()

    @contextmanager
    def hold(self, announced_octets: int) -> Iterator[Held]:
        """A request, as long as it is worked on.

        Raises:
            LimitExceeded: what waits for the log leaves no room for so much.
        """
        if self.whole_octets and self.whole_octets + announced_octets > self.limit_octets:
            raise LimitExceeded(_WHAT, self.whole_octets + announced_octets, self.limit_octets)
        held = Held()
        try:
            yield held
        finally:
            self.octets -= held.octets
            self.whole_octets -= held.octets

    async def read(self, held: Held, chunks: AsyncIterator[bytes], most_octets: int) -> bytes | int:
        """The body; if it is over ``most_octets``, how many have come.

        Raises:
            LimitExceeded: it holds most of what is too much together.
            MessageError: it takes too long, or does not end.
        """
        came: list[bytes] = []
        begun_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(BODY_S) as held.patience:
                self.coming.add(held)
                async for chunk in chunks:
                    came.append(chunk)
                    self.grow(held, len(chunk))
                    if held.octets > most_octets:
                        return held.octets
        except TimeoutError:
            if asyncio.get_running_loop().time() < begun_s + BODY_S:
                raise LimitExceeded(_WHAT, self.octets, self.limit_octets) from None
            raise MessageError(f"more than {BODY_S:.0f} s", "request body", f"{BODY_S:.0f} s") from None
        finally:
            self.coming.discard(held)
            self.whole_octets += held.octets
        return came[0] if len(came) == 1 else b"".join(came)

    def grow(self, held: Held, octets: int) -> None:
        """More has come of a body.

        Raises:
            LimitExceeded: it holds most of what is too much together.
        """
        held.octets += octets
        self.octets += octets
        while self.octets > self.limit_octets:
            largest = max(self.coming, key=lambda one: one.octets)
            if largest.octets == self.octets:
                return
            if largest is held:
                raise LimitExceeded(_WHAT, self.octets, self.limit_octets)
            self._send_away(largest)

    def _send_away(self, held: Held) -> None:
        assert held.patience is not None
        held.patience.reschedule(asyncio.get_running_loop().time())
        self.coming.discard(held)
        self.octets -= held.octets
        held.octets = 0
