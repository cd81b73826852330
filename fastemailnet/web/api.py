"""The HTTP API as an application: routes, and what stands behind them.

    POST /v1/messages            submit, see ``submit``           202, 207 (batch with refusals)
    GET  /v1/messages/{id}       timeline of a message            200
    GET  /v1/receipts/{id}       receipt of a delivery or message 200 text/plain
    GET  /v1/balance             both sides of the balance        200
    GET  /v1/in-doubt            attempts in doubt, see ``doubt`` 200
    GET  /v1/in-doubt/{id}       one of them in full              200
    POST /v1/in-doubt/{id}       decide it                        200
    POST /v1/feedback            what came back                   200
    …    /v1/held                 what the gate holds, see ``held`` 200
    …    /v1/suppression         the list, see ``suppression``    200
    …    /v1/shaping             limits and rules, see ``shaping`` 200
    …    /v1/unsubscribe/{token} for the world, ``unsubscribe``   200
    GET  /v1/status              the processes of the fleet       200
    GET  /healthz                the gateway serves               200

Errors: 401 a key that is no tenant's, 403 not in a relay network or not the tenant's sender, 404 unknown, 409 key with another
message, 413, 415, 422 what is wrong with the message, 429 and 503 come again later (``Retry-After``). Their body is in ``answers``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from fastemailnet import __version__
from fastemailnet.errors import FastEmailNetError, NotFound
from fastemailnet.web.answers import CHALLENGE, UNAUTHORIZED, Receive, Scope, Send, refusal, status_of
from fastemailnet.web.bodies import json_response
from fastemailnet.web.doubt import Doubts, doubt_routes
from fastemailnet.web.own import Own, own_routes
from fastemailnet.web.permit import Entry, TenantOf, permit
from fastemailnet.web.submit import Submit, Submitter

SUBMIT_PATH: Final = "/v1/messages"
MAX_PENDING_OCTETS: Final = 64_000_000


class Reader(Doubts, Own, Protocol):
    """Who answers questions about what became of mail."""

    async def balance(self) -> dict[str, Any]:
        """Deliveries by class, both sides and their difference."""

    async def status(self) -> dict[str, Any]:
        """The processes of the fleet in a few numbers each."""


class Api:
    """The ASGI application. ``app`` answers everything but submissions, and may be given further routes."""

    def __init__(
        self,
        submitter: Submitter,
        reader: Reader,
        *,
        allow: Callable[[str], bool],
        tenant_of: TenantOf = lambda key, peer: None,
        own_status: Callable[[], dict[str, Any]] = dict,
        message_octets: int,
        pending_octets: int = MAX_PENDING_OCTETS,
        more: Sequence[APIRouter] = (),
        public: Sequence[APIRouter] = (),
    ) -> None:
        """``allow`` says whether a peer's address may submit and ask; ``more`` are routes below /v1 for the same peers.

        ``tenant_of``: whose key it is; who has one may submit and ask about the tenant's mail from anywhere. ``public``: routes below
        /v1 for everybody. ``own_status``: the gateway in a few figures, beside those of the other processes.
        """
        entry = Entry(allow, tenant_of)
        self.submit = Submit(submitter, entry, message_octets=message_octets, pending_octets=pending_octets)
        self.app = FastAPI(title="FastEmailNet", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
        self.app.include_router(own_routes(reader, entry), prefix="/v1")
        self.app.include_router(_reading(reader, allow, own_status, more))
        for routes in public:
            self.app.include_router(routes, prefix="/v1")
        self.app.add_api_route("/healthz", _health)
        self.app.add_exception_handler(FastEmailNetError, _refuse)
        self.app.add_exception_handler(HTTPException, _nowhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Submissions go past the framework, which costs a third of what they do."""
        if scope["type"] == "http" and scope["path"] == SUBMIT_PATH and scope["method"] == "POST":
            await self.submit(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def _health() -> Response:
    """The gateway serves."""
    return json_response({"status": "ok"})


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, FastEmailNetError)
    headers, status = {"Retry-After": str(error.retry_after_s)} if error.retriable else {}, status_of(error)
    if status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = CHALLENGE
    return Response(refusal(error), status, headers, "application/json")


async def _nowhere(request: Request, error: Exception) -> Response:
    """No such path, or none for this method: an error like any other."""
    assert isinstance(error, HTTPException)
    said = NotFound(f"nothing answers {request.method} {request.url.path}")
    return Response(refusal(said), error.status_code, error.headers, "application/json")


def _reading(
    reader: Reader, allow: Callable[[str], bool], own_status: Callable[[], dict[str, Any]], more: Sequence[APIRouter]
) -> APIRouter:
    router = APIRouter(prefix="/v1", dependencies=[Depends(permit(allow, "relay"))])

    @router.get("/balance")
    async def balance() -> Response:
        """Deliveries by class, both sides and their difference."""
        return json_response(await reader.balance())

    @router.get("/status")
    async def status() -> Response:
        """The processes of the fleet."""
        told = await reader.status()
        if own := own_status():
            told = {**told, "processes": {"gateway": own, **told["processes"]}}
        return json_response(told)

    for routes in (doubt_routes(reader), *more):
        router.include_router(routes)
    return router
