"""What a client's session is told and what it wants done: the transaction, events and effects of ``session``."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from fastemailnet.envelope import Recipient, Reporting, TlsWish
from fastemailnet.outcome import Outcome, Reply


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is to be delivered."""

    reverse_path: str
    recipients: Sequence[Recipient]
    content: bytes  # CRLF line ends, not dot-stuffed
    smtputf8: bool = False
    transid: str = ""  # local@domain; used where the peer offers CHECKPOINT, unless it cannot stand in a command
    reached: tuple[
        int, ...
    ] = ()  # Recipient.index values that the end of an earlier attempt under transid may have reached
    tls: TlsWish = TlsWish.DEFAULT
    reporting: Reporting | None = None  # passed on where the peer offers DSN


# ---- events


@dataclass(frozen=True, slots=True)
class Start:
    """Begin."""


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply came."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Released:
    """The end may be written, in this turn."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """The end must not be written."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended, timed out or does not speak SMTP."""

    failure: str


Event = Start | Replied | Released | Withheld | Lost

# ---- effects


@dataclass(frozen=True, slots=True)
class Write:
    """Octets to write now."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Await:
    """A reply must come within this time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AskRelease:
    """Everything but the end is written, or a whole flight is ready: may the end follow?

    To be asked once what was written has left the process: behind a buffered body the end would go out long after its release.
    """

    reaches: tuple[int, ...] = ()  # Recipient.index values that the peer will know the end by; () without CHECKPOINT


class Reuse(Enum):
    """What may be done with the connection."""

    KEEP = "keep"
    RESET = "reset"  # RSET first
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Settled:
    """The transaction is over; one outcome for each recipient, or none where the end was withheld."""

    outcomes: tuple[Outcome, ...]
    reuse: Reuse


Effect = Write | Await | AskRelease | Settled
