"""POST /v1/messages: one message as RFC 5322 octets, one as JSON, or a batch as JSON. An ASGI application of its own.

It is on the way of every mail, so it reads the scope and the body itself; ``intake`` bounds what the bodies of all take.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from fastemailnet.admission.address_list import addresses
from fastemailnet.admission.headers import envelope
from fastemailnet.admission.lane import lane_named
from fastemailnet.admission.submission import DEFAULT_TENANT, Accepted, Submission
from fastemailnet.errors import FastEmailNetError, MessageError
from fastemailnet.message.prepare import crlf
from fastemailnet.web.answers import Receive, Scope, Send, described, refusal, respond, status_of, to_json
from fastemailnet.web.intake import Intake
from fastemailnet.web.mails import Mail, decode, is_batch, to_submission
from fastemailnet.web.permit import Entry

RAW: Final = "message/rfc822"
ACCEPTED, MIXED, TOO_LARGE, BAD_MEDIA = 202, 207, 413, 415
MAILS_A_TURN: Final = 16  # of a batch, admitted in one turn of the loop, 0.2 ms each
JSON_OVERHEAD: Final = 2  # base64 and the names around it: a body may be this much larger than the largest message


class Submitter(Protocol):
    """Who takes submissions."""

    async def submit(self, submission: Submission) -> Accepted:
        """Answer once the submission is durable; errors of the tree say why it is not taken."""


@dataclass(slots=True)
class Request:
    """What the head of a request says. Header fields win over query parameters."""

    peer: str = ""
    authorization: str = ""
    tenant: str = DEFAULT_TENANT
    media_type: str = ""
    size_octets: int = 0
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    lane: str = ""
    key: str = ""
    order: str = ""


def read_head(scope: Scope) -> Request:
    """The request's head."""
    client = scope.get("client")
    head = Request(client[0] if client else "")
    if scope["query_string"]:
        _read_query(head, scope["query_string"])
    named: list[str] = []
    for name, value in scope["headers"]:
        match name:
            case b"content-type":
                head.media_type = value.partition(b";")[0].strip().lower().decode("latin-1")
            case b"content-length":
                head.size_octets = int(value)
            case b"x-envelope-from":
                head.sender = value.decode("utf-8", "replace")
            case b"x-envelope-to":
                named.append(value.decode("utf-8", "replace"))
            case b"x-fen-lane":
                head.lane = value.decode("latin-1")
            case b"x-fen-order-key":
                head.order = value.decode("utf-8", "replace")
            case b"authorization":
                head.authorization = value.decode("latin-1")
            case b"idempotency-key":
                head.key = value.decode("utf-8", "replace")
    head.recipients = named or head.recipients
    return head


def _read_query(head: Request, query: bytes) -> None:
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    if "from" in given:
        head.sender = given["from"][0]
    head.recipients = given.get("to", [])
    head.lane = given.get("lane", [""])[0]
    head.key = given.get("idempotency_key", [""])[0]


class Submit:
    """The ASGI application."""

    def __init__(self, submitter: Submitter, entry: Entry, *, message_octets: int, pending_octets: int) -> None:
        self._submitter = submitter
        self._entry = entry
        self._body_octets = message_octets * JSON_OVERHEAD
        self._intake = Intake(pending_octets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, body = await self._answer(read_head(scope), receive)
        except FastEmailNetError as error:
            await respond(send, status_of(error), refusal(error), retry_after_s=error.retry_after_s)
        else:
            await respond(send, status, body)

    async def _answer(self, head: Request, receive: Receive) -> tuple[int, bytes]:
        head.tenant = self._entry.submits_for(head.peer, head.authorization)
        if head.size_octets > self._body_octets:
            return self._too_large(head.size_octets)
        with self._intake.hold(head.size_octets) as held:
            body = await self._intake.read(held, _chunks(receive), self._body_octets)
            return self._too_large(body) if isinstance(body, int) else await self._take(head, body)

    async def _take(self, head: Request, body: bytes) -> tuple[int, bytes]:
        if head.media_type == RAW:
            return ACCEPTED, to_json(await self._submitter.submit(_raw(head, body)))
        if head.media_type == "application/json":
            return await self._json(head, body)
        return BAD_MEDIA, refusal(MessageError(f"{head.media_type!r}", "Content-Type", f"{RAW} or application/json"))

    def _too_large(self, octets: int) -> tuple[int, bytes]:
        return TOO_LARGE, refusal(MessageError(f"{octets} octets", "request body", f"{self._body_octets} octets"))

    async def _json(self, head: Request, body: bytes) -> tuple[int, bytes]:
        mails = decode(body)
        if not is_batch(mails):
            return ACCEPTED, to_json(
                await self._submitter.submit(to_submission(mails[0], head.key, head.lane, head.order, head.tenant))
            )
        tasks: list[asyncio.Task[Accepted | dict[str, Any]]] = []
        for first in range(0, len(mails), MAILS_A_TURN):
            some = mails[first : first + MAILS_A_TURN]
            tasks += [asyncio.create_task(self._one(mail, head)) for mail in some]
            await asyncio.sleep(0)  # a batch of bulk holds up nobody else's mail
        results = await asyncio.gather(*tasks)
        failed = sum("error" in result for result in results if isinstance(result, dict))
        return MIXED if failed else ACCEPTED, to_json({"accepted": len(results) - failed, "messages": results})

    async def _one(self, mail: Mail, head: Request) -> Accepted | dict[str, Any]:
        try:
            return await self._submitter.submit(to_submission(mail, "", head.lane, head.order, head.tenant))
        except FastEmailNetError as error:
            return {"error": described(error)}


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MessageError("the connection ended inside it", "request body")
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _raw(head: Request, body: bytes) -> Submission:
    message = crlf(body)
    sender, recipients = head.sender, _split(head.recipients)
    if sender is None or not recipients:
        named = envelope(message, sender, recipients or None)
        sender, recipients = named.sender, named.recipients
    lane = lane_named(head.lane, "X-FEN-Lane") if head.lane else None
    return Submission(
        message, sender.strip("<> "), tuple(recipients), lane, head.key, head.tenant, order_key=head.order
    )


def _split(values: Sequence[str]) -> list[str]:
    """Recipients of X-Envelope-To fields: one a field, or several with commas between them."""
    if len(values) == 1 and "," not in values[0] and '"' not in values[0]:
        return [values[0].strip("<> ")]
    return addresses(values)
