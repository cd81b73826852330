"""What the server's machine asks of its shell, in the order in which it is to be done, and what those questions are about."""

from dataclasses import dataclass, field

from fastemailnet.outcome import Reply
from fastemailnet.smtp.auth import Credentials
from fastemailnet.smtp.checkpoint import transid_of


@dataclass(slots=True)
class Envelope:
    """What MAIL and RCPT said."""

    reverse_path: str
    parameters: dict[str, str]
    recipients: list[str] = field(default_factory=list)
    wishes: list[dict[str, str]] = field(default_factory=list)  # the parameters of each RCPT

    @property
    def transid(self) -> str:
        """The transaction id, ``local@domain``; "" without one."""
        return transid_of(self.parameters.get("TRANSID", ""))


@dataclass(frozen=True, slots=True)
class Known:
    """A transaction whose message was taken: its octets, not dot-stuffed, and the reply that its end had."""

    size: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Write:
    """Octets for the client."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class AskSender:
    """May this reverse-path send? Answer with a refusal, None, or what is known of the transaction that TRANSID names."""

    address: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class AskRecipient:
    """May this recipient be sent to? Answer with a refusal or None."""

    address: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class AskMessage:
    """Take this message. Answer with the reply; None closes without one."""

    envelope: Envelope
    content: bytes


@dataclass(frozen=True, slots=True)
class AskLogin:
    """Is that who it says? Answer by ``logged_in``."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class StartTls:
    """Write what was said, then shake hands; ``secured`` says that it is done."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection once everything is written."""


Effect = Write | AskSender | AskRecipient | AskMessage | AskLogin | StartTls | Close
