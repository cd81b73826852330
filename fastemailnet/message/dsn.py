"""Reports as messages: multipart/report of text, message/delivery-status and something of the original (RFC 3464, 6522, 6533)."""

import quopri
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from fastemailnet.envelope import LAST_MS
from fastemailnet.message.header import split

MAX_DIAGNOSTIC_CHARACTERS = 800
_WIDTH = 76
_SUBJECTS = {
    "failed": "Your message could not be delivered",
    "delayed": "Your message is delayed",
    "relayed": "Your message was passed on",
}
_SENTENCES = {
    "failed": "could not be delivered to these recipients, and will not be tried again:",
    "delayed": "has not been delivered yet to these recipients. You need do nothing: it is tried again.",
    "relayed": "was passed on for these recipients to a mail system that does not report what becomes of it:",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipient of a report."""

    address: str
    original: str  # as ORCPT names it, "type;address"; "" where the sender named none
    action: str  # failed, delayed or relayed
    status: tuple[int, int, int]
    reason: str  # for people
    reply: str  # of the next hop, with its codes; "" where there is none
    host: str  # that replied, or ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says. Times are Unix milliseconds."""

    hostname: str  # ours
    to: str  # the reverse-path of the original
    name: str  # unique among reports; in the boundary, so of letters and digits alone
    at_ms: int
    accepted_ms: int
    retry_until_ms: int
    envid: str
    entries: Sequence[Entry]
    original: bytes  # message
    returned_octets: int  # how much of it at most; 0: its header only


def compose(report: Report) -> bytes:
    """The message, CRLF line ends, ASCII unless an address or the whole original is not."""
    boundary = f"=_{report.name}"
    action = report.entries[0].action
    parts = [
        _part("text/plain; charset=utf-8", _text(report, action)),
        _part(f"message/{'delivery-status' if _is_ascii(report) else 'global-delivery-status'}", _status(report)),
        _returned(report),
    ]
    head = [
        f"From: Mail Delivery System <mailer-daemon@{report.hostname}>",
        f"To: <{report.to}>",
        f"Subject: {_SUBJECTS[action]}",
        f"Date: {_date(report.at_ms)}",
        f"Message-ID: <{report.name}.dsn@{report.hostname}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"',
    ]
    open_line, close_line = f"\r\n--{boundary}\r\n".encode(), f"\r\n--{boundary}--\r\n".encode()
    return "\r\n".join(head).encode() + b"\r\n" + b"".join(open_line + part for part in parts) + close_line


def _is_ascii(report: Report) -> bool:
    return report.to.isascii() and all((entry.address + entry.original).isascii() for entry in report.entries)


def _part(content_type: str, body: bytes, *fields: str) -> bytes:
    if not body.isascii() and not fields:
        fields = ("Content-Transfer-Encoding: 8bit",)
    return "\r\n".join([f"Content-Type: {content_type}", *fields, "", ""]).encode() + body


def _text(report: Report, action: str) -> bytes:
    lines = [f"This is the mail system at {report.hostname}.", "", f"Your message {_SENTENCES[action]}", ""]
    for entry in report.entries:
        lines.append(f"<{entry.address}>")
        said = f"{entry.host or 'next hop'} said: {entry.reply}" if entry.reply else entry.reason
        lines += textwrap.wrap(_plain(said), _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return _encoded(lines)


def _status(report: Report) -> bytes:
    lines = [f"Reporting-MTA: dns; {report.hostname}"]
    if report.envid:
        lines.append(f"Original-Envelope-Id: {report.envid}")
    lines.append(f"Arrival-Date: {_date(report.accepted_ms)}")
    for entry in report.entries:
        lines += ["", *_fields(report, entry)]
    return _encoded(lines)


def _fields(report: Report, entry: Entry) -> Iterator[str]:
    kind = "rfc822" if entry.address.isascii() else "utf-8"
    if entry.original:
        of, _, address = entry.original.partition(";")
        yield f"Original-Recipient: {of}; {address}"
    yield f"Final-Recipient: {kind}; {entry.address}"
    yield f"Action: {entry.action}"
    yield f"Status: {'.'.join(map(str, entry.status))}"
    if entry.host:
        yield f"Remote-MTA: dns; {entry.host}"
    if entry.reply:
        yield from _folded(f"Diagnostic-Code: smtp; {_plain(entry.reply)}")
    else:
        yield from _folded(f"Diagnostic-Code: x-fastemailnet; {_plain(entry.reason)}")
    yield f"Last-Attempt-Date: {_date(report.at_ms)}"
    if entry.action == "delayed":
        yield f"Will-Retry-Until: {_date(report.retry_until_ms)}"


def _returned(report: Report) -> bytes:
    block, _ = split(report.original)
    if len(report.original) <= report.returned_octets:
        kind = "message/rfc822" if block.isascii() else "message/global"
        return _part(kind, report.original)
    if block.isascii():
        return _part("text/rfc822-headers", block)
    # Quoted-printable rather than message/global-headers: so the report itself needs no 8-bit path back.
    encoded = quopri.encodestring(block.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return _part("text/rfc822-headers; charset=utf-8", encoded, "Content-Transfer-Encoding: quoted-printable")


def _date(at_ms: int) -> str:
    return format_datetime(datetime.fromtimestamp(min(at_ms, LAST_MS) / 1_000, UTC))


def _plain(text: str) -> str:
    """One line of printable ASCII."""
    return "".join(c if " " <= c <= "~" else "?" for c in " ".join(text.split()))[:MAX_DIAGNOSTIC_CHARACTERS]


def _folded(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def _encoded(lines: Sequence[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()
