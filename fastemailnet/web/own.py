"""What a sender asks about its mail: timelines and receipts. A tenant's key shows its own mail and hides that there is other."""

from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Request, Response

from fastemailnet import ids
from fastemailnet.errors import NotFound
from fastemailnet.ledger.receipt import tenant_of
from fastemailnet.web.bodies import json_response
from fastemailnet.web.permit import Entry, peer_of


class Own(Protocol):
    """Who answers."""

    async def timeline(self, message_id: str) -> dict[str, Any]:
        """What became of each delivery of a message. Raises ``NotFound``."""

    async def receipt(self, delivery: str) -> str:
        """The receipt of a delivery, or of the first delivery of a message. Raises ``NotFound``."""


def own_routes(reader: Own, entry: Entry) -> APIRouter:
    """The routes, for peers of the relay networks and for tenants."""
    router = APIRouter()

    async def asker(request: Request) -> str | None:
        return entry.asks_about(peer_of(request), request.headers.get("authorization", ""))

    @router.get("/messages/{message_id}")
    async def timeline(message_id: str, tenant: Annotated[str | None, Depends(asker)]) -> Response:
        """What became of each delivery of a message."""
        found = await reader.timeline(_id(message_id))
        if tenant is not None and any(delivery["tenant"] != tenant for delivery in found["deliveries"]):
            raise NotFound(f"no message {message_id}")
        return json_response(found)

    @router.get("/receipts/{delivery}")
    async def receipt(delivery: str, tenant: Annotated[str | None, Depends(asker)]) -> Response:
        """The receipt of a delivery, or of the first delivery of a message, as text."""
        text = await reader.receipt(_id(delivery))
        if tenant is not None and tenant_of(text) != tenant:
            raise NotFound(f"no message {delivery}")
        return Response(text, media_type="text/plain")

    return router


def _id(text: str) -> str:
    try:
        ids.from_text(text)
    except ValueError as error:
        raise NotFound(str(error)) from None
    return text
