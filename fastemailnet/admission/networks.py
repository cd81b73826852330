"""Who may relay without a password: peers whose address is in a listed network."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from fastemailnet.errors import ConfigError

PEERS_REMEMBERED: Final = 4_096


class Networks:
    """Networks in CIDR form. A peer ``::ffff:192.0.2.1``, of a dual-stack socket, counts as its IPv4 address."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Raises ``ConfigError`` for what is no network."""
        self.names = tuple(networks)
        self._networks = [_network(name) for name in self.names]
        self.allow = lru_cache(PEERS_REMEMBERED)(self._allow)

    def _allow(self, peer: str) -> bool:
        """Whether ``peer``, an address as text, is in one of the networks. A zone is ignored; False for no address."""
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(name)
    except ValueError as error:
        raise ConfigError("gateway.relay_networks", repr(name), str(error)) from None
