"""Log-ins that failed, by who tried: whoever fails too often is not listened to for a while, over all its connections.

Keys cannot be guessed (``tenants``), so this protects no key. It keeps a stranger from having us hash and answer as fast as it
connects. A failure is worth ``SPAN_S / most``: so many may come at once, then one in that time. Many may share an address, so it is
remembered which secrets were right from there: whoever has one is not kept out by the others.

A client is an IPv4 address, or the 64 bits of an IPv6 one that its network hands out. Behind a proxy all are one client, unless the
proxy is believed to say who asks.
"""

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

SPAN_S: Final = 600.0
MAX_CLIENTS: Final = 50_000  # that are remembered, those that failed last; about 200 octets each
MAX_RIGHT: Final = 50_000  # pairs of client and secret, those that were right last; about 300 octets each
PREFIX_BITS: Final = 64  # of an IPv6 address: who has one address has all of these (RFC 6177)


@lru_cache(maxsize=10_000)
def client_of(address: str) -> str:
    """Who tries from this address. What is no address stands for itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, PREFIX_BITS), strict=False))


class Failures:
    """Of many clients. Times are seconds of a clock that never goes back."""

    def __init__(self, most: int) -> None:
        """``most``: that one client may have in ``SPAN_S``; 0: any number."""
        self._gap_s = SPAN_S / most if most else 0.0
        self._even_s: OrderedDict[str, float] = OrderedDict()  # when the next failure would be due if all came evenly
        self._right: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """How long the client is not listened to; 0 where it is."""
        even_s = self._even_s.get(client_of(address), now_s) if self._gap_s else now_s
        return max(0.0, even_s - now_s - (SPAN_S - self._gap_s))

    def add(self, address: str, now_s: float) -> None:
        """A log-in failed."""
        if not self._gap_s:
            return
        client = client_of(address)
        self._even_s[client] = max(self._even_s.get(client, now_s), now_s) + self._gap_s
        self._even_s.move_to_end(client)
        if len(self._even_s) > MAX_CLIENTS:
            self._even_s.popitem(last=False)

    def know(self, address: str, digest: bytes) -> None:
        """A log-in with the secret of this digest was right."""
        if not self._gap_s:
            return
        pair = client_of(address), digest
        self._right[pair] = None
        self._right.move_to_end(pair)
        if len(self._right) > MAX_RIGHT:
            self._right.popitem(last=False)

    def knows(self, address: str, digest: bytes) -> bool:
        """Whether one was from there before."""
        return (client_of(address), digest) in self._right
