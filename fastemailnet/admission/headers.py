"""The envelope that a message's own header fields name, for senders that give none.

Reverse-path: ``Sender``, else the first address of ``From`` (RFC 5322 section 3.6.2). Recipients: ``To``, ``Cc`` and
``Bcc`` in this order, each address once. ``Bcc`` is taken out of the message: the others must not see it.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastemailnet.admission.address_list import addresses
from fastemailnet.errors import MessageError

_FIELD = re.compile(rb"^(sender|from|to|cc|bcc)[ \t]*:((?:[^\n]|\n(?=[ \t]))*)\n?", re.IGNORECASE | re.MULTILINE)
_BCC = re.compile(rb"^bcc[ \t]*:(?:[^\n]|\n(?=[ \t]))*\n?", re.IGNORECASE | re.MULTILINE)
# That are looked through for addresses; what is taken has fewer (``limits.header_octets``).
MAX_HEADER_OCTETS = 1_000_000
_HEADER_END = re.compile(rb"\r?\n\r?\n")


class Envelope(NamedTuple):
    """What SMTP would say about a message, and the message without Bcc."""

    sender: str
    recipients: list[str]
    message: bytes


def envelope(
    message: bytes,
    sender: str | None = None,
    recipients: Sequence[str] | None = None,
    read: Callable[[Sequence[str]], list[str]] = addresses,
) -> Envelope:
    """The envelope of a message: what is not given comes from its header block. ``read``: what makes addresses of values.

    Raises:
        MessageError: it names no sender or no recipient.
    """
    cut = _cut(message)
    header = message[:cut]
    if len(header) > MAX_HEADER_OCTETS:
        raise MessageError(f"header block of {len(header)} octets", "the header", f"{MAX_HEADER_OCTETS} octets")
    fields = _fields(header)
    senders = [sender] if sender is not None else read(fields["sender"]) or read(fields["from"])
    if recipients is None:
        recipients = list(dict.fromkeys(one for name in ("to", "cc", "bcc") for one in read(fields[name])))
    if not senders:
        raise MessageError("the message names no sender and none was given", "From")
    if not recipients:
        raise MessageError("the message names no recipient and none was given", "To, Cc, Bcc")
    stripped = _BCC.sub(b"", header) + message[cut:] if fields["bcc"] else message
    return Envelope(senders[0], list(recipients), stripped)


class Claimed(NamedTuple):
    """Of whom a message says that it is (RFC 5322 section 3.6.2)."""

    authors: list[str]  # From
    senders: list[str]  # Sender


def claimed(message: bytes) -> Claimed:
    """The addresses in From and in Sender.

    Raises:
        MessageError: a value is no list of addresses.
    """
    fields = _fields(message[: _cut(message)])
    return Claimed(addresses(fields["from"]), addresses(fields["sender"]))


def _cut(message: bytes) -> int:
    """Where the header block ends."""
    end = _HEADER_END.search(message)
    return end.end() - 1 if end else len(message)


def _fields(header: bytes) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {"sender": [], "from": [], "to": [], "cc": [], "bcc": []}
    for name, value in _FIELD.findall(header):
        fields[name.decode().lower()].append(value.decode("utf-8", "replace").replace("\r", "").replace("\n", ""))
    return fields
