"""How many connections a client may have, and how fast it may open them: one that takes them all leaves none for others.

    the client                           it may come
    is of an exempt network              always
    has ``at_once`` open                 when one of them has ended
    has opened ``a_minute`` in one       when its pace allows the next (``clients``)
    else                                 now

As Postfix counts them (anvil, smtpd_client_connection_count_limit and _rate_limit): for each service by itself. Unlike there, one that
is refused counts for nothing, so who is too fast is let in at its pace and not kept out for as long as it tries.
"""

from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Final, NamedTuple

from fastemailnet.admission.clients import Pace, client_of
from fastemailnet.errors import ConnectionsExceeded

MINUTE_S: Final = 60.0
AT_ONCE_RETRY_S: Final = 10  # when a connection of the client ends is not known


class ClientLimits(NamedTuple):
    """Of one client. 0: any number."""

    at_once: int = 0
    a_minute: int = 0


class Connections:
    """Those of one listener. Times are seconds of a clock that never goes back."""

    def __init__(self, limits: ClientLimits, exempt: Callable[[str], bool]) -> None:
        """``exempt``: given an address, whether its connections are not limited."""
        self._limits, self._exempt = limits, exempt
        self._pace = Pace(limits.a_minute, MINUTE_S)
        self._by_client: Counter[str] = Counter()
        self.open = 0
        self.refused = 0

    def enter(self, address: str, now_s: float) -> ConnectionsExceeded | None:
        """A connection is opened; why it is refused, if it is. Who is not refused leaves once."""
        client = client_of(address)
        if not self._exempt(address):
            wait_s = self._pace.wait_s(client, now_s)
            if wait_s > 0:
                self.refused += 1
                what = f"{self._limits.a_minute} a minute"
                return ConnectionsExceeded(client, what, "gateway.client_connection_rate", ceil(wait_s))
            refusal = self._refuse_another(client)
            if refusal is not None:
                return refusal
            self._pace.add(client, now_s)
        self._count(client)
        return None

    def begin(self, address: str) -> ConnectionsExceeded | None:
        """As ``enter``, of a request that a proxy brings: it stands for a connection while it is worked on, and has no pace."""
        client = client_of(address)
        refusal = None if self._exempt(address) else self._refuse_another(client)
        if refusal is None:
            self._count(client)
        return refusal

    def leave(self, address: str) -> None:
        """It has ended."""
        client = client_of(address)
        self.open -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def busiest(self) -> tuple[str, int] | None:
        """The client with most connections, and how many."""
        return max(self._by_client.items(), key=lambda one: one[1], default=None)

    def _count(self, client: str) -> None:
        self.open += 1
        self._by_client[client] += 1

    def _refuse_another(self, client: str) -> ConnectionsExceeded | None:
        if not self._limits.at_once or self._by_client[client] < self._limits.at_once:
            return None
        self.refused += 1
        what = f"{self._limits.at_once} at once"
        return ConnectionsExceeded(client, what, "gateway.client_connections", AT_ONCE_RETRY_S)
