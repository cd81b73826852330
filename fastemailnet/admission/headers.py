"""The envelope that a message's own header fields name, for senders that give none.

Reverse-path: ``Sender``, else the first address of ``From`` (RFC 5322 section 3.6.2). Recipients: ``To``, ``Cc`` and
``Bcc`` in this order, each address once. ``Bcc`` is taken out of the message: the others must not see it.
"""

import re
from collections.abc import Sequence
from email.errors import HeaderParseError, InvalidHeaderDefect
from email.policy import SMTPUTF8
from typing import NamedTuple

from fastemailnet.errors import MessageError

_FIELD = re.compile(rb"^(sender|from|to|cc|bcc)[ \t]*:((?:[^\n]|\n(?=[ \t]))*)\n?", re.IGNORECASE | re.MULTILINE)
_BCC = re.compile(rb"^bcc[ \t]*:(?:[^\n]|\n(?=[ \t]))*\n?", re.IGNORECASE | re.MULTILINE)
_NEEDS_GRAMMAR = re.compile(r'["()\\:;\[]')
_PLAIN = re.compile(r"[^<>]*<([^<>\s]+@[^<>\s@]+)>\s*|\s*([^<>\s]+@[^<>\s@]+)\s*")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
MAX_GRAMMAR_CHARACTERS = (
    8_000  # of one value; the grammar's time grows with the square of it, 0.3 s for the worst of these
)


class Envelope(NamedTuple):
    """What SMTP would say about a message, and the message without Bcc."""

    sender: str
    recipients: list[str]
    message: bytes


def envelope(message: bytes, sender: str | None = None, recipients: Sequence[str] | None = None) -> Envelope:
    """The envelope of a message: what is not given comes from its header block.

    Raises:
        MessageError: it names no sender or no recipient.
    """
    cut = _cut(message)
    header = message[:cut]
    fields = _fields(header)
    senders = [sender] if sender is not None else addresses(fields["sender"]) or addresses(fields["from"])
    if recipients is None:
        recipients = list(dict.fromkeys(addresses(fields["to"]) + addresses(fields["cc"]) + addresses(fields["bcc"])))
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


def addresses(values: Sequence[str]) -> list[str]:
    """The addresses in the values of address fields, without names and comments (RFC 5322 section 3.4), in order.

    Raises:
        MessageError: a value is no list of addresses.
    """
    return [address for value in values for address in _addresses(value)]


def _addresses(value: str) -> list[str]:
    if not _NEEDS_GRAMMAR.search(value):
        matches = [_PLAIN.fullmatch(part) for part in value.split(",") if part.strip()]
        if all(matches):
            return [match[1] or match[2] for match in matches if match]
    return _addresses_by_grammar(value)


def _addresses_by_grammar(value: str) -> list[str]:
    """Quoted names, comments and groups: by the grammar of the standard library."""
    if len(value) > MAX_GRAMMAR_CHARACTERS:
        what = f"{len(value)} characters of addresses with quoted names, comments or groups"
        raise MessageError(what, "To, Cc, Bcc, From or Sender", f"{MAX_GRAMMAR_CHARACTERS} characters a field")
    try:
        field = SMTPUTF8.header_factory("To", value)
        found = [address.addr_spec for address in field.addresses]
        broken = any(isinstance(defect, InvalidHeaderDefect) for defect in field.defects)
    except (HeaderParseError, IndexError, ValueError, AttributeError, RecursionError):  # its answers to broken syntax
        found, broken = [], True
    if broken:
        raise MessageError(f"{value[:100]!r} is no list of addresses", "To, Cc, Bcc, From or Sender")
    return [address for address in found if address not in ("", "<>")]
