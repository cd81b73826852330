"""One mail transaction of a client on an established connection, with a send and a receive cursor.

Theory of operation. A transaction is a list of commands, and a reply is owed to each. The send cursor says what was written, the
receive cursor whose reply comes next; pipelining is nothing but letting the first run ahead of the second. What may run ahead is
decided by what the peer offers:

    CHUNKING + PIPELINING, small   [ask] ▸ MAIL RCPT… BDAT n LAST in one write
    CHUNKING, small                MAIL RCPT… ▸ [ask] ▸ BDAT n LAST
    CHUNKING, large                MAIL RCPT… ▸ BDAT n ▸ [ask] ▸ BDAT 0 LAST
    DATA, small                    MAIL RCPT… DATA ▸ 354 ▸ [ask] ▸ content and end in one write
    DATA, large                    MAIL RCPT… DATA ▸ 354 ▸ content ▸ [ask] ▸ end

Without PIPELINING the commands go one by one. Over a connection that has been quiet for a while the first form is given up for the
second (``Ahead.COMMANDS``): the peer may have left, and a flight with the end in it would be in doubt where a MAIL is just repeated.

**The point of no return** is [ask]: the machine emits AskRelease and writes the end only on Released. On Withheld it closes. The end
of a released flight may be refused together with its recipients; its replies settle that as facts.

    state      Start     Replied                        Released   Withheld   Lost
    new        commands  -                              -          -          -
               or asking
    commands   -         commands, asking or settled    -          -          settled: deferred
    asking     -         settled: deferred              ended      settled    settled: deferred
    ended      -         ended or settled: facts        -          -          settled: in doubt
    settled    -         settled                        -          -          settled

What is marked - asserts: it would be our own fault.

**CHECKPOINT** (RFC 1845): a peer that offers it can be asked what became of an end whose reply was lost. MAIL names the transaction and
goes alone, since its reply decides what follows; the content goes by DATA, which the RFC knows; the end never shares a flight with
RCPT, so that it is on record whom it reaches before it is asked for.

    250   the peer never took such a message:       RCPT… DATA ▸ 354 ▸ … as above
    355   it has n octets and knows the recipients: DATA ▸ 354 ▸ the rest ▸ [ask] ▸ end ▸ the reply, perhaps a remembered one

A 355 where nobody knows which of several recipients the peer accepted (``reached`` is empty: no end was released under this id) helps
nobody, and no other id would do better than none: RSET, and once more without TRANSID.

While it is open whether an earlier end was taken, no reply but that to the end may bounce a recipient that it may have reached.
"""

from collections import deque
from enum import Enum
from typing import Final, assert_never

import msgspec

from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp.checkpoint import TRANSACTION_OFFSET, is_transid, rest_from
from fastemailnet.smtp.classify import SERVICE_CLOSING, Phase, by_reply, by_silence, is_breach, is_success
from fastemailnet.smtp.content import END, stuff
from fastemailnet.smtp.exchange import (
    AskRelease,
    Await,
    Effect,
    Event,
    Lost,
    Released,
    Replied,
    Reuse,
    Settled,
    Start,
    Transaction,
    Withheld,
    Write,
)
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.fit import unfit_mail, unfit_recipient
from fastemailnet.smtp.lines import mail_line, rcpt_line

__all__ = [
    "Ahead",
    "AskRelease",
    "Await",
    "Effect",
    "Event",
    "Lost",
    "Released",
    "Replied",
    "Reuse",
    "Session",
    "Settled",
    "Start",
    "Transaction",
    "Withheld",
    "Write",
]

SINGLE_FLIGHT_MAX_OCTETS: Final = 64 * 1024
TIMEOUTS_S: Final = {  # RFC 5321 section 4.5.3.2
    Phase.MAIL: 300.0,
    Phase.RCPT: 300.0,
    Phase.DATA: 120.0,
    Phase.CHUNK: 180.0,
    Phase.END: 600.0,
    Phase.RESET: 300.0,
}
NOT_ASKED = "the peer that must be asked whether it took this message does not offer CHECKPOINT now (RFC 1845)"
NOT_REACHED = "the reply to its RCPT was lost with an earlier attempt, whose end of data did not reach it (RFC 1845)"


class Ahead(Enum):
    """How far the send cursor may run ahead."""

    ALL = "all"  # the end may leave in one flight with the commands
    COMMANDS = "commands"  # a reply must have come before the end is asked for


class State(Enum):
    """Where the transaction is."""

    NEW = "new"
    COMMANDS = "commands"  # replies to MAIL, RCPT and perhaps DATA or chunks are owed
    ASKING = "asking"  # the release is awaited; nothing of the end is written
    ENDED = "ended"  # the end is written, its reply is owed
    SETTLED = "settled"


Command = tuple[Phase, int, bytes]  # place among the recipients, or -1
DATA: Final[Command] = (Phase.DATA, -1, b"DATA\r\n")
RESET: Final[Command] = (Phase.RESET, -1, b"RSET\r\n")


