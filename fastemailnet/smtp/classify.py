"""The whole delivery policy in one file: what a reply, or its absence, means for a recipient.

    phase            reply 2xx      reply 4xx   reply 5xx   no reply (EOF, reset, time-out, no SMTP)
    connecting       -              deferred    deferred*   deferred
    RSET             go on          deferred    deferred    deferred
    MAIL             go on          deferred    bounced     deferred
    RCPT             go on          deferred    bounced     deferred
    DATA             go on (354)    deferred    bounced     deferred
    end written      relayed        deferred    bounced     in doubt

* A greeting or EHLO of 5xx condemns the connection, not the mail: the next target or a later attempt may do better. 421 is
deferred in every phase, since it speaks of the server (RFC 5321 section 3.8); 552 at RCPT without a better word means too many
recipients (section 4.5.3.1.10). 530, 534, 535 and 538 before the end, and a MAIL that is refused for a fault of our own
configuration, are deferred: the operator mends that, and the mail has to be there still. Once the end is written, a 421 to an
earlier command of the flight speaks for that command only: a server may still have taken the rest.

A reply of a class that the phase does not have (354 to MAIL, 250 to DATA, 354 to the end) says that client and server are not at the
same place any more: the same as no reply. 355 to a MAIL that names its transaction is read by ``session`` before this table.

Where nobody could be asked, ``FAULTS`` says what that means: a domain that takes no mail bounces, what may get better is deferred.

Why a reply was given is told by ``bounce_class`` (its rules are data: ``bounce_rules``); when it is tried again (``delivery.retry``)
and whether the recipient is written to again (``delivery.suppression``) follow from that.
"""

import re
from enum import Enum, StrEnum

from fastemailnet.outcome import BounceClass, Kind, Outcome, Reply
from fastemailnet.smtp.bounce_rules import ASKS_OF_US, CODES, STATUS, TEXT

SERVICE_CLOSING = 421
TOO_MANY_RECIPIENTS = 552
START_INPUT = 354
PROTOCOL_SUBJECT = 5  # of an enhanced status code (RFC 3463)
BAD_CONNECTION = (4, 4, 2)
NO_ANSWER = (4, 4, 1)
MAX_READ_CHARACTERS = 600  # of a reply's text, by the rules: 0.02 ms for a usual one, 1 ms for one that is made to cost
_ADDRESS = re.compile(r"<?[^\s<>\[\]@]{1,64}@[^\s<>\[\]@]{1,255}>?")


class Phase(StrEnum):
    """How far the transaction had come."""

    CONNECT = "connecting"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CHUNK = "BDAT"
    END = "the end of data"
    RESET = "RSET"  # of a transaction that is begun again


class Fault(Enum):
    """Why there was no connection to say MAIL on."""

    NO_DOMAIN = "no such domain"
    NULL_MX = "null MX"
    NO_ADDRESS = "no address"
    LOOP = "loop"
    LOOK_UP = "failed look-up"
    NOT_ALLOWED = "not in the policy"
    NOT_ENCRYPTED = "no TLS"
    BAD_CERTIFICATE = "bad certificate"
    NO_REQUIRETLS = "no REQUIRETLS"
    NO_SAFE_WAY = "no way for REQUIRETLS"
    NO_AUTH = "no AUTH"
    NOT_LET_IN = "account not let in"


FAULTS = {  # with the status code (RFC 3463, RFC 7505, RFC 8689)
    Fault.NO_DOMAIN: (Kind.BOUNCED, "5.1.2"),
    Fault.NULL_MX: (Kind.BOUNCED, "5.1.10"),
    Fault.NO_ADDRESS: (Kind.BOUNCED, "5.4.4"),
    Fault.LOOP: (Kind.BOUNCED, "5.4.6"),
    Fault.LOOK_UP: (Kind.DEFERRED, "4.4.3"),
    Fault.NOT_ALLOWED: (Kind.DEFERRED, "4.7.0"),
    Fault.NOT_ENCRYPTED: (Kind.DEFERRED, "4.7.4"),
    Fault.BAD_CERTIFICATE: (Kind.DEFERRED, "4.7.5"),
    Fault.NO_AUTH: (Kind.DEFERRED, "4.3.3"),
    Fault.NOT_LET_IN: (Kind.DEFERRED, "4.7.8"),
    # A sender who asks for REQUIRETLS wants the mail back where it cannot be had (RFC 8689 section 4.2.1).
    Fault.NO_REQUIRETLS: (Kind.BOUNCED, "5.7.30"),
    Fault.NO_SAFE_WAY: (Kind.BOUNCED, "5.7.10"),
}

