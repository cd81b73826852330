"""The addresses in address fields (RFC 5322 section 3.4), without names and comments.

    a mailbox                          is read by
    a@b, Ann <a@b>, "Doe, J" <a@b>     regular expressions, in one pass
    comments, groups, quoted locals    the grammar of the standard library

The grammar costs 30 microseconds a character, and more the longer a value is: over a second for 8,000 of the worst. So a value is
cut at the commas between its mailboxes, the grammar is given those alone that need it, and not many of them. What is taken says the
same as the grammar says of the whole value (a property test has both).
"""

import re
from collections.abc import Iterator, Sequence
from email.errors import InvalidHeaderDefect
from email.policy import SMTPUTF8

from fastemailnet.errors import MessageError

MAX_GRAMMAR_CHARACTERS = 1_000  # 30 ms for the worst of these
MAX_RECORD_CHARACTERS = 8_000  # of one value in a record: over a second for the worst, and brokers say who writes them
_FIELDS = "To, Cc, Bcc, From or Sender"
_NEEDS_GRAMMAR = re.compile(r'["()\\:;\[]')
_PLAIN = re.compile(r"[^<>]*<([^<>\s]+@[^<>\s@]+)>\s*|\s*([^<>\s]+@[^<>\s@]+)\s*")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ATOM = r'[^<>\s"()\\:;\[\],@.]+'
_SPEC = rf"(?![^\s,]*=\?)({_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*)"
# What has dots or encoded words beside quotes, or encoded words within, is the grammar's.
_NAME = r'(?:[^"()\\:;\[\]<>@,]*|(?:"(?:[^"\\=]|\\.|=(?!\?))*"|[^"()\\:;\[\]<>@,.=])*)'
_MAILBOX = re.compile(rf"[ \t]*(?:(?![ \t]*\.){_NAME}(?<!\?=)<{_SPEC}>|{_SPEC})[ \t]*(?:,|\Z)", re.DOTALL)
_PIECE = re.compile(rf'{_QUOTED}|\[[^\[\]\\]*\]|<(?:{_QUOTED}|[^<>"])*>|\\.|[^"\\\[(),:;<]+|.', re.DOTALL)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)


def addresses(values: Sequence[str]) -> list[str]:
    """The addresses in the values of address fields, in order.

    Raises:
        MessageError: a value is no list of addresses, or costs too much to read.
    """
    found: list[str] = []
    left = MAX_GRAMMAR_CHARACTERS
    for value in values:
        plain = _plain(value)
        for mailbox in _mailboxes(value) if plain is None else plain:
            if isinstance(mailbox, str):
                found.append(mailbox)
                continue
            left -= mailbox.stop - mailbox.start
            if left < 0:
                what = "too many addresses with comments, groups or quoted locals"
                raise MessageError(what, _FIELDS, f"{MAX_GRAMMAR_CHARACTERS} characters of them")
            found += _by_grammar(value[mailbox])
    return found


def addresses_of_record(values: Sequence[str]) -> list[str]:
    """Likewise of a foreign producer's record, always by the grammar over the whole value: it means what it ever meant.

    Raises:
        MessageError: a value is no list of addresses, or too long for the grammar.
    """
    found: list[str] = []
    for value in values:
        plain = _plain(value)
        if plain is None and len(value) > MAX_RECORD_CHARACTERS:
            what = f"{len(value)} characters of addresses with quoted names, comments or groups"
            raise MessageError(what, _FIELDS, f"{MAX_RECORD_CHARACTERS} characters a field")
        found += _by_grammar(value) if plain is None else plain
    return found


def _plain(value: str) -> list[str] | None:
    if _NEEDS_GRAMMAR.search(value):
        return None
    matches = [_PLAIN.fullmatch(part) for part in value.split(",") if part.strip()]
    return [match[1] or match[2] for match in matches if match] if all(matches) else None


def _mailboxes(value: str) -> Iterator[str | slice]:
    """The addresses of what is read in passing, and where that stands which needs the grammar."""
    at = 0
    while at < len(value):
        match = _MAILBOX.match(value, at)
        if match is not None:
            yield match[1] or match[2]
            at = match.end()
            continue
        end = _end_of_mailbox(value, at)
        if value[at:end].strip():
            yield slice(at, end)
        at = end + 1


def _end_of_mailbox(value: str, at: int) -> int:
    """The offset of the comma behind a mailbox or group, or the length."""
    is_group = False
    while at < len(value):
        match value[at]:
            case "(":
                at = _behind_comment(value, at)
                continue
            case ":":
                is_group = True
            case ";":
                is_group = False
            case "," if not is_group:
                return at
        piece = _PIECE.match(value, at)
        assert piece is not None  # for it takes any character
        at = piece.end()
    return at


def _behind_comment(value: str, at: int) -> int:
    depth = 0
    for found in _PARENTHESIS.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(value)


def _by_grammar(value: str) -> list[str]:
    try:
        field = SMTPUTF8.header_factory("To", value)
        found = [address.addr_spec for address in field.addresses]
        broken = any(isinstance(defect, InvalidHeaderDefect) for defect in field.defects)
    except Exception:  # its answers to broken syntax are of any kind, TypeError and UnboundLocalError among them
        found, broken = [], True
    if broken:
        raise MessageError(f"{value[:100]!r} is no list of addresses", _FIELDS)
    return [address for address in found if address not in ("", "<>")]
