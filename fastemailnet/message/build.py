"""A message from the fields of a JSON submission."""

from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import NamedTuple

from fastemailnet.errors import MessageError

FORBIDDEN = frozenset(
    {"from", "to", "cc", "bcc", "subject", "content-type", "content-transfer-encoding", "mime-version"}
)


class Attachment(NamedTuple):
    """A file to attach."""

    name: str
    content_type: str  # type/subtype
    content: bytes


def build(
    sender: str,
    to: Sequence[str],
    subject: str,
    text: str | None = None,
    html: str | None = None,
    headers: Mapping[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """A message with CRLF line ends; text, HTML or both, and attachments.

    Raises:
        MessageError: there is nothing to say, or a field is not allowed.
    """
    if text is None and html is None:
        raise MessageError("neither text nor html", "submission")
    message = EmailMessage(policy=SMTP)
    _set(message, "From", sender)
    _set(message, "To", ", ".join(to))
    _set(message, "Subject", subject)
    for name, value in (headers or {}).items():
        if name.lower() in FORBIDDEN:
            raise MessageError(f"header {name} is set by its own field", "headers")
        _set(message, name, value)
    if text is not None:
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    for attachment in attachments:
        kind, _, subtype = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, kind, subtype or "octet-stream", filename=attachment.name)
    try:
        return message.as_bytes(policy=SMTP)
    except UnicodeEncodeError:
        return message.as_bytes(policy=SMTPUTF8)


def _set(message: EmailMessage, name: str, value: str) -> None:
    try:
        message[name] = value
    except (ValueError, IndexError) as error:
        raise MessageError(f"header {name} is not valid: {error}", "headers") from error
