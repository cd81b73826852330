"""The JSON forms of a submission: parts to build a message from, or a finished message in base64; one, or a batch.

    {"from": "Shop <shop@shop.example>", "to": ["ann@mail.example"], "subject": "Hello", "text": "…", "html": "…"}
    {"raw": "RnJvbTog…", "from": "b@shop.example", "to": "ann@mail.example", "lane": "bulk", "idempotency_key": "o-7"}
    {"messages": [{…}, {…}]}

A name that is none of ours is refused: a misspelt ``lane`` must not become another lane.
"""

from collections.abc import Iterable
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from typing import Final

import msgspec

from fastemailnet.admission.address_list import addresses
from fastemailnet.admission.headers import envelope
from fastemailnet.admission.lane import lane_named
from fastemailnet.admission.submission import DEFAULT_TENANT, Submission
from fastemailnet.errors import MessageError
from fastemailnet.message.build import Attachment, build
from fastemailnet.message.prepare import crlf

MAX_BATCH_MESSAGES: Final = 1_000


class File(msgspec.Struct, forbid_unknown_fields=True):
    """An attachment; ``content`` is base64 in JSON."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


class Mail(msgspec.Struct, forbid_unknown_fields=True):
    """One message."""

    sender: str = msgspec.field(default="", name="from")
    to: list[str] | str = []
    cc: list[str] | str = []
    bcc: list[str] | str = []
    subject: str = ""
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] = {}
    attachments: list[File] = []
    raw: bytes = b""
    lane: str = ""
    idempotency_key: str = ""
    order_key: str = ""


class Post(Mail, forbid_unknown_fields=True):
    """A request's body: one message, or ``messages``."""

    messages: list[Mail] = []


_decoder = msgspec.json.Decoder(Post)


def decode(body: bytes) -> list[Mail]:
    """The messages of a JSON body.

    Raises:
        MessageError: it is not such JSON, or too many.
    """
    try:
        post = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MessageError(f"not the JSON of a message: {error}", "request body") from None
    if len(post.messages) > MAX_BATCH_MESSAGES:
        raise MessageError(f"{len(post.messages)} messages", "messages", f"{MAX_BATCH_MESSAGES} messages a request")
    return post.messages or [post]


def is_batch(mails: list[Mail]) -> bool:
    """Whether the body was a batch, so that its answer is one."""
    return len(mails) != 1 or not isinstance(mails[0], Post)


def to_submission(
    mail: Mail, key: str = "", lane: str = "", order: str = "", tenant: str = DEFAULT_TENANT
) -> Submission:
    """The submission that a mail of ``tenant`` asks for. ``key``, ``lane`` and ``order``: of the request, for one that names none.

    Raises:
        MessageError: it cannot be built, or names no sender or recipient.
    """
    recipients = tuple(addresses([*_list(mail.to), *_list(mail.cc), *_list(mail.bcc)]))
    senders = addresses([mail.sender]) if mail.sender else []
    if mail.raw:
        message = crlf(mail.raw)
        if not recipients or not senders:
            named = envelope(message, senders[0] if senders else None, recipients or None)
            recipients, senders = tuple(named.recipients), [named.sender]
    else:
        message = _built(mail, senders, recipients)
    name = mail.lane or lane
    chosen = lane_named(name, "lane") if name else None
    names = mail.idempotency_key or key
    return Submission(message, senders[0], recipients, chosen, names, tenant, order_key=mail.order_key or order)


def _built(mail: Mail, senders: list[str], recipients: tuple[str, ...]) -> bytes:
    if len(senders) != 1:
        raise MessageError(f"{len(senders)} addresses", "from", "exactly one address")
    if not recipients:
        raise MessageError("no recipient", "to, cc, bcc", "at least one recipient")
    files = [Attachment(file.filename, file.content_type, file.content) for file in mail.attachments]
    message = build(mail.sender, _list(mail.to), mail.subject, mail.text, mail.html, mail.headers, files)
    return _cc_field(_list(mail.cc)) + message if mail.cc else message


def _cc_field(cc: list[str]) -> bytes:
    alone = EmailMessage(policy=SMTP)
    try:
        alone["Cc"] = ", ".join(cc)
        octets = alone.as_bytes(policy=policy_for(addresses(cc)))
    except (ValueError, IndexError) as error:
        raise MessageError(f"not valid: {error}", "cc") from error
    return octets.removesuffix(b"\r\n")


def policy_for(mailboxes: Iterable[str]) -> "EmailPolicy[EmailMessage]":
    """How the standard library writes fields with these addresses.

    Left alone it would make an encoded word of an address that is not ASCII (RFC 2047 section 5 forbids that); names are
    encoded words wherever they can be, so that the message needs no SMTPUTF8.
    """
    return SMTP if all(map(str.isascii, mailboxes)) else SMTPUTF8


def _list(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value
