"""Whom a limit by address is about, and a pace of what each of them may do.

A client is an IPv4 address, or the 64 bits of an IPv6 one that its network hands out. Behind a proxy all are one client, unless the
proxy is believed to say who asks.

At a pace of ``most`` in ``span_s`` one event is worth ``span_s / most``: so many may come at once, then one in that time.
"""

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

MAX_CLIENTS: Final = 50_000  # that a pace remembers, those that came last; about 200 octets each
PREFIX_BITS: Final = 64  # of an IPv6 address: who has one address has all of these (RFC 6177)


@lru_cache(maxsize=10_000)
def client_of(address: str) -> str:
    """Who is at this address. What is no address stands for itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, PREFIX_BITS), strict=False))


class Pace:
    """Of many clients. Times are seconds of a clock that never goes back."""

    def __init__(self, most: int, span_s: float) -> None:
        """``most``: that one client may do in ``span_s``; 0: any number."""
        self._span_s = span_s
        self._gap_s = span_s / most if most else 0.0
        self._even_s: OrderedDict[str, float] = OrderedDict()  # when the next would be due if all came evenly

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._gap_s > 0

    def wait_s(self, client: str, now_s: float) -> float:
        """How long the client has to wait for its next; 0 where it has not."""
        if not self._gap_s:
            return 0.0
        return max(0.0, self._even_s.get(client, now_s) - now_s - (self._span_s - self._gap_s))

    def add(self, client: str, now_s: float) -> None:
        """The client did it."""
        if not self._gap_s:
            return
        self._even_s[client] = max(self._even_s.get(client, now_s), now_s) + self._gap_s
        self._even_s.move_to_end(client)
        if len(self._even_s) > MAX_CLIENTS:
            self._even_s.popitem(last=False)
