"""What a message must not be: every rule with what, where and which limit.

Sources: RFC 5321 section 4.5.3, RFC 5322 section 3.6. The body is looked at with whole-buffer searches only; the header line by line.
"""

import re
from collections import Counter
from typing import NamedTuple

from fastemailnet.errors import MessageError
from fastemailnet.message.header import split

MAX_LINE_OCTETS = 998

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_HEADER_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:|[ \t]")
_ONCE = tuple(
    name.lower().encode()
    for name in (
        "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject", "Date",
    )
)  # fmt: skip


class Limits(NamedTuple):
    """The limits that an operator may set."""

    message_octets: int = 50_000_000
    header_octets: int = 100_000
    hops: int = 50


DEFAULT_LIMITS = Limits()
Problem = MessageError


def check(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Problem, ...]:
    """Everything that is wrong with a message; empty if nothing is. Problems are values here and raised by nobody."""
    if len(raw) > limits.message_octets:
        return (Problem(f"message of {len(raw)} octets", "the whole message", f"{limits.message_octets} octets"),)
    block, body = split(raw)
    problems = [*_octets(raw), *_long_line(raw)]
    if len(block) > limits.header_octets:
        return (
            *problems,
            Problem(f"header block of {len(block)} octets", "the header", f"{limits.header_octets} octets"),
        )
    problems += _header(block, limits)
    if body == len(raw) and not raw.endswith(b"\r\n"):
        problems.append(Problem("the last line does not end in CRLF", "the end of the message"))
    return tuple(problems)


def needs_smtputf8(raw: bytes) -> bool:
    """Whether the header block has octets over 127 (RFC 6532), so that the message needs SMTPUTF8."""
    return not split(raw)[0].isascii()


def _octets(raw: bytes) -> list[Problem]:
    problems = []
    pairs = raw.count(b"\r\n")
    # Counting is forty times faster than looking; the place is looked for only where there is one.
    bare = _BARE.search(raw) if raw.count(b"\n") != pairs or raw.count(b"\r") != pairs else None
    if bare:
        name = "LF without CR" if bare[0] == b"\n" else "CR without LF"
        problems.append(Problem(f"bare {name} (SMTP smuggling)", f"octet {bare.start()}, {_line(raw, bare.start())}"))
    zero = raw.find(b"\0")
    if zero >= 0:
        problems.append(Problem("NUL character", f"octet {zero}, {_line(raw, zero)}"))
    return problems


def _long_line(raw: bytes) -> list[Problem]:
    """Goes from one line end to the last that is near enough behind it: a list of all lines may take twenty times the message."""
    at = 0
    while len(raw) - at > MAX_LINE_OCTETS:
        end = raw.rfind(b"\r\n", at, at + MAX_LINE_OCTETS + 2)
        if end < 0:
            end = raw.find(b"\r\n", at)
            size = (len(raw) if end < 0 else end) - at
            number = raw.count(b"\r\n", 0, at) + 1
            return [Problem(f"line of {size} octets", f"line {number}", f"{MAX_LINE_OCTETS} octets without CRLF")]
        at = end + 2
    return []


def _header(block: bytes, limits: Limits) -> list[Problem]:
    names: Counter[bytes] = Counter()
    problems: list[Problem] = []
    for number, line in enumerate(block.split(b"\r\n"), 1) if block else ():
        found = _HEADER_LINE.match(line)
        if found is None or (number == 1 and found[1] is None):
            if not problems:  # one is enough: the lines after it are often its continuation
                # Its form stays: a record that was refused with these words long ago is counted again as it was.
                problems.append(Problem("not a header field", f"line {number} {line[:60]!r}", "name, colon, value"))
        elif found[1] is not None:
            names[found[1].lower()] += 1
    if not names[b"from"]:
        problems.append(Problem("no From field", "the header", "exactly one"))
    for name in _ONCE:
        if names[name] > 1:
            shown = name.decode().title().replace("Message-Id", "Message-ID")
            problems.append(Problem(f"{names[name]} {shown} fields", "the header", "at most one"))
    if names[b"received"] > limits.hops:
        problems.append(
            Problem(f"{names[b'received']} Received fields (a mail loop)", "the header", f"{limits.hops} hops")
        )
    return problems


def _line(raw: bytes, offset: int) -> str:
    number = raw.count(b"\n", 0, offset) + 1
    return f"line {number}"
