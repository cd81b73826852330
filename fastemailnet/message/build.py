"""A message from the fields of a JSON submission."""

import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address, AddressHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import NamedTuple

from fastemailnet.errors import MessageError
from fastemailnet.message.address import a_label

FORBIDDEN = frozenset(
    {"from", "to", "cc", "bcc", "subject", "content-type", "content-transfer-encoding", "mime-version"}
)
MAX_FIELD_CHARACTERS = 10_000  # of one field: 15 ms
MAX_ADDRESS_CHARACTERS = 1_000  # of From, Reply-To and the like: 30 ms for the worst of these
DEFAULT_TYPE = "application/octet-stream"

_KINDS = HeaderRegistry().registry
_NAME = re.compile(r"[!-9;-~]{1,76}")
_TYPE = re.compile(r"([A-Za-z0-9][\w!#$&^.+-]{0,126})/([A-Za-z0-9][\w!#$&^.+-]{0,126})", re.ASCII)


class Attachment(NamedTuple):
    """A file to attach."""

    name: str
    content_type: str  # type/subtype; "" is application/octet-stream
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
    if to:
        _set(message, "To", ", ".join(to))
    _set(message, "Subject", subject)
    for name, value in (headers or {}).items():
        if name.lower() in FORBIDDEN:
            raise MessageError(f"header {name} is set by its own field", "headers")
        if not _NAME.fullmatch(name):
            raise MessageError(f"{name!r} is no name of a header field", "headers")
        _set(message, name, value)
    try:
        _fill(message, text, html)
    except ValueError as error:  # lone surrogates, which JSON can escape
        raise MessageError(f"not valid Unicode: {error}", "text or html") from error
    for attachment in attachments:
        _attach(message, attachment)
    return message.as_bytes(policy=SMTPUTF8 if _needs_smtputf8(message) else SMTP)


def _needs_smtputf8(message: EmailMessage) -> bool:
    """Whether a mailbox has a local part that no encoded word may stand for (RFC 2047 section 5, RFC 6532)."""
    fields = (field for field in message.values() if isinstance(field, AddressHeader))
    return any(not address.username.isascii() for field in fields for address in field.addresses)


def _fill(message: EmailMessage, text: str | None, html: str | None) -> None:
    if text is not None:
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    kind = _TYPE.fullmatch(attachment.content_type or DEFAULT_TYPE)
    if kind is None:
        raise MessageError(
            f"{attachment.content_type[:100]!r} is not type/subtype", "attachments", "RFC 6838 section 4.2"
        )
    # Composite types may not be base64 (RFC 2045 section 6.4), so their octets could break the lines of the mail.
    main, subtype = ("application", "octet-stream") if kind[1].lower() in ("message", "multipart") else kind.groups()
    try:
        message.add_attachment(attachment.content, main, subtype, filename=attachment.name)
    except ValueError as error:
        raise MessageError(f"name {attachment.name[:100]!a} is not valid: {error}", "attachments") from error


def _set(message: EmailMessage, name: str, value: str) -> None:
    _refuse_long(name, value)
    try:
        message[name] = value
        field = message[name]
        if isinstance(field, AddressHeader) and not value.isascii():
            del message[name]
            message[name] = [
                Address(mailbox.display_name, mailbox.username, a_label(mailbox.domain)) for mailbox in field.addresses
            ]
    except Exception as error:  # the grammar's answers to broken addresses are of any kind, TypeError among them
        raise MessageError(f"header {name} is not valid: {error}", "headers") from error


def _refuse_long(name: str, value: str) -> None:
    """The standard library's time for a field grows with the square of its length; To has as many recipients as it may."""
    kind = _KINDS.get(name.lower())
    most = MAX_ADDRESS_CHARACTERS if kind is not None and issubclass(kind, AddressHeader) else MAX_FIELD_CHARACTERS
    if name != "To" and len(value) > most:
        raise MessageError(f"header {name} of {len(value)} characters", "headers", f"{most} characters")