class Session:
    """The machine. ``step`` gives the effects in the order in which they must happen."""

    def __init__(self, transaction: Transaction, offers: Capabilities, ahead: Ahead = Ahead.ALL) -> None:
        self.transaction = transaction
        self.offers = offers
        self.state = State.NEW
        self.owed: deque[tuple[Phase, int]] = deque()  # phase and place among the recipients, in order
        self.unsent: deque[Command] = deque()
        self.outcomes: dict[int, Outcome] = {}  # by place among the recipients
        self.accepted: list[int] = []
        self.end = b""
        self.transid = transaction.transid if offers.checkpoint and is_transid(transaction.transid) else ""
        self.in_question = frozenset(transaction.reached)  # Recipient.index values, until the peer says what it knows
        self.rest = transaction.content  # what the peer does not have
        self.is_chunking = offers.chunking and not self.transid
        self.is_small = len(transaction.content) <= SINGLE_FLIGHT_MAX_OCTETS
        self.is_single_flight = self.is_chunking and offers.pipelining and self.is_small and ahead is Ahead.ALL

    def step(self, event: Event) -> list[Effect]:
        """Advance by one event."""
        match event:
            case Replied(reply):
                return self._replied(reply)
            case Start():
                assert self.state is State.NEW
                return self._start()
            case Released():
                assert self.state is State.ASKING
                return self._released()
            case Withheld():
                assert self.state is State.ASKING
                self.state = State.SETTLED
                return [Settled((), Reuse.CLOSE)]
            case Lost(failure):
                assert self.state is not State.NEW
                return self._lost(failure)
            case _:
                assert_never(event)

    # ---- sending

    def _start(self) -> list[Effect]:
        unfit = unfit_mail(self.transaction, self.offers)
        if self.in_question and (unfit or not self.transid):
            self._defer_rest(unfit.text if unfit and self.transid else NOT_ASKED)
            return self._settle(Reuse.KEEP)
        for place, recipient in enumerate(self.transaction.recipients):
            if refusal := unfit or unfit_recipient(self.transaction, recipient.address):
                self.outcomes[place] = refusal.outcome(recipient.index)
            else:
                self.unsent.append((Phase.RCPT, place, rcpt_line(recipient, self.offers)))
        if not self.unsent:
            return self._settle(Reuse.KEEP)
        self.unsent.appendleft(self._mail())
        if self.is_single_flight:
            size = len(self.transaction.content)
            last = f"BDAT {size} LAST\r\n".encode() + self.transaction.content
            self.unsent.append((Phase.END, -1, last))
            return self._ask()
        if not self.is_chunking:
            self.unsent.append(DATA)
        self.state = State.COMMANDS
        return self._send()

    def _mail(self) -> Command:
        return Phase.MAIL, -1, mail_line(self.transaction, self.offers, self.transid)

    def _send(self) -> list[Effect]:
        """Write what may be written ahead: everything with PIPELINING, one command without; a MAIL with TRANSID alone."""
        is_named = bool(self.transid) and self.unsent[0][0] is Phase.MAIL
        count = len(self.unsent) if self.offers.pipelining and not is_named else 1
        commands = []
        for _ in range(count):
            phase, place, command = self.unsent.popleft()
            self.owed.append((phase, place))
            commands.append(command)
        return [Write(b"".join(commands)), self._await()]

    def _await(self) -> Await:
        return Await(TIMEOUTS_S[self.owed[0][0]])

    def _ask(self) -> list[Effect]:
        self.state = State.ASKING
        return [AskRelease(tuple(map(self._index, self.accepted)) if self.transid else ())]

    def _released(self) -> list[Effect]:
        self.state = State.ENDED
        if self.is_single_flight:
            return self._send()
        self.owed.append((Phase.END, -1))
        return [Write(self.end), self._await()]

    # ---- receiving

    def _replied(self, reply: Reply) -> list[Effect]:
        if self.state is State.SETTLED:
            return []
        if not self.owed:
            # 421 may come at any time (RFC 5321 section 3.8); anything else is not SMTP.
            is_closing = reply.code == SERVICE_CLOSING
            return self._closed(Phase.DATA, reply) if is_closing else self._lost(f"unasked reply {reply.code}")
        phase, place = self.owed[0]
        if self.transid and phase is Phase.MAIL and reply.code == TRANSACTION_OFFSET:
            return self._known(reply)
        if is_breach(phase, reply):
            return self._lost(f"reply {reply.code} out of place")
        self.owed.popleft()
        if phase is Phase.END:
            return self._ended(reply)
        if reply.code == SERVICE_CLOSING and self.state is not State.ENDED:
            return self._closed(phase, reply)
        if phase is Phase.MAIL and is_success(phase, reply):
            self.in_question = frozenset()
        # Once the end is out, a 421 speaks for its own command only: the rest of the flight may have been taken.
        if phase is Phase.RCPT:
            self._recipient(place, reply)
        elif not is_success(phase, reply):
            self._refuse_rest(phase, reply)
        return self._next(phase, reply)

    def _known(self, reply: Reply) -> list[Effect]:
        """The peer has the transaction: what is left of it is the rest of the content and the end."""
        offset = rest_from(reply, self.transaction.content)
        if offset is None:
            return self._lost(f"reply {reply.code} names no place in the message: {reply.text[:80]!a}")
        self.owed.popleft()
        left = [place for place in range(len(self.transaction.recipients)) if place not in self.outcomes]
        if not self.transaction.reached and len(left) > 1:
            self.transid = ""
            self.unsent.extendleft([self._mail(), RESET])
            return self._send()
        self.unsent = deque([DATA])
        reached = self.transaction.reached
        self.accepted = [place for place in left if not reached or self._index(place) in reached]
        for place in left:
            if place not in self.accepted:
                self.outcomes[place] = Outcome(self._index(place), Kind.DEFERRED, NOT_REACHED)
        self.rest = self.transaction.content[offset:]
        self.is_small = len(self.rest) <= SINGLE_FLIGHT_MAX_OCTETS
        return self._send() if self.accepted else self._settle(Reuse.RESET)

    def _recipient(self, place: int, reply: Reply) -> None:
        if place in self.outcomes:
            return  # MAIL was refused
        if is_success(Phase.RCPT, reply):
            self.accepted.append(place)
        else:
            self.outcomes[place] = by_reply(self._index(place), Phase.RCPT, reply)

    def _next(self, phase: Phase, reply: Reply) -> list[Effect]:
        """What follows a reply: more replies, more commands, or the content."""
        if self.owed:
            return [self._await()]
        is_anybody_left = len(self.outcomes) < len(self.transaction.recipients)
        if is_anybody_left and self.unsent:
            return self._send()
        if is_anybody_left:
            return self._content(phase)
        # A server that waits for content (354) although nobody is left would have to be given an end, and that is not ours to give.
        return self._settle(Reuse.CLOSE if phase is Phase.DATA and is_success(phase, reply) else Reuse.RESET)

    def _content(self, phase: Phase) -> list[Effect]:
        rest = self.rest
        if self.is_chunking and self.is_small:
            self.end = f"BDAT {len(rest)} LAST\r\n".encode() + rest
        elif self.is_chunking and phase is not Phase.CHUNK:
            self.owed.append((Phase.CHUNK, -1))
            return [Write(f"BDAT {len(rest)}\r\n".encode() + rest), self._await()]
        elif self.is_chunking:
            self.end = b"BDAT 0 LAST\r\n"
        elif self.is_small:
            self.end = stuff(rest) + END
        else:
            self.end = END
            return [Write(stuff(rest)), *self._ask()]
        return self._ask()

    def _ended(self, reply: Reply) -> list[Effect]:
        for place in self.accepted:
            self.outcomes.setdefault(place, by_reply(self._index(place), Phase.END, reply))
        if reply.code == SERVICE_CLOSING:
            return self._settle(Reuse.CLOSE)
        return self._settle(Reuse.KEEP if is_success(Phase.END, reply) else Reuse.RESET)

    # ---- ending

    def _closed(self, phase: Phase, reply: Reply) -> list[Effect]:
        """421 to something before the end: everybody who is left waits."""
        self._refuse_rest(phase, reply)
        return self._settle(Reuse.CLOSE)

    def _lost(self, failure: str) -> list[Effect]:
        if self.state is State.SETTLED:
            return []
        if self.state is State.ENDED:
            phase = Phase.END
        elif self.owed:
            phase = self.owed[0][0]
        else:
            phase = Phase.DATA  # nothing of the end is written, and whatever the release says, nothing can be any more
        for place in range(len(self.transaction.recipients)):
            if place not in self.outcomes:
                self.outcomes[place] = by_silence(self._index(place), phase, failure)
        return self._settle(Reuse.CLOSE)

    def _refuse_rest(self, phase: Phase, reply: Reply) -> None:
        for place, recipient in enumerate(self.transaction.recipients):
            if place not in self.outcomes:
                outcome = by_reply(recipient.index, phase, reply)
                if recipient.index in self.in_question:
                    outcome = msgspec.structs.replace(outcome, kind=Kind.DEFERRED)
                self.outcomes[place] = outcome
        self.accepted.clear()

    def _defer_rest(self, reason: str) -> None:
        for place, recipient in enumerate(self.transaction.recipients):
            self.outcomes.setdefault(place, Outcome(recipient.index, Kind.DEFERRED, reason))

    def _settle(self, reuse: Reuse) -> list[Effect]:
        self.state = State.SETTLED
        return [Settled(tuple(self.outcomes[place] for place in range(len(self.transaction.recipients))), reuse)]

    def _index(self, place: int) -> int:
        return self.transaction.recipients[place].index
