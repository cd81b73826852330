"""What a message must not be: every rule with what, where and which limit.

Sources: RFC 5321 section 4.5.3, RFC 5322 section 3.6. The body is looked at with whole-buffer searches only; the header field by field.
"""

import re
from typing import NamedTuple

from fastemailnet.errors import MessageError
from fastemailnet.message.header import Field, count, fields, split

MAX_LINE_OCTETS = 998
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]")
_ONCE = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject", "Date")


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
    problems = [*_octets(raw), *_lines(raw), *_header_octets(block, limits)]
    if not problems:
        problems += _header_syntax(block)
    problems += _header_fields(fields(block), limits)
    if body == len(raw) and not raw.endswith(b"\r\n"):
        problems.append(Problem("the last line does not end in CRLF", "the end of the message"))
    return tuple(problems)


def needs_smtputf8(raw: bytes) -> bool:
    """Whether a header field has octets over 127 (RFC 6532), so that the message needs SMTPUTF8."""
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


def _lines(raw: bytes) -> list[Problem]:
    lines = raw.split(b"\r\n")
    if max(map(len, lines)) <= MAX_LINE_OCTETS:
        return []
    number = next(number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE_OCTETS)
    size = len(lines[number - 1])
    return [Problem(f"line of {size} octets", f"line {number}", f"{MAX_LINE_OCTETS} octets without CRLF")]


def _header_octets(block: bytes, limits: Limits) -> list[Problem]:
    if len(block) > limits.header_octets:
        return [Problem(f"header block of {len(block)} octets", "the header", f"{limits.header_octets} octets")]
    return []


def _header_syntax(block: bytes) -> list[Problem]:
    for number, line in enumerate(block.split(b"\r\n"), 1):
        if not _HEADER_LINE.match(line) or (number == 1 and line[:1] in (b" ", b"\t")):
            return [Problem("not a header field", f"line {number} {line[:60]!r}", "name, colon, value")]
    return []


def _header_fields(found: list[Field], limits: Limits) -> list[Problem]:
    problems = []
    if not count(found, "From"):
        problems.append(Problem("no From field", "the header", "exactly one"))
    for name in _ONCE:
        times = count(found, name)
        if times > 1:
            problems.append(Problem(f"{times} {name} fields", "the header", "at most one"))
    hops = count(found, "Received")
    if hops > limits.hops:
        problems.append(Problem(f"{hops} Received fields (a mail loop)", "the header", f"{limits.hops} hops"))
    return problems


def _line(raw: bytes, offset: int) -> str:
    number = raw.count(b"\n", 0, offset) + 1
    return f"line {number}"
