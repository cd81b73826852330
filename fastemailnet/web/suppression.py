"""The suppression list over HTTP.

    GET  /v1/suppression?after=…&limit=…    the entries that count now, by address: {"entries": […], "next": "…" or null}
    POST /v1/suppression                    {"address": "…", "reason": "…", "tenant": "", "lane": "", "days": null}
    POST /v1/suppression/remove             {"address": "…", "reason": "…", "tenant": "", "lane": ""}

``tenant`` and ``lane`` "" mean all; ``days`` null means for good. An entry is removed by the tenant and lane that it has.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response

from fastemailnet.admission.lane import lane_named
from fastemailnet.delivery.suppression import Suppress
from fastemailnet.errors import MessageError
from fastemailnet.message.address import parse_recipient
from fastemailnet.web.bodies import json_body, json_response, reason_in

MAX_PAGE_ENTRIES: Final = 10_000
MAX_DAYS: Final = 36_500
MAX_NAME_CHARACTERS: Final = 255


class Addition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an addition."""

    address: str
    reason: str
    tenant: str = ""
    lane: str = ""
    days: int | None = None


class Removal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a removal."""

    address: str
    reason: str
    tenant: str = ""
    lane: str = ""


class Listing(Protocol):
    """Who keeps the list."""

    async def suppressed(self, after: str, limit: int) -> Sequence[Suppress]:
        """``limit`` entries that count now, by address, behind the address ``after``, and what else the last address has."""

    async def suppress(self, wish: Addition) -> Suppress:
        """Put an address on the list; durable on return."""

    async def lift(self, wish: Removal) -> Suppress:
        """Take an entry off; the entry that it was. Raises ``NotFound``."""


W = TypeVar("W", Addition, Removal)


def wish_in(body: bytes, kind: type[W]) -> W:
    """The wish in a request's body, its address and lane as they are compared.

    Raises:
        MessageError: it is no such JSON, names no address or no lane, or gives no reason or too long a one.
    """
    try:
        wish = msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MessageError(f"not the JSON that is asked for: {error}", "request body") from None
    address = str(parse_recipient(wish.address)).lower()
    lane = lane_named(wish.lane, "lane").value if wish.lane else ""
    if len(wish.tenant) > MAX_NAME_CHARACTERS or not (wish.tenant or "x").isprintable():
        raise MessageError("a tenant's name is printable", "tenant", f"{MAX_NAME_CHARACTERS} characters")
    if isinstance(wish, Addition) and wish.days is not None and not 1 <= wish.days <= MAX_DAYS:
        raise MessageError(f"{wish.days} days", "days", f"1 to {MAX_DAYS}")
    return msgspec.structs.replace(wish, address=address, lane=lane, reason=reason_in(wish.reason))


def shown(entry: Suppress) -> dict[str, Any]:
    """An entry with the names of its fields."""
    return msgspec.structs.asdict(entry)


def suppression_routes(listing: Listing) -> APIRouter:
    """The routes, for a router that says who may use them."""
    router = APIRouter(prefix="/suppression")

    @router.get("")
    async def suppressed(after: str = "", limit: int = 1_000) -> Response:
        """A page of the list."""
        limit = max(1, min(limit, MAX_PAGE_ENTRIES))
        entries = await listing.suppressed(after.lower(), limit)
        following = entries[-1].address if len(entries) >= limit else None
        return json_response({"entries": [shown(entry) for entry in entries], "next": following})

    @router.post("")
    async def suppress(request: Request) -> Response:
        """Put an address on the list."""
        body = await json_body(request)
        return (
            body
            if isinstance(body, Response)
            else json_response(shown(await listing.suppress(wish_in(body, Addition))))
        )

    @router.post("/remove")
    async def lift(request: Request) -> Response:
        """Take an entry off."""
        body = await json_body(request)
        return body if isinstance(body, Response) else json_response(shown(await listing.lift(wish_in(body, Removal))))

    return router
