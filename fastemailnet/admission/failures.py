"""Log-ins that failed, by who tried: whoever fails too often is not listened to for a while, over all its connections.

Keys cannot be guessed (``tenants``), so this protects no key. It keeps a stranger from having us hash and answer as fast as it
connects. Failures have a pace (``clients``). Many may share an address, so it is remembered which secrets were right from there:
whoever has one is not kept out by the others.
"""

from collections import OrderedDict
from typing import Final

from fastemailnet.admission.clients import Pace, client_of

SPAN_S: Final = 600.0
MAX_RIGHT: Final = 50_000  # pairs of client and secret, those that were right last; about 300 octets each


class Failures:
    """Of many clients. Times are seconds of a clock that never goes back."""

    def __init__(self, most: int) -> None:
        """``most``: that one client may have in ``SPAN_S``; 0: any number."""
        self._pace = Pace(most, SPAN_S)
        self._right: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """How long the client is not listened to; 0 where it is."""
        return self._pace.wait_s(client_of(address), now_s)

    def add(self, address: str, now_s: float) -> None:
        """A log-in failed."""
        self._pace.add(client_of(address), now_s)

    def know(self, address: str, digest: bytes) -> None:
        """A log-in with the secret of this digest was right."""
        if not self._pace.is_limited:
            return
        pair = client_of(address), digest
        self._right[pair] = None
        self._right.move_to_end(pair)
        if len(self._right) > MAX_RIGHT:
            self._right.popitem(last=False)

    def knows(self, address: str, digest: bytes) -> bool:
        """Whether one was from there before."""
        return (client_of(address), digest) in self._right
