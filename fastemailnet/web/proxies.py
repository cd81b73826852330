"""Whose request it is behind a reverse proxy: what may be done over HTTP goes by the client's address, and a proxy hides it.

    peer                        its header fields             the client is
    anybody                     none of a proxy               the peer
    named in trusted_proxies    X-Forwarded-For               the last address there that is no trusted proxy
    named in trusted_proxies    others of a proxy alone       not known
    anybody else                any of a proxy                not known

As nothing of a proxy's connections says how many of them are one client's, the requests that are worked on for whom a trusted one names
count as his connections do.

A client who is not known is in no network: he may use what is for everybody, and nothing else. So a proxy on this machine, all of
whose requests come from loopback, opens nothing before it is named. One that adds no such field cannot be told from a local program.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any, Final, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from fastemailnet.admission.networks import Networks
from fastemailnet.errors import ConnectionsExceeded
from fastemailnet.net.clients import Clients
from fastemailnet.web.answers import Receive, Scope, Send, refusal, respond, status_of
from fastemailnet.web.api import Api

MARKS: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
NOT_KNOWN: Final = ("a client behind a proxy (gateway.trusted_proxies, X-Forwarded-For)", 0)  # as address and port
PEER: Final = "fastemailnet.peer"


class Proxies:
    """An ASGI application around the API. The field is read from its right by uvicorn's middleware."""

    def __init__(self, app: Api, trusted: Sequence[str], clients: Clients) -> None:
        """``trusted``: addresses and networks of proxies; ``clients``: those who come over HTTP."""
        self._app, self._clients = app, clients
        self._trusts = Networks(trusted).allow
        self._reading: Any = ProxyHeadersMiddleware(cast("Any", self._read), list(_read_as(trusted)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not any(name in MARKS for name, _ in scope.get("headers", ())):
            await self._app(scope, receive, send)
            return
        peer = scope.get("client")
        if peer is not None and self._trusts(peer[0]):
            scope[PEER] = peer
            await self._reading(scope, receive, send)
        else:
            scope["client"] = NOT_KNOWN
            await self._app(scope, receive, send)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["client"] is scope.pop(PEER):  # nothing was said that names anybody
            scope["client"] = NOT_KNOWN
            await self._app(scope, receive, send)
            return
        try:
            with self._clients.request(scope["client"][0]):
                await self._app(scope, receive, send)
        except ConnectionsExceeded as error:
            await respond(send, status_of(error), refusal(error), retry_after_s=error.retry_after_s)


def _read_as(trusted: Sequence[str]) -> Iterator[str]:
    """The networks, and those of IPv4 also as a dual-stack socket says them: ``Networks`` takes both for the same, uvicorn does not."""
    for name in trusted:
        network = ip_network(name)
        yield str(network)
        if network.version == 4:
            yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"
