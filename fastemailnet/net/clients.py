"""The clients of one listener as they come and go, with the clock that their limits need; who is refused is named in the log."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from fastemailnet.admission.clients import Pace
from fastemailnet.admission.connections import ClientLimits, Connections
from fastemailnet.errors import ConnectionsExceeded
from fastemailnet.net.clock import since_boot_s

log = logging.getLogger(__name__)
TELL_EVERY_S: Final = 60.0  # of the same client


class Clients:
    """Of one listener."""

    def __init__(self, service: str, limits: ClientLimits, exempt: Callable[[str], bool]) -> None:
        """``service``: its name, for people; ``exempt``: given an address, whether its connections are not limited."""
        self._service = service
        self._connections = Connections(limits, exempt)
        self._told = Pace(1, TELL_EVERY_S)

    def enter(self, address: str) -> ConnectionsExceeded | None:
        """A connection is opened; why it is refused, if it is. Who is not refused leaves once."""
        return self._tell(self._connections.enter(address, since_boot_s()))

    def leave(self, address: str) -> None:
        """It has ended."""
        self._connections.leave(address)

    @contextmanager
    def request(self, address: str) -> Iterator[None]:
        """A request that a proxy brings for this address, while it is worked on.

        Raises:
            ConnectionsExceeded: it has as many as it may.
        """
        refusal = self._tell(self._connections.begin(address))
        if refusal is not None:
            raise refusal
        try:
            yield
        finally:
            self._connections.leave(address)

    def status(self) -> dict[str, Any]:
        """In a few figures: how many are open, who has most of them, how many were refused."""
        busiest = self._connections.busiest()
        figures: dict[str, Any] = {"open": self._connections.open, "refused": self._connections.refused}
        return figures if busiest is None else figures | {"most": busiest[1], "of": busiest[0]}

    def _tell(self, refusal: ConnectionsExceeded | None) -> ConnectionsExceeded | None:
        if refusal is not None and self._told.wait_s(client := refusal.args[0], now_s := since_boot_s()) <= 0:
            self._told.add(client, now_s)
            log.warning("%s: %s", self._service, refusal)
        return refusal
