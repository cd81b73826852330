"""Mail that the gate holds, over HTTP: see it, read it, decide it, and take what was decided for retraining.

    GET  /v1/held?after=…&limit=…&tenant=…    what waits: {"entries": […], "next": …, "attempts": 2, "deliveries": 3}
    GET  /v1/held/3-1207                      one in full
    GET  /v1/held/3-1207/message              its octets (message/rfc822), also when it is decided
    POST /v1/held/3-1207                      {"verdict": "release", "reason": "a customer's invoice"}
                                              {"verdict": "reject", "reason": "a fraud", "label": "phish"}
    GET  /v1/held/reviewed?after=…&limit=…    what was decided, oldest first: {"entries": […], "next": …}

A decision is recorded with its reason and cannot be taken back. ``label``, of what is rejected, is spam or phish; without it what the
model took the mail for. A peer needs to be in ``gateway.review_networks`` as well: who is caught by the gate must not open it.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from fastemailnet.delivery.review import BAD
from fastemailnet.errors import MessageError
from fastemailnet.flashsync.frames import REVIEWS, Verdict
from fastemailnet.web.bodies import json_body, json_response, reason_in
from fastemailnet.web.permit import permit

MAX_PAGE_ENTRIES: Final = 1_000
DEFAULT_PAGE_ENTRIES: Final = 100
VERDICTS: Final = ", ".join(verdict.value for verdict in REVIEWS)
LABELS: Final = ", ".join(BAD)


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a decision."""

    verdict: str = ""
    reason: str = ""
    label: str = ""


class Quarantine(Protocol):
    """Who knows what is held. Raises ``NotFound`` for an id that holds nothing (any more), and says what became of it."""

    async def held(self, after: str, limit: int, tenant: str | None) -> dict[str, Any]:
        """A page of what waits, behind the id ``after``; where a tenant is named, of its mail alone.

        Such a page may have fewer entries than the limit, and even none, while ``next`` says that there may be more.
        """

    async def quarantined(self, held_id: str) -> dict[str, Any]:
        """Everything known about one."""

    async def message(self, held_id: str) -> bytes:
        """The octets of a mail that is or was held."""

    async def review(self, held_id: str, review: Review) -> dict[str, Any]:
        """Decide one; durable on return."""

    async def reviewed(self, after: str, limit: int) -> dict[str, Any]:
        """A page of what was decided, behind the id ``after``."""


def review_in(body: bytes) -> Review:
    """The decision in a request's body.

    Raises:
        MessageError: it is no such JSON, names no verdict or label, or gives no reason or too long a one.
    """
    try:
        review = msgspec.json.decode(body, type=Review)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MessageError(f"not the JSON of a review: {error}", "request body") from None
    if review.verdict not in list(REVIEWS):
        raise MessageError(f"{review.verdict[:40]!r} is no verdict about held mail", "verdict", VERDICTS)
    if review.label and (review.verdict != Verdict.REJECT or review.label not in BAD):
        raise MessageError(f"{review.label[:40]!r} is no label of what is rejected", "label", LABELS)
    return msgspec.structs.replace(review, reason=reason_in(review.reason))


def held_routes(desk: Quarantine, allow: Callable[[str], bool]) -> APIRouter:
    """The routes. ``allow`` says whether a peer's address may review."""

    router = APIRouter(prefix="/held", dependencies=[Depends(permit(allow, "review"))])

    @router.get("")
    async def held(after: str = "", limit: int = DEFAULT_PAGE_ENTRIES, tenant: str | None = None) -> Response:
        """What waits for a decision."""
        return json_response(await desk.held(after, _bounded(limit), tenant))

    @router.get("/reviewed")
    async def reviewed(after: str = "", limit: int = DEFAULT_PAGE_ENTRIES) -> Response:
        """What was decided."""
        return json_response(await desk.reviewed(after, _bounded(limit)))

    @router.get("/{held_id}")
    async def quarantined(held_id: str) -> Response:
        """One in full."""
        return json_response(await desk.quarantined(held_id))

    @router.get("/{held_id}/message")
    async def message(held_id: str) -> Response:
        """The mail itself. No browser is to show it."""
        headers = {"content-disposition": "attachment", "x-content-type-options": "nosniff"}
        return Response(await desk.message(held_id), media_type="message/rfc822", headers=headers)

    @router.post("/{held_id}")
    async def review(held_id: str, request: Request) -> Response:
        """Decide one."""
        body = await json_body(request)
        return body if isinstance(body, Response) else json_response(await desk.review(held_id, review_in(body)))

    return router


def _bounded(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE_ENTRIES))
