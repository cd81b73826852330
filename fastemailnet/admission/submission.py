"""What a sender hands in, what the gateway answers, and the rules between them."""

from dataclasses import dataclass
from typing import Final

import msgspec

from fastemailnet.envelope import MAX_MESSAGE_OCTETS, MAX_RECIPIENTS, Lane, Reporting, TlsWish, Unit
from fastemailnet.errors import MessageError
from fastemailnet.message.validate import Limits as ContentLimits

DEFAULT_TENANT: Final = "default"
MAX_KEY_CHARACTERS: Final = 255
TRANSACTIONAL_AGE_MS: Final = 6 * 3_600_000
AGE_MS: Final = 5 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Submission:
    """One message and its envelope, as they came in. ``lane`` None: the message decides, see ``lane``."""

    message: bytes
    reverse_path: str  # without angle brackets; "" is the null reverse-path
    recipients: tuple[str, ...]
    lane: Lane | None = None
    idempotency_key: str = ""
    tenant: str = DEFAULT_TENANT
    order_key: str = ""  # "": the message's own, see ``lane``
    reporting: Reporting | None = None  # RET and ENVID (RFC 3461)
    wishes: tuple[tuple[str, str], ...] = ()  # NOTIFY and ORCPT of each recipient; (): of none
    tls: TlsWish = TlsWish.DEFAULT  # DEFAULT: the message's own, see ``lane``


@dataclass(frozen=True, slots=True)
class Limits:
    """What admission allows, and what it writes into a message. Octets and Unix milliseconds."""

    hostname: str = "localhost"  # of Message-ID fields that admission adds
    message_octets: int = MAX_MESSAGE_OCTETS
    header_octets: int = 100_000
    recipients: int = MAX_RECIPIENTS
    hops: int = 50
    transactional_age_ms: int = TRANSACTIONAL_AGE_MS
    age_ms: int = AGE_MS

    def of_message(self) -> ContentLimits:
        """The limits on the message itself."""
        return ContentLimits(self.message_octets, self.header_octets, self.hops)

    def expires_ms(self, lane: Lane, at_ms: int) -> int:
        """When a message of ``lane`` that was accepted at ``at_ms`` is given up."""
        return at_ms + (self.transactional_age_ms if lane is Lane.TRANSACTIONAL else self.age_ms)


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision: units to append, or the reasons why there are none."""

    message: bytes  # 16 octets, see ids.message_id
    id: str  # the same as text, see ids.to_text
    units: tuple[Unit, ...]
    problems: tuple[MessageError, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """The answer to a sender, given only after the units are durable."""

    id: str  # of the message, 26 letters, see ids.to_text
    units: int
    recipients: int
    lane: Lane
    replayed: bool = False  # the key came before with the same message; nothing new was appended
