"""Who may use a route: peers by their address, and whoever has a tenant's key."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request

from fastemailnet.admission.submission import DEFAULT_TENANT
from fastemailnet.errors import KeyRefused, RelayDenied

Allow = Callable[[str], bool]  # given a peer's address; "" where it has none
TenantOf = Callable[[str, str], str | None]  # given a key and the peer's address, whose it is; may raise LogInsBarred
SCHEME: Final = "bearer"


class Entry:
    """Who may submit, and ask for what became of mail: peers of the relay networks, and tenants (``Authorization: Bearer KEY``).

        key       peer                    submits for      asks about
        none      in a relay network      ``default``      everything
        right     in a relay network      the tenant       everything
        right     elsewhere               the tenant       the tenant's mail
        wrong     anywhere                401              401            too often, and not in a relay network: 429
        none      elsewhere               403              403

    Other schemes of authorization than Bearer are somebody else's, of a proxy perhaps, and count as none.
    """

    def __init__(self, allow: Allow, tenant_of: TenantOf = lambda key, peer: None) -> None:
        self.allow, self._tenant_of = allow, tenant_of

    def submits_for(self, peer: str, authorization: str) -> str:
        """The tenant whose mail a request brings.

        Raises:
            KeyRefused: its key is no tenant's.
            LogInsBarred: that was so too often.
            RelayDenied: it has none, and its peer is in no relay network.
        """
        named = self._named(authorization, peer)
        if named is None and not self.allow(peer):
            raise denied(peer, "relay")
        return DEFAULT_TENANT if named is None else named

    def asks_about(self, peer: str, authorization: str) -> str | None:
        """The tenant about whose mail a request may ask; None: about everybody's. Raises as ``submits_for``."""
        named = self._named(authorization, peer)
        if self.allow(peer):
            return None
        if named is None:
            raise denied(peer, "relay")
        return named

    def _named(self, authorization: str, peer: str) -> str | None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != SCHEME:
            return None
        named = self._tenant_of(key.strip(" "), peer)
        if named is None:
            raise KeyRefused("the key (Authorization: Bearer) is no tenant's: see gateway.tenants")
        return named


def permit(allow: Allow, networks: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency of routes that raises RelayDenied for other peers. ``networks``: whose list it is, "relay" or "review"."""

    async def check(request: Request) -> None:
        peer = peer_of(request)
        if not allow(peer):
            raise denied(peer, networks)

    return check


def peer_of(request: Request) -> str:
    """The address of who asks; "" where it has none."""
    return request.client.host if request.client else ""


def denied(peer: str, networks: str) -> RelayDenied:
    """The refusal of a peer."""
    return RelayDenied(f"{peer} is in none of the {networks} networks (gateway.{networks}_networks)")
