"""The log-in of one session, as its server sees it: AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN.

    offer             AUTH is
    NONE              no command
    UNDER_TLS         refused until TLS is active: a password must not cross a network in the clear
    ALWAYS            taken at any time: the peer is on this machine

    STRANGER ── AUTH ──▶ ASKED ── responses ──▶ (the shell is asked) ──▶ KNOWN, once a session
        ▲                  │                            │ not listened to (a reply 421): the session ends
        └── "*", no base64 ┴──────────── refused ───────┘    after ``MAX_REFUSED`` of these AUTH ends the session

What is decoded here is handed over and not kept. RFC 4616 would have names and passwords prepared by SASLprep; names and keys here are
compared as they are.
"""

import binascii
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from fastemailnet.outcome import Reply

MECHANISMS = ("PLAIN", "LOGIN")
MAX_REFUSED = 3  # log-ins of one session; who guesses connects anew
MAX_PART_OCTETS = 255  # of a name or a password (RFC 4616 section 2)
LOGGED_IN = Reply(235, (2, 7, 0), "authentication successful")
REFUSED = Reply(535, (5, 7, 8), "authentication credentials invalid")
CANCELLED = Reply(501, (5, 7, 0), "authentication cancelled")
TOO_LONG = Reply(500, (5, 5, 6), "authentication exchange line is too long")
TOO_MANY = Reply(421, (4, 7, 0), f"{MAX_REFUSED} log-ins were refused; closing")
_NO_BASE64 = Reply(501, (5, 5, 2), "a response is base64")
_MALFORMED = Reply(501, (5, 5, 2), f"a name and a password of 1 to {MAX_PART_OCTETS} octets of UTF-8")
_USER = Reply(334, None, "VXNlcm5hbWU6")  # "Username:"
_PASSWORD = Reply(334, None, "UGFzc3dvcmQ6")  # "Password:"


class Offer(Enum):
    """When AUTH is offered."""

    NONE = "none"
    UNDER_TLS = "under-tls"
    ALWAYS = "always"


class Stage(Enum):
    """How far the log-in is."""

    STRANGER = "stranger"
    ASKED_PLAIN = "asked-plain"  # for everything at once
    ASKED_USER = "asked-user"
    ASKED_PASSWORD = "asked-password"
    KNOWN = "known"


class Verdict(Enum):
    """What the shell says of credentials that it has looked at."""

    RIGHT = "right"
    WRONG = "wrong"


Refused = Literal[Verdict.WRONG] | Reply  # a reply of 421 says why nobody looks at them


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who somebody says he is."""

    user: str
    password: str = field(repr=False)


class Login:
    """The log-in of one session."""

    def __init__(self, offer: Offer = Offer.NONE) -> None:
        self.offer = offer
        self.stage = Stage.STRANGER
        self.refused = 0
        self._user = ""

    def is_open(self, is_encrypted: bool) -> bool:
        """Whether AUTH is offered now."""
        return self.offer is Offer.ALWAYS or (self.offer is Offer.UNDER_TLS and is_encrypted)

    def begin(self, rest: str) -> Reply | Credentials:
        """The command, behind its verb: a mechanism, and perhaps its first response. A reply 334 waits for ``respond``."""
        mechanism, _, initial = rest.partition(" ")
        if self.stage is Stage.KNOWN:
            return Reply(503, (5, 5, 1), "already authenticated")
        if self.refused >= MAX_REFUSED:
            return TOO_MANY
        match mechanism.upper():
            case "PLAIN":
                question, self.stage = Reply(334, None, ""), Stage.ASKED_PLAIN
            case "LOGIN":
                question, self.stage = _USER, Stage.ASKED_USER
            case "":
                return Reply(501, (5, 5, 4), "syntax: AUTH mechanism [initial response]")
            case _:
                return Reply(504, (5, 5, 4), f"mechanism {mechanism[:20]!a} is not offered")
        if not initial:
            return question
        return self.respond(b"" if initial == "=" else initial.encode())

    def respond(self, line: bytes) -> Reply | Credentials:
        """A response, without CRLF."""
        stage, self.stage = self.stage, Stage.STRANGER
        if line == b"*":
            return CANCELLED
        try:
            octets = binascii.a2b_base64(line, strict_mode=True)
        except ValueError:
            return _NO_BASE64
        match stage:
            case Stage.ASKED_USER:
                self._user = _part(octets)
                self.stage = Stage.ASKED_PASSWORD if self._user else Stage.STRANGER
                return _PASSWORD if self._user else _MALFORMED
            case Stage.ASKED_PASSWORD:
                password = _part(octets)
                return Credentials(self._user, password) if password else _MALFORMED
            case Stage.ASKED_PLAIN:
                return self._plain(octets)
            case Stage.STRANGER | Stage.KNOWN:
                raise AssertionError(stage)

    def _plain(self, octets: bytes) -> Reply | Credentials:
        """[identity to act as] NUL name NUL password."""
        parts = octets.split(b"\0")
        if len(parts) != 3:
            return _MALFORMED
        acts_as, user, password = map(_part, parts)
        if not user or not password or bool(acts_as) is not bool(parts[0]):
            return _MALFORMED
        return self.settle(Verdict.WRONG) if acts_as not in ("", user) else Credentials(user, password)

    def settle(self, verdict: Literal[Verdict.RIGHT] | Refused) -> Reply:
        """The end of a log-in. A reply 421 is the end of the session as well."""
        match verdict:
            case Verdict.RIGHT:
                self.stage = Stage.KNOWN
                return LOGGED_IN
            case Verdict.WRONG:
                self.refused += 1
                return REFUSED
            case Reply():
                return verdict


def _part(octets: bytes) -> str:
    """A name or password; "" for what is none."""
    try:
        return octets.decode() if len(octets) <= MAX_PART_OCTETS and b"\0" not in octets else ""
    except UnicodeDecodeError:
        return ""
