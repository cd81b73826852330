"""The parameters by which a sender asks for reports: NOTIFY, ORCPT, RET, ENVID (RFC 3461 section 4).

Values are kept as they came, in xtext, so that they are passed on unchanged; ``decode_xtext`` gives what a report shows.
"""

import re
from collections.abc import Mapping

from fastemailnet.outcome import Reply

MAX_ENVID_CHARACTERS = 100  # section 4.4
MAX_ORCPT_CHARACTERS = 500  # section 4.2
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_ENVID = re.compile(_XTEXT + "+")
_ORCPT = re.compile(rf"[A-Za-z0-9-]+;{_XTEXT}+")
_ORCPT_UTF8 = re.compile(r"utf-8;[^\x00-\x20+=\x7f]+", re.IGNORECASE)  # RFC 6533 section 3, where SMTPUTF8 is in use
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_HEX = re.compile(r"\+([0-9A-F]{2})")


def refuse_mail_parameter(name: str, value: str) -> Reply | None:
    """The refusal of RET or ENVID, or None."""
    if name == "RET" and value.upper() not in ("FULL", "HDRS"):
        return Reply(501, (5, 5, 4), "RET is FULL or HDRS")
    if name == "ENVID" and (len(value) > MAX_ENVID_CHARACTERS or not _ENVID.fullmatch(value)):
        return Reply(501, (5, 5, 4), f"ENVID is xtext, {MAX_ENVID_CHARACTERS} characters at most")
    return None


def refuse_rcpt_parameters(parameters: Mapping[str, str]) -> Reply | None:
    """The refusal of the parameters of RCPT, or None."""
    for name, value in parameters.items():
        match name:
            case "NOTIFY":
                words = value.upper().split(",")
                if words != ["NEVER"] and (not _NOTIFY.issuperset(words) or len(set(words)) < len(words)):
                    return Reply(501, (5, 5, 4), "NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY")
            case "ORCPT":
                is_one = _ORCPT.fullmatch(value) or _ORCPT_UTF8.fullmatch(value)
                if len(value) > MAX_ORCPT_CHARACTERS or not is_one:
                    return Reply(501, (5, 5, 4), f"ORCPT is type;xtext, {MAX_ORCPT_CHARACTERS} characters at most")
            case _:
                return Reply(555, (5, 5, 4), f"parameter {name[:20]!a} is not recognised")
    return None


def decode_xtext(text: str) -> str:
    """The text in xtext, as printable ASCII: what else it hides stays encoded."""
    return _HEX.sub(lambda found: _shown(found), text)


def _shown(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if " " <= character <= "~" else found[0]
