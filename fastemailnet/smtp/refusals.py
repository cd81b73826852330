"""What a server refuses of its own: parameters of MAIL (RFC 1845, 1870, 3461, 4954, 6152, 6531, 8689), content that is no message."""

import re
from dataclasses import dataclass

from fastemailnet.outcome import Reply
from fastemailnet.smtp.checkpoint import MAX_VALUE_CHARACTERS, transid_of
from fastemailnet.smtp.command import Path
from fastemailnet.smtp.content import bare_line_end
from fastemailnet.smtp.dsn import refuse_mail_parameter, refuse_rcpt_parameters

NUMBER = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 3, RFC 3030 section 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session accepts."""

    message_octets: int = 50_000_000
    recipients: int = 1_000
    held_octets: int = 256_000_000  # of messages, by all sessions of a listener together
    idle_commands: int = 0  # of a session that brings no message (``tolerance``); 0: any number


def refuse_mail(
    path: Path, message_octets: int, *, checkpoint: bool, dsn: bool = False, tls: bool = False, auth: bool = False
) -> Reply | None:
    """The refusal of a reverse-path with its parameters, or None. ``message_octets``: the limit that is offered as SIZE."""
    for name, value in path.parameters.items():
        if dsn and name in ("RET", "ENVID"):
            refusal = refuse_mail_parameter(name, value)
        elif auth and name == "AUTH":
            refusal = None  # whom the client names is nobody whom we would believe (RFC 4954 section 5): as AUTH=<>
        else:
            refusal = _refuse(name, value, message_octets, checkpoint=checkpoint, tls=tls)
        if refusal is not None:
            return refusal
    if not path.address.isascii() and "SMTPUTF8" not in path.parameters:
        return Reply(553, (5, 6, 7), "address is not ASCII and MAIL has no SMTPUTF8")
    return None


def refuse_rcpt(path: Path, *, smtputf8: bool, dsn: bool) -> Reply | None:
    """The refusal of a recipient with its parameters, or None. ``smtputf8``: MAIL has said so."""
    if path.parameters and not dsn:
        return Reply(555, (5, 5, 4), f"parameter {next(iter(path.parameters))[:20]!a} is not recognised")
    if not path.address:
        return Reply(501, (5, 1, 3), "a recipient is an address; <> is a reverse-path only")
    if not path.address.isascii() and not smtputf8:
        return Reply(553, (5, 6, 7), "address is not ASCII and MAIL had no SMTPUTF8")
    return refuse_rcpt_parameters(path.parameters)


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


NO_ROOM = Reply(452, (4, 3, 1), "other sessions hold too much just now; try again later")  # RFC 3463: mail system full


def over_the_limit(message_octets: int) -> Reply:
    """The refusal of content over the limit."""
    return Reply(552, (5, 3, 4), f"message over the limit of {message_octets} octets")
