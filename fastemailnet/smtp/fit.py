"""Whether a mail can be given to a peer at all, by what the peer offers: found out before MAIL, so that nothing goes half-way.

What the peer cannot carry is refused for good and by its name, never sent as it is. 8-bit content is not converted (RFC 6152 section
3 allows either): the mail is signed, and its octets are the same over all attempts and peers.
"""

from dataclasses import dataclass

from fastemailnet.outcome import BounceClass, Kind, Outcome
from fastemailnet.smtp.command import is_fit
from fastemailnet.smtp.content import bare_line_end
from fastemailnet.smtp.exchange import Transaction
from fastemailnet.smtp.extension import Capabilities


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why not: for people, and as an enhanced status code (RFC 3463)."""

    text: str
    status: tuple[int, int, int]
    bounce_class: BounceClass = BounceClass.CONTENT_RELATED

    def outcome(self, recipient: int) -> Outcome:
        """The end of the delivery to one recipient."""
        reason = f"{self.text} ({'.'.join(map(str, self.status))})"
        return Outcome(recipient, Kind.BOUNCED, reason, None, self.bounce_class, self.status)


def unfit_mail(transaction: Transaction, offers: Capabilities) -> Unfit | None:
    """Why this mail cannot be given to this peer, or None."""
    size = len(transaction.content)
    if transaction.smtputf8 and not offers.smtputf8:
        return Unfit("the next hop does not offer SMTPUTF8, which this mail needs", (5, 6, 7))
    if offers.size and size > offers.size:
        return Unfit(f"message of {size} octets is over the next hop's SIZE {offers.size}", (5, 3, 4))
    if not transaction.smtputf8 and not transaction.reverse_path.isascii():
        return Unfit(f"reverse-path {transaction.reverse_path!a} needs SMTPUTF8", (5, 6, 7))
    if not is_fit(transaction.reverse_path):
        text = f"reverse-path {transaction.reverse_path!a} cannot stand in an SMTP command"
        return Unfit(text, (5, 1, 7), BounceClass.INVALID_SENDER)
    if (at := bare_line_end(transaction.content)) >= 0:
        return Unfit(f"bare CR or LF at octet {at} of the message", (5, 6, 0))
    if not offers.eight_bit and not transaction.content.isascii():
        return Unfit("the next hop does not offer 8BITMIME, which the 8-bit content of this mail needs", (5, 6, 3))
    return None


def unfit_recipient(transaction: Transaction, address: str) -> Unfit | None:
    """Why this recipient cannot be named to any peer, or None."""
    if not transaction.smtputf8 and not address.isascii():
        return Unfit(f"{address!a} needs SMTPUTF8, which this mail was not accepted with", (5, 6, 7))
    if not is_fit(address):
        return Unfit(f"{address!a} cannot stand in an SMTP command", (5, 1, 3), BounceClass.INVALID_RECIPIENT)
    return None
