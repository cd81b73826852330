"""Reports and complaints over HTTP: ``POST /v1/feedback`` with the message as it came (message/rfc822).

The answer says what it was taken for (dsn, complaint, nothing) and how many notes were made: ``{"kind": "dsn", "notes": 1}``. What says
nothing about mail of ours is no error.
"""

from typing import Final, Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from fastemailnet.errors import MessageError
from fastemailnet.web.bodies import json_response

MAX_FEEDBACK_OCTETS: Final = 10_000_000


class Taken(msgspec.Struct, frozen=True):
    """What became of a message that came back."""

    kind: str  # dsn, complaint, nothing
    notes: int


class Desk(Protocol):
    """Who takes what comes back."""

    async def take(self, raw: bytes) -> Taken:
        """Note what a message reports; durable on return."""


def feedback_routes(desk: Desk) -> APIRouter:
    """The route, for a router that says who may use it."""
    router = APIRouter(prefix="/feedback")

    @router.post("")
    async def take(request: Request) -> Response:
        """Take one message."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FEEDBACK_OCTETS:
                raise MessageError("message too large", "request body", f"{MAX_FEEDBACK_OCTETS} octets")
        return json_response(await desk.take(body))

    return router