FAULT_CLASSES = {  # of the others: BadConfiguration, whose ever it is
    Fault.NO_DOMAIN: BounceClass.BAD_DOMAIN,
    Fault.NULL_MX: BounceClass.BAD_DOMAIN,
    Fault.NO_ADDRESS: BounceClass.ROUTING_ERRORS,
    Fault.LOOP: BounceClass.ROUTING_ERRORS,
    Fault.LOOK_UP: BounceClass.DNS_FAILURE,
}


def is_success(phase: Phase, reply: Reply) -> bool:
    """Whether the transaction goes on, or is done."""
    return reply.code == START_INPUT if phase is Phase.DATA else reply.code // 100 == 2


def is_breach(phase: Phase, reply: Reply) -> bool:
    """Whether the reply has no meaning in this phase."""
    return reply.code // 100 not in (4, 5) and not is_success(phase, reply)


def by_reply(recipient: int, phase: Phase, reply: Reply) -> Outcome:
    """The outcome that a reply gives a recipient."""
    if phase is Phase.END and is_success(phase, reply):
        return Outcome(recipient, Kind.RELAYED, f"reply to {phase.value}", reply)
    why = bounce_class(reply)
    return Outcome(recipient, _kind(phase, reply, why), f"reply to {phase.value}", reply, why)


def by_silence(recipient: int, phase: Phase, failure: str) -> Outcome:
    """The outcome when the connection failed while a reply was awaited."""
    kind = Kind.IN_DOUBT if phase is Phase.END else Kind.DEFERRED
    if phase is Phase.CONNECT:
        return Outcome(recipient, kind, failure, None, BounceClass.NO_ANSWER_FROM_HOST, NO_ANSWER)
    reason = f"{failure} while waiting for the reply to {phase.value}"
    return Outcome(recipient, kind, reason, None, BounceClass.BAD_CONNECTION, BAD_CONNECTION)


def by_fault(recipient: int, fault: Fault, text: str, reply: Reply | None = None) -> Outcome:
    """The outcome where no host could be asked; the status code stands at the end of the reason. ``reply``: that said so."""
    kind, status = FAULTS[fault]
    major, subject, detail = map(int, status.split("."))
    why = FAULT_CLASSES.get(fault, BounceClass.BAD_CONFIGURATION)
    return Outcome(recipient, kind, f"{text} ({status})", reply, why, (major, subject, detail))


def _kind(phase: Phase, reply: Reply, why: BounceClass) -> Kind:
    """The columns 4xx and 5xx of the table above."""
    if phase in (Phase.CONNECT, Phase.RESET) or reply.code == SERVICE_CLOSING or reply.code // 100 != 5:
        return Kind.DEFERRED
    if phase is Phase.RCPT and reply.code == TOO_MANY_RECIPIENTS:
        is_about_the_count = reply.enhanced is None or reply.enhanced[1] == PROTOCOL_SUBJECT
        return Kind.DEFERRED if is_about_the_count else Kind.BOUNCED
    if phase is not Phase.END and reply.code in ASKS_OF_US:
        return Kind.DEFERRED
    if phase is Phase.MAIL and why is BounceClass.BAD_CONFIGURATION:
        return Kind.DEFERRED
    return Kind.BOUNCED


def bounce_class(reply: Reply) -> BounceClass:
    """Why a refusal was given: by its words, else by its enhanced status code, else by its code."""
    if reply.code in ASKS_OF_US:
        return BounceClass.BAD_CONFIGURATION
    by_words = _by_words(reply)
    if by_words is not None:
        return by_words
    if reply.enhanced is not None and reply.enhanced[1:] != (0, 0):
        _, subject, detail = reply.enhanced
        by_status = STATUS.get((subject, detail)) or STATUS.get((subject, None))
        if by_status is not None:
            return by_status
    other = BounceClass.TRANSIENT_FAILURE if reply.code // 100 == 4 else BounceClass.UNCATEGORIZED
    return CODES.get(reply.code, other)


def _by_words(reply: Reply) -> BounceClass | None:
    text = " ".join(_ADDRESS.sub(" ", reply.text[:MAX_READ_CHARACTERS]).lower().split())
    code_class = str(reply.code // 100)
    for rule in TEXT:
        if code_class in rule.classes and rule.pattern.search(text):
            return rule.bounce_class
    return None
