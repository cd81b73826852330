"""Attempts in doubt over HTTP: see them, see one, decide one.

    POST /v1/in-doubt/3-1207     {"verdict": "retry", "reason": "their log does not have it"}

A verdict is recorded with its reason and cannot be taken back, so a reason is required.
"""

from typing import Any, Final, Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from fastemailnet.errors import MessageError
from fastemailnet.flashsync.frames import OF_DOUBT, Verdict
from fastemailnet.web.bodies import json_body, json_response, reason_in

VERDICTS: Final = ", ".join(verdict.value for verdict in OF_DOUBT)


class Doubts(Protocol):
    """Who knows the attempts in doubt."""

    async def in_doubt(self) -> list[dict[str, Any]]:
        """The attempts in doubt."""

    async def doubt(self, doubt_id: str) -> dict[str, Any]:
        """Everything known about one. Raises ``NotFound``."""

    async def resolve(self, doubt_id: str, verdict: Verdict, reason: str) -> dict[str, Any]:
        """Decide one. Raises ``NotFound``, and ``MessageError`` where the verdict is not possible."""


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a decision."""

    verdict: str = ""
    reason: str = ""


def decided(body: bytes) -> tuple[Verdict, str]:
    """The verdict and the reason of a request's body.

    Raises:
        MessageError: it is no such JSON, names no verdict, or gives no reason or too long a one.
    """
    try:
        decision = msgspec.json.decode(body, type=Decision)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MessageError(f"not the JSON of a decision: {error}", "request body") from None
    if decision.verdict not in list(OF_DOUBT):
        raise MessageError(f"{decision.verdict[:40]!r} is no verdict", "verdict", VERDICTS)
    return Verdict(decision.verdict), reason_in(decision.reason)


def doubt_routes(reader: Doubts) -> APIRouter:
    """The routes, for a router that says who may use them."""
    router = APIRouter(prefix="/in-doubt")

    @router.get("")
    async def in_doubt() -> Response:
        """The attempts of which nobody knows whether the peer took them."""
        return json_response(await reader.in_doubt())

    @router.get("/{doubt_id:path}")
    async def doubt(doubt_id: str) -> Response:
        """Everything known about one."""
        return json_response(await reader.doubt(doubt_id))

    @router.post("/{doubt_id:path}")
    async def resolve(doubt_id: str, request: Request) -> Response:
        """Decide one."""
        body = await json_body(request)
        if isinstance(body, Response):
            return body
        verdict, reason = decided(body)
        return json_response(await reader.resolve(doubt_id, verdict, reason))

    return router
