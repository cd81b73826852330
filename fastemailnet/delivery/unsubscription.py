"""One-click unsubscription (RFC 8058): the two header fields that bulk mail gets, and what the link in them means when it comes back.

    unit ─▶ Leaving (message, tenant, lane, address) ─▶ sealed: version ▸ AES-SIV ─▶ base64url ─▶ List-Unsubscribe: <https://…/TOKEN>
    TOKEN ─▶ opened: Leaving, or None ─▶ SUPPRESS

The token says by itself who leaves what, so that it is good for as long as the mail is kept, and nothing has to be remembered for it.
It is sealed rather than signed: such addresses stand in the logs of proxies and link scanners, who need not learn the recipient's.
AES-SIV (RFC 5297) needs no nonce, so every attempt of a mail carries the same octets; and it compares in constant time.

A transaction gets the fields where they can mean one person alone: of a message that was accepted for one recipient. How many of a
unit are left to be tried says nothing about that. Reports (null reverse-path) and mail with fields of its own are left alone.
"""

import base64
import re
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from fastemailnet.envelope import Lane, Unit
from fastemailnet.message.header import split
from fastemailnet.wire import Decoder

KEY_OCTETS: Final = 64
PATH: Final = "/v1/unsubscribe/"
MAX_LINE_OCTETS: Final = (
    1_000  # with its CRLF (RFC 5322 section 2.1.1); where names are too long for it, nothing is added
)
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")  # name and value that a POST carries
_POST: Final = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
_OWN: Final = re.compile(rb"(?:\A|\n)list-unsubscribe(?:-post)?[ \t]*:", re.IGNORECASE)
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_-]{{4,{MAX_LINE_OCTETS}}}")
_VERSION: Final = b"\x01"
_ABOUT: Final = [b"fen1/unsubscribe" + _VERSION]  # what is sealed under the key for another purpose opens nothing here


class Leaving(msgspec.Struct, frozen=True, array_like=True):
    """Who wants no more of which mail, and of which message he learned how."""

    message: bytes  # 16 octets, see ids.message_id
    tenant: str
    lane: Lane
    address: str  # in lower case


_decoder: Final = Decoder[Leaving](Leaving)


class Seal:
    """Makes and reads tokens. ``key``: KEY_OCTETS that only the fleet knows."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def token(self, leaving: Leaving) -> str:
        """The token, the same for the same leaving. About 20 µs."""
        return _text(_VERSION + self._cipher.encrypt(msgspec.msgpack.encode(leaving), _ABOUT))

    def opened(self, token: str) -> Leaving | None:
        """What a token means; None for one that this key did not make."""
        if not _TOKEN.fullmatch(token):
            return None
        octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) if len(token) % 4 != 1 else b""
        if _text(octets) != token or octets[:1] != _VERSION:  # the last character may have bits that are not read
            return None
        try:
            return _decoder.decode(self._cipher.decrypt(octets[1:], _ABOUT))
        except InvalidTag:
            return None


class OneClick:
    """Writes the fields. ``url``: where our HTTP API is reached from outside, without a slash at its end."""

    def __init__(self, seal: Seal, url: str) -> None:
        self.seal = seal
        self.prefix = f"{url.rstrip('/')}{PATH}"

    def fields(self, unit: Unit) -> bytes:
        """The fields to put before the unit's body, each ending in CRLF, or b"". Both are to be signed (RFC 8058 section 4)."""
        is_ours = unit.lane is Lane.BULK and unit.is_personal and unit.reverse_path
        if not is_ours or _OWN.search(split(unit.body)[0]):
            return b""
        (recipient,) = unit.recipients
        leaving = Leaving(unit.message, unit.tenant, unit.lane, recipient.address.lower())
        line = f"List-Unsubscribe: <{self.prefix}{self.seal.token(leaving)}>\r\n".encode()
        return line + _POST if len(line) <= MAX_LINE_OCTETS else b""


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
