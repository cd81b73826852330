"""JSON both ways: answers, and the small bodies by which a person decides something: bounded, declared as JSON, with a reason.

The body must be declared as JSON: no form of a strange web page in an operator's browser can post that.
"""

from typing import Any, Final

from fastapi import Request, Response

from fastemailnet.errors import MessageError
from fastemailnet.web.answers import refusal, to_json

MAX_REASON_CHARACTERS: Final = 400
MAX_BODY_OCTETS: Final = 10_000
BAD_MEDIA: Final = 415
JSON: Final = "application/json"


def json_response(value: Any) -> Response:
    """A value as the answer."""
    return Response(to_json(value), media_type=JSON)


async def json_body(request: Request) -> bytes | Response:
    """The body, or the answer to one that is not declared as JSON.

    Raises:
        MessageError: it is too large.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        return Response(refusal(MessageError(f"{media_type!r}", "Content-Type", JSON)), BAD_MEDIA, media_type=JSON)
    return await bounded_body(request, MAX_BODY_OCTETS)


async def bounded_body(request: Request, limit_octets: int) -> bytes:
    """The body.

    Raises:
        MessageError: it is too large.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_octets:
            raise MessageError(f"more than {limit_octets} octets", "request body", f"{limit_octets} octets")
    return body


def reason_in(text: str) -> str:
    """A reason as one line.

    Raises:
        MessageError: there is none, or it is too long.
    """
    reason = " ".join(text.split())
    if not reason:
        raise MessageError("no reason", "reason", f"1 to {MAX_REASON_CHARACTERS} characters")
    if len(reason) > MAX_REASON_CHARACTERS:
        raise MessageError(f"a reason of {len(reason)} characters", "reason", f"{MAX_REASON_CHARACTERS} characters")
    return reason
