"""Who may use a route: peers by their address."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from fastemailnet.errors import RelayDenied

Allow = Callable[[str], bool]  # given a peer's address; "" where it has none


def permit(allow: Allow, networks: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency of routes that raises RelayDenied for other peers. ``networks``: whose list it is, "relay" or "review"."""

    async def check(request: Request) -> None:
        peer = request.client.host if request.client else ""
        if not allow(peer):
            raise RelayDenied(f"{peer} is in none of the {networks} networks (gateway.{networks}_networks)")

    return check
