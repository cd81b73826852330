"""What is added to a message, once, at acceptance: Date and Message-ID where missing. Bcc is taken out. And its line ends."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

from fastemailnet.message.header import split

_BCC = re.compile(rb"(?:\A|(?<=\n))bcc[ \t]*:(?:[^\n]|\n(?=[ \t]))*\n?", re.IGNORECASE)
_DATE = re.compile(rb"(?:\A|\n)date[ \t]*:", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"(?:\A|\n)message-id[ \t]*:", re.IGNORECASE)


def prepare(raw: bytes, *, message_id: str, at_ms: int, domain: str) -> bytes:
    """The message as it is kept and sent over all attempts.

    Args:
        raw: the message, CRLF line ends.
        message_id: the left part of a new Message-ID.
        at_ms: acceptance, Unix milliseconds, for a new Date.
        domain: the right part of a new Message-ID.
    """
    block, body = split(raw)
    added = []
    if not _DATE.search(block):
        date = format_datetime(datetime.fromtimestamp(at_ms // 1_000, UTC))
        added.append(f"Date: {date}\r\n".encode())
    if not _MESSAGE_ID.search(block):
        added.append(f"Message-ID: <{message_id}@{domain}>\r\n".encode())
    if _BCC.search(block):
        head = raw[: len(block) + 2] if body > len(block) else block
        raw = _BCC.sub(b"", head) + raw[len(head) :]
    end = b"" if raw.endswith(b"\r\n") else b"\r\n"  # SMTP ends every message so; signatures must see what is sent
    return b"".join([*added, raw, end])


def crlf(message: bytes) -> bytes:
    """A message with the line ends of a Unix file gets those of mail; one with any CR is left as it is.

    No line end can be smuggled in this way: what is mixed stays mixed, and admission refuses it.
    """
    return message if b"\r" in message else message.replace(b"\n", b"\r\n")
