"""Command lines (RFC 5321 section 4.1.1): parsed strictly, what is none says why; written only of what a line can carry."""

import re
from dataclasses import dataclass, field

from fastemailnet.outcome import Reply

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = r"((?:\"(?:[^\"\\]|\\.)*\"|[^<>\" ])*)"
_FIT = re.compile(_ADDRESS)
_PATH = re.compile(rf"(FROM|TO):[ ]?<{_ADDRESS}>(?:[ ]+(.*))?", re.IGNORECASE)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u0080-\U0010ffff]+))?")


@dataclass(frozen=True, slots=True)
class Command:
    """A verb in upper case and the rest of the line."""

    verb: str
    rest: str


@dataclass(frozen=True, slots=True)
class Path:
    """The address of MAIL or RCPT and its parameters, names in upper case."""

    address: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse(line: bytes) -> Command | Reply:
    """A command line without CRLF, or the reply that refuses it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Reply(500, (5, 5, 2), "command line is not UTF-8")
    control = _CONTROL.search(text)
    if control:
        return Reply(500, (5, 5, 2), f"control character 0x{ord(control[0]):02x} in the command line")
    verb, _, rest = text.partition(" ")
    return Command(verb.upper(), rest.strip(" "))


def parse_path(command: Command, keyword: str) -> Path | Reply:
    """The path of MAIL FROM or RCPT TO, or the reply that refuses it."""
    match = _PATH.fullmatch(command.rest)
    if match is None or match[1].upper() != keyword:
        return Reply(501, (5, 5, 4), f"syntax: {command.verb} {keyword}:<address> [parameters]")
    parameters: dict[str, str] = {}
    for word in (match[3] or "").split():
        given = _PARAMETER.fullmatch(word)
        if given is None:
            return Reply(501, (5, 5, 4), f"malformed parameter {word[:60]!a}")
        if given[1].upper() in parameters:
            return Reply(501, (5, 5, 4), f"parameter {given[1][:20]!a} is given twice")
        parameters[given[1].upper()] = given[2] or ""
    address = match[2]
    # A source route is to be ignored (RFC 5321 appendix C).
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]
    return Path(address, parameters)


def is_fit(address: str) -> bool:
    """Whether an address can stand in a command line: nothing in it ends the line or the path (RFC 5321 section 4.1.2)."""
    return _FIT.fullmatch(address) is not None and _CONTROL.search(address) is None
