"""What a server refuses of its own: parameters of MAIL (RFC 1845, 1870, 6152, 6531, 8689), content that is no message."""

import re

from fastemailnet.outcome import Reply
from fastemailnet.smtp.checkpoint import MAX_VALUE_CHARACTERS, transid_of
from fastemailnet.smtp.command import Path
from fastemailnet.smtp.content import bare_line_end

NUMBER = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 3, RFC 3030 section 2


def refuse_mail(path: Path, message_octets: int, *, checkpoint: bool, tls: bool = False) -> Reply | None:
    """The refusal of a reverse-path with its parameters, or None. ``message_octets``: the limit that is offered as SIZE."""
    for name, value in path.parameters.items():
        refusal = _refuse(name, value, message_octets, checkpoint=checkpoint, tls=tls)
        if refusal is not None:
            return refusal
    if not path.address.isascii() and "SMTPUTF8" not in path.parameters:
        return Reply(553, (5, 6, 7), "address is not ASCII and MAIL has no SMTPUTF8")
    return None


def _refuse(name: str, value: str, message_octets: int, *, checkpoint: bool, tls: bool) -> Reply | None:
    match name:
        case "SIZE":
            if not NUMBER.fullmatch(value):
                return Reply(501, (5, 5, 4), "SIZE is a number")
            if int(value) > message_octets:
                return Reply(552, (5, 3, 4), f"message of {value} octets; limit {message_octets} octets")
        case "BODY":
            if value.upper() not in ("7BIT", "8BITMIME"):
                return Reply(555, (5, 5, 4), f"BODY={value[:20]!a} is not offered")
        case "TRANSID" if checkpoint:
            if not transid_of(value):
                return Reply(501, (5, 5, 4), f"TRANSID is <local@domain>, {MAX_VALUE_CHARACTERS} characters at most")
        case "SMTPUTF8":
            pass
        case "REQUIRETLS" if tls and not value:
            pass
        case _:
            return Reply(555, (5, 5, 4), f"parameter {name[:20]!a} is not recognised")
    return None


def refuse_content(content: bytes, message_octets: int) -> Reply | None:
    """The refusal of content that is too large or has a bare CR or LF, or None."""
    if len(content) > message_octets:
        return over_the_limit(message_octets)
    bare = bare_line_end(content)
    if bare < 0:
        return None
    name = "LF without CR" if content[bare] == 10 else "CR without LF"
    line = content.count(b"\n", 0, bare) + 1
    return Reply(554, (5, 6, 0), f"bare {name} at octet {bare}, line {line} (SMTP smuggling); lines end in CRLF")


def over_the_limit(message_octets: int) -> Reply:
    """The refusal of content over the limit."""
    return Reply(552, (5, 3, 4), f"message over the limit of {message_octets} octets")
