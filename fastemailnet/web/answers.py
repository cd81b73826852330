"""Answers as ASGI sends them, and errors as a status and JSON.

    {"error": {"type": "AddressError", "what": "…", "where": "…", "limit": "…",
               "retriable": false, "definite": true, "arguments": […]}}

``type`` and ``arguments`` are the class and its constructor's arguments, from which the Python client makes the same
error again.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from fastemailnet.errors import (
    BlobError,
    ConnectionsExceeded,
    FastEmailNetError,
    FleetError,
    IdempotencyConflict,
    KeyRefused,
    LimitExceeded,
    LogError,
    LogInsBarred,
    MessageError,
    NotFound,
    QuotaExceeded,
    RelayDenied,
    SenderDenied,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
CHALLENGE: Final = 'Bearer realm="FastEmailNet"'  # RFC 6750 section 3
UNAUTHORIZED: Final = 401
_RETRY: Final = frozenset({429, 503})
_STATUS: Final[tuple[tuple[type[FastEmailNetError], int], ...]] = (
    (MessageError, 422),
    (IdempotencyConflict, 409),
    (LimitExceeded, 429),
    (ConnectionsExceeded, 429),
    (QuotaExceeded, 429),
    (LogInsBarred, 429),
    (NotFound, 404),
    (KeyRefused, 401),
    (RelayDenied, 403),
    (SenderDenied, 403),
    (LogError, 503),
    (BlobError, 503),
    (FleetError, 503),
)
_encode = msgspec.json.Encoder().encode


def to_json(value: Any) -> bytes:
    """JSON octets of structs, dicts and what is in them."""
    return _encode(value)


def status_of(error: FastEmailNetError) -> int:
    """The HTTP status of an error (RFC 9110 section 15, RFC 6585 for 429)."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def described(error: FastEmailNetError) -> dict[str, Any]:
    """An error as JSON values: what is wrong, where, and which limit it broke."""
    what, where, limit = (
        (error.what, error.where, error.limit) if isinstance(error, MessageError) else (str(error), "", "")
    )
    return {
        "type": type(error).__name__,
        "what": what,
        "where": where,
        "limit": limit,
        "retriable": error.retriable,
        "definite": error.definite,
        "arguments": [argument if isinstance(argument, int) else str(argument) for argument in error.args],
    }


def refusal(error: FastEmailNetError) -> bytes:
    """The body that says why a request failed."""
    return to_json({"error": described(error)})


async def respond(send: Send, status: int, body: bytes, media_type: bytes = JSON, *, retry_after_s: int = 1) -> None:
    """Send one whole response. ``retry_after_s``: of one that asks to come again."""
    headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    if status in _RETRY:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    if status == UNAUTHORIZED:
        headers.append((b"www-authenticate", CHALLENGE.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
