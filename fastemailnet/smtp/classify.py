"""The whole delivery policy in one file: what a reply, or its absence, means for a recipient.

    phase            reply 2xx      reply 4xx   reply 5xx   no reply (EOF, reset, time-out, no SMTP)
    connecting       -              deferred    deferred*   deferred
    RSET             go on          deferred    deferred    deferred
    MAIL             go on          deferred    bounced     deferred
    RCPT             go on          deferred    bounced     deferred
    DATA             go on (354)    deferred    bounced     deferred
    end written      relayed        deferred    bounced     in doubt

* A greeting or EHLO of 5xx condemns the connection, not the mail: the next target or a later attempt may do better. 421 is
deferred in every phase, since it speaks of the server (RFC 5321 section 3.8); 552 at RCPT means too many recipients (section
4.5.3.1.10). Once the end is written, a 421 to an earlier command of the flight speaks for that command only: a server may still
have taken the rest.

A reply of a class that the phase does not have (354 to MAIL, 250 to DATA, 354 to the end) says that client and server are not at the
same place any more: the same as no reply. 355 to a MAIL that names its transaction is read by ``session`` before this table.

Where nobody could be asked, ``FAULTS`` says what that means: a domain that takes no mail bounces, what may get better is deferred.
"""

from enum import Enum, StrEnum

from fastemailnet.outcome import Kind, Outcome, Reply

SERVICE_CLOSING = 421
TOO_MANY_RECIPIENTS = 552
START_INPUT = 354


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


FAULTS = {  # with the status code (RFC 3463, RFC 7505, RFC 8689)
    Fault.NO_DOMAIN: (Kind.BOUNCED, "5.1.2"),
    Fault.NULL_MX: (Kind.BOUNCED, "5.1.10"),
    Fault.NO_ADDRESS: (Kind.BOUNCED, "5.4.4"),
    Fault.LOOP: (Kind.BOUNCED, "5.4.6"),
    Fault.LOOK_UP: (Kind.DEFERRED, "4.4.3"),
    Fault.NOT_ALLOWED: (Kind.DEFERRED, "4.7.0"),
    Fault.NOT_ENCRYPTED: (Kind.DEFERRED, "4.7.4"),
    Fault.BAD_CERTIFICATE: (Kind.DEFERRED, "4.7.5"),
    # A sender who asks for REQUIRETLS wants the mail back where it cannot be had (RFC 8689 section 4.2.1).
    Fault.NO_REQUIRETLS: (Kind.BOUNCED, "5.7.30"),
    Fault.NO_SAFE_WAY: (Kind.BOUNCED, "5.7.10"),
}


def is_success(phase: Phase, reply: Reply) -> bool:
    """Whether the transaction goes on, or is done."""
    return reply.code == START_INPUT if phase is Phase.DATA else reply.code // 100 == 2


def is_breach(phase: Phase, reply: Reply) -> bool:
    """Whether the reply has no meaning in this phase."""
    return reply.code // 100 not in (4, 5) and not is_success(phase, reply)


def by_reply(recipient: int, phase: Phase, reply: Reply) -> Outcome:
    """The outcome that a reply gives a recipient."""
    return Outcome(recipient, kind_of(phase, reply), f"reply to {phase.value}", reply)


def by_silence(recipient: int, phase: Phase, failure: str) -> Outcome:
    """The outcome when the connection failed while a reply was awaited."""
    kind = Kind.IN_DOUBT if phase is Phase.END else Kind.DEFERRED
    return Outcome(recipient, kind, f"{failure} while waiting for the reply to {phase.value}")


def by_fault(recipient: int, fault: Fault, text: str) -> Outcome:
    """The outcome where no host could be asked; the status code stands at the end of the reason."""
    kind, status = FAULTS[fault]
    return Outcome(recipient, kind, f"{text} ({status})")


def kind_of(phase: Phase, reply: Reply) -> Kind:
    """The table above, without its last column."""
    if phase is Phase.END and is_success(phase, reply):
        return Kind.RELAYED
    if phase in (Phase.CONNECT, Phase.RESET) or reply.code == SERVICE_CLOSING or reply.code // 100 != 5:
        return Kind.DEFERRED
    if phase is Phase.RCPT and reply.code == TOO_MANY_RECIPIENTS:
        return Kind.DEFERRED
    return Kind.BOUNCED
