"""Attempts in doubt over HTTP: see them, see one, decide one.

    POST /v1/in-doubt/3-1207     {"verdict": "retry", "reason": "their log does not have it"}

A verdict is recorded with its reason and cannot be taken back, so a reason is required, and the body must be declared as JSON: no form
of a strange web page in an operator's browser can post that.
"""

from typing import Any, Final, Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from fastemailnet.errors import MessageError
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.web.answers import refusal, to_json

MAX_REASON_CHARACTERS: Final = 400
MAX_BODY_OCTETS: Final = 10_000
VERDICTS: Final = ", ".join(verdict.value for verdict in Verdict)
BAD_MEDIA: Final = 415
JSON: Final = "application/json"


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
    if decision.verdict not in list(Verdict):
        raise MessageError(f"{decision.verdict[:40]!r} is no verdict", "verdict", VERDICTS)
    reason = " ".join(decision.reason.split())
    if not reason:
        raise MessageError("no reason", "reason", f"1 to {MAX_REASON_CHARACTERS} characters")
    if len(reason) > MAX_REASON_CHARACTERS:
        raise MessageError(f"a reason of {len(reason)} characters", "reason", f"{MAX_REASON_CHARACTERS} characters")
    return Verdict(decision.verdict), reason


def doubt_routes(reader: Doubts) -> APIRouter:
    """The routes, for a router that says who may use them."""
    router = APIRouter(prefix="/in-doubt")

    @router.get("")
    async def in_doubt() -> Response:
        """The attempts of which nobody knows whether the peer took them."""
        return Response(to_json(await reader.in_doubt()), media_type=JSON)

    @router.get("/{doubt_id:path}")
    async def doubt(doubt_id: str) -> Response:
        """Everything known about one."""
        return Response(to_json(await reader.doubt(doubt_id)), media_type=JSON)

    @router.post("/{doubt_id:path}")
    async def resolve(doubt_id: str, request: Request) -> Response:
        """Decide one."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            error = MessageError(f"{media_type!r}", "Content-Type", JSON)
            return Response(refusal(error), BAD_MEDIA, media_type=JSON)
        verdict, reason = decided(await _body(request))
        return Response(to_json(await reader.resolve(doubt_id, verdict, reason)), media_type=JSON)

    return router


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_OCTETS:
            raise MessageError(f"more than {MAX_BODY_OCTETS} octets", "request body", f"{MAX_BODY_OCTETS} octets")
    return body
