"""One-click unsubscription over HTTP (RFC 8058), for the world: who holds the address from a mail's List-Unsubscribe may use it.

    POST /v1/unsubscribe/TOKEN   "List-Unsubscribe=One-Click": the mail's recipient is on the suppression list. 200, plain text
    GET  /v1/unsubscribe/TOKEN   a form that posts that, and nothing else: link scanners fetch every address that they find

Both forms of a body that the RFC names are read (section 3.1). 404: no token of ours; 422: another body.
"""

from email import message_from_bytes
from typing import Final, Protocol
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from fastemailnet.delivery.unsubscription import ONE_CLICK, Leaving, Seal
from fastemailnet.errors import MessageError, NotFound
from fastemailnet.web.bodies import bounded_body

MAX_CLICK_OCTETS: Final = 2_000
DONE: Final = "You are unsubscribed: no more of this mail is sent to you.\n"
FORM: Final = f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Unsubscribe</title>
<form method="post"><input type="hidden" name="{ONE_CLICK[0]}" value="{ONE_CLICK[1]}">
<p>Do you want no more of this mail?</p><button>Unsubscribe</button></form></html>
"""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Leavers(Protocol):
    """Who keeps the list."""

    async def unsubscribe(self, leaving: Leaving) -> None:
        """Put whoever leaves on the list, once; durable on return."""


def unsubscribe_routes(seal: Seal, leavers: Leavers) -> APIRouter:
    """The routes, open to everybody."""
    router = APIRouter(prefix="/unsubscribe")

    @router.get("/{token}")
    async def form(token: str) -> Response:
        """Ask; change nothing."""
        _opened(seal, token)
        return Response(FORM, headers=HEADERS, media_type="text/html")

    @router.post("/{token}")
    async def unsubscribe(token: str, request: Request) -> Response:
        """Do it."""
        leaving = _opened(seal, token)
        body = await bounded_body(request, MAX_CLICK_OCTETS)
        if not is_one_click(request.headers.get("content-type", ""), body):
            raise MessageError("not what one click sends", "request body", "=".join(ONE_CLICK))
        await leavers.unsubscribe(leaving)
        return Response(DONE, headers=HEADERS, media_type="text/plain")

    return router


def is_one_click(content_type: str, body: bytes) -> bool:
    """Whether a body is the one field of RFC 8058, as multipart/form-data or application/x-www-form-urlencoded."""
    if not content_type.lower().startswith("multipart/"):
        return ONE_CLICK in parse_qsl(body.decode("latin-1"))
    parts = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    found = (
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts.walk()
    )
    return any((name, value) == (ONE_CLICK[0], ONE_CLICK[1].encode()) for name, value in found)


def _opened(seal: Seal, token: str) -> Leaving:
    leaving = seal.opened(token)
    if leaving is None:
        raise NotFound("this address unsubscribes nobody: it is not whole, or was made under another key")
    return leaving
