"""The receiving host: the production server machine, and what it does wrong to one transaction.

What happens to a connection is drawn when it is made. The host itself never dies, so that what it kept is what was received.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from fastemailnet.outcome import Reply
from fastemailnet.smtp.checkpoint import transid_of
from fastemailnet.smtp.effects import AskMessage, AskRecipient, AskSender, Close, Effect, Envelope, Known, Write
from fastemailnet.smtp.server import Server
from tests.simulation.clock import MS, SECOND, Clock


class Harm(StrEnum):
    """What goes wrong on a connection."""

    NOTHING = "nothing"
    REFUSE = "connection refused"
    GREYLIST = "4xx to RCPT"
    UNKNOWN = "5xx to RCPT"
    CLOSING = "421 to RCPT"
    LATER = "4xx to the end"
    REJECT = "5xx to the end"
    CLOSING_END = "421 to the end"
    RESET_BEFORE = "reset before the end"
    RESET_WITHIN = "reset within the end"
    RESET_AFTER = "reset behind the end"
    SLOW = "reply after 599 s"
    SILENT = "no reply"


OK = Reply(250, (2, 0, 0), "Ok")
AT_RCPT = {
    Harm.GREYLIST: Reply(451, (4, 7, 1), "later"),
    Harm.UNKNOWN: Reply(550, (5, 1, 1), "unknown"),
    Harm.CLOSING: Reply(421, (4, 3, 2), "closing"),
}
AT_END = {
    Harm.LATER: Reply(451, (4, 3, 0), "later"),
    Harm.REJECT: Reply(554, (5, 7, 1), "no"),
    Harm.CLOSING_END: Reply(421, (4, 3, 2), "closing"),
}


@dataclass
class Host:
    """What the receiving side has."""

    clock: Clock
    random: Random
    remembers: bool
    offers: tuple[str, ...]
    copies: dict[tuple[str, str], int] = field(default_factory=dict)  # message and recipient → copies kept
    bodies: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)

    def keep(self, envelope: Envelope, content: bytes) -> Reply:
        """Take a message, unless it is known by its transaction."""
        transid = transid_of(envelope.parameters.get("TRANSID", ""))
        if transid in self.known:
            return self.known[transid].reply
        message = content.split(b"\r\n", 1)[0].decode().removeprefix("X-Id: ")
        for recipient in envelope.recipients:
            self.copies[message, recipient] = self.copies.get((message, recipient), 0) + 1
            self.bodies.setdefault((message, recipient), set()).add(content)
        if self.remembers and transid:
            self.known[transid] = Known(len(content), OK)
        return OK


class Connection:
    """The host's side of one connection. ``say`` and ``drop`` reach the client after the network's delay."""

    def __init__(self, host: Host, harm: Harm, delay: int) -> None:
        self.host = host
        self.harm = harm
        self.delay = delay
        self.machine = Server("peer", checkpoint=host.remembers)
        self.machine.greeted = True  # set-up is not what is simulated
        self.heard: list[bytes] = []  # octets for the client, as they become due
        self.client: object = None
        self.is_open = True

    def receive(self, octets: bytes) -> None:
        """Octets of the client arrive."""
        if not self.is_open:
            return
        self.machine.feed(octets)
        out = b""
        while self.is_open and (effect := self.machine.next()) is not None:
            out += self.act(effect)
        if out and self.is_open:
            self.say(out)

    def act(self, effect: Effect) -> bytes:
        """What an effect says."""
        match effect:
            case Write(octets):
                return octets
            case AskSender(_, parameters):
                known = self.host.known.get(transid_of(parameters.get("TRANSID", "")))
                return self.act(self.machine.answer(known))
            case AskRecipient():
                return self.act(self.machine.answer(AT_RCPT.get(self.harm)))
            case AskMessage(envelope, content):
                return self.message(envelope, content)
            case Close():
                self.drop()
        return b""

    def message(self, envelope: Envelope, content: bytes) -> bytes:
        """The end is here."""
        if self.harm in AT_END:
            return self.act(self.machine.answer(AT_END[self.harm]))
        answer = self.machine.answer(self.host.keep(envelope, content))
        if self.harm is Harm.RESET_AFTER:
            self.drop()
            return b""
        if self.harm in (Harm.SLOW, Harm.SILENT):
            octets = self.act(answer)
            if self.harm is Harm.SLOW:
                self.host.clock.after(599 * SECOND - 100 * MS, self.say, octets)
            return b""
        return self.act(answer)

    def say(self, octets: bytes) -> None:
        """Octets go to the client."""
        if self.is_open and self.client is not None:
            self.host.clock.after(self.delay, self.client.heard, octets)  # type: ignore[attr-defined]

    def drop(self) -> None:
        """The connection is gone, for both."""
        if self.is_open:
            self.is_open = False
            if self.client is not None:
                self.host.clock.after(self.delay, self.client.lost, "connection reset")  # type: ignore[attr-defined]
