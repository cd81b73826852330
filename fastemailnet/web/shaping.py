"""Shaping over HTTP: what holds, for whom and why, and a person's word about it.

    GET  /v1/shaping                  what rules and people did: {"standing": […], "providers": […], "notes": […]}
    GET  /v1/shaping/sites/x.example  the domain's site, its limits and where each comes from, its rules, what stands there;
                                      with ?tenant=acme only what stands for that tenant's mail
    POST /v1/shaping/suspend          {"target": "x.example", "reason": "…", "tenant": "", "lane": "", "seconds": null}
    POST /v1/shaping/resume           {"target": "x.example", "reason": "…", "tenant": "", "lane": ""}

A target is a domain, ``site:NAME``, ``provider:NAME`` or ``all``. ``tenant`` and ``lane`` "" mean all; ``seconds`` null means until
somebody resumes it. The answer's ``known`` is false for a site that no route, block, rule or mail has named since the nodes started:
it is suspended all the same, and may be misspelt. A scope is resumed by the target, tenant and lane that it has. A peer needs to be in
``gateway.review_networks`` as well: this is about everybody's mail.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from fastemailnet.admission.lane import lane_named
from fastemailnet.delivery.shaping.frames import Of, Scope, scope_of
from fastemailnet.errors import MessageError
from fastemailnet.message.address import parse_recipient
from fastemailnet.web.bodies import json_body, json_response, reason_in
from fastemailnet.web.permit import permit

MAX_SECONDS: Final = 10 * 366 * 86_400
MAX_NAME_CHARACTERS: Final = 255


class Suspending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a suspension."""

    target: str
    reason: str
    tenant: str = ""
    lane: str = ""
    seconds: float | None = None


class Resuming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a resumption."""

    target: str
    reason: str
    tenant: str = ""
    lane: str = ""


class Desk(Protocol):
    """Who knows what holds."""

    async def standing(self) -> dict[str, Any]:
        """All that stands now, and what the files say."""

    async def site(self, domain: str, tenant: str | None) -> dict[str, Any]:
        """Everything about one domain's site; where a tenant is named, nothing about another's mail."""

    async def suspend(self, scope: Scope, reason: str, seconds: float | None) -> dict[str, Any]:
        """Send nothing there; durable on return. ``known``: false for a site that nothing is known of. Raises ``NotFound`` for a
        provider that no file names.
        """

    async def resume(self, scope: Scope, reason: str) -> dict[str, Any]:
        """Send again; what stood there. Raises ``NotFound`` where nothing does."""


W = TypeVar("W", Suspending, Resuming)


def wish_in(body: bytes, kind: type[W]) -> tuple[Scope, W]:
    """The wish in a request's body, and the scope that it is about.

    Raises:
        MessageError: it is no such JSON, names no target or lane, or gives no reason or too long a one.
    """
    try:
        wish = msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MessageError(f"not the JSON that is asked for: {error}", "request body") from None
    for name, text in (("target", wish.target), ("tenant", wish.tenant)):
        if len(text) > MAX_NAME_CHARACTERS + len("provider:") or not (text or "x").isprintable():
            raise MessageError(f"a {name}'s name is printable", name, f"{MAX_NAME_CHARACTERS} characters")
    lane = lane_named(wish.lane, "lane").value if wish.lane else ""
    if isinstance(wish, Suspending) and wish.seconds is not None and not 1 <= wish.seconds <= MAX_SECONDS:
        raise MessageError(f"{wish.seconds} seconds", "seconds", f"1 to {MAX_SECONDS}")
    scope = scope_of(wish.target, wish.tenant, lane)
    if scope.of is Of.DOMAIN:
        scope = msgspec.structs.replace(scope, name=domain_in(scope.name))
    if scope.of is not Of.ALL and not scope.name:
        raise MessageError("no name", "target", "a domain, site:NAME, provider:NAME or all")
    return scope, msgspec.structs.replace(wish, reason=reason_in(wish.reason))


def domain_in(text: str) -> str:
    """A domain as units have it. Raises MessageError where it is none."""
    return parse_recipient(f"postmaster@{text}").domain


def shaping_routes(desk: Desk, allow: Callable[[str], bool]) -> APIRouter:
    """The routes. ``allow`` says whether a peer's address may use them."""

    router = APIRouter(prefix="/shaping", dependencies=[Depends(permit(allow, "review"))])

    @router.get("")
    async def standing() -> Response:
        """What rules and people did."""
        return json_response(await desk.standing())

    @router.get("/sites/{domain}")
    async def site(domain: str, tenant: str | None = None) -> Response:
        """One domain's site, as it is for a tenant's mail or, without one, for all."""
        return json_response(await desk.site(domain_in(domain), tenant))

    @router.post("/suspend")
    async def suspend(request: Request) -> Response:
        """Send nothing there."""
        body = await json_body(request)
        if isinstance(body, Response):
            return body
        scope, wish = wish_in(body, Suspending)
        return json_response(await desk.suspend(scope, wish.reason, wish.seconds))

    @router.post("/resume")
    async def resume(request: Request) -> Response:
        """Send again."""
        body = await json_body(request)
        if isinstance(body, Response):
            return body
        scope, wish = wish_in(body, Resuming)
        return json_response(await desk.resume(scope, wish.reason))

    return router
