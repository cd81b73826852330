"""The whole delivery policy in one file: what a reply, or its absence, means for a recipient.

    phase            reply 2xx      reply 4xx   reply 5xx   no reply (EOF, reset, time-out, no SMTP)
    connecting       -              deferred    deferred*   deferred
    MAIL             go on          deferred    bounced     deferred
    RCPT             go on          deferred    bounced     deferred
    DATA             -              deferred    bounced     deferred
    end written      relayed        deferred    bounced     in doubt

* A greeting or EHLO of 5xx condemns the connection, not the mail: the next target or a later attempt may do better. 421 is deferred in
every phase, since it speaks of the server (RFC 5321 section 3.8); 552 at RCPT means too many recipients (section 4.5.3.1.10).
"""

from enum import StrEnum

from fastemailnet.outcome import Kind, Outcome, Reply

SERVICE_CLOSING = 421
TOO_MANY_RECIPIENTS = 552


class Phase(StrEnum):
    """How far the transaction had come."""

    CONNECT = "connecting"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "the end of data"


def by_reply(recipient: int, phase: Phase, reply: Reply) -> Outcome:
    """The outcome that a reply gives a recipient."""
    return Outcome(recipient, kind_of(phase, reply), f"reply to {phase.value}", reply)


def by_silence(recipient: int, phase: Phase, failure: str) -> Outcome:
    """The outcome when the connection failed while a reply was awaited."""
    kind = Kind.IN_DOUBT if phase is Phase.END else Kind.DEFERRED
    return Outcome(recipient, kind, f"{failure} while waiting for the reply to {phase.value}")


def kind_of(phase: Phase, reply: Reply) -> Kind:
    """The table above, without its last column."""
    if phase is Phase.END and 200 <= reply.code < 300:
        return Kind.RELAYED
    if phase is Phase.CONNECT or reply.code == SERVICE_CLOSING or reply.code // 100 != 5:
        return Kind.DEFERRED
    if phase is Phase.RCPT and reply.code == TOO_MANY_RECIPIENTS:
        return Kind.DEFERRED
    return Kind.BOUNCED
