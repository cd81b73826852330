"""One mail transaction of a client on an established connection, with a send and a receive cursor.

Theory of operation. A transaction is a list of commands, and a reply is owed to each. The send cursor says what was written, the
receive cursor whose reply comes next; pipelining is nothing but letting the first run ahead of the second. What may run ahead is
decided by what the peer offers:

    CHUNKING + PIPELINING, small   [ask] ▸ MAIL RCPT… BDAT LAST in one write
    PIPELINING                     MAIL RCPT… DATA in one write ▸ 354 ▸ [ask] ▸ content and end in one write (large: content first)
    CHUNKING, large                MAIL RCPT… (▸ replies) ▸ BDAT n ▸ [ask] ▸ BDAT 0 LAST
    neither                        one by one

**The point of no return** is [ask]: the machine emits AskRelease and writes the end only on Released. On Withheld it closes. The end of a
released flight may be refused together with its recipients; its replies settle that as facts.

Transitions are in ``step``; an event that the state does not expect is the peer's fault and ends the connection, or ours and asserts.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from fastemailnet.envelope import Recipient
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp.classify import SERVICE_CLOSING, Phase, by_reply, by_silence
from fastemailnet.smtp.content import END, stuff
from fastemailnet.smtp.extension import Capabilities

SINGLE_FLIGHT_MAX_OCTETS = 64 * 1024
MAIL_TIMEOUT_S = 300.0
DATA_TIMEOUT_S = 120.0
END_TIMEOUT_S = 600.0  # RFC 5321 section 4.5.3.2.6


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is to be delivered."""

    reverse_path: str
    recipients: Sequence[Recipient]
    content: bytes  # CRLF line ends, not dot-stuffed
    smtputf8: bool = False


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
    """Everything but the end is written, or a whole flight is ready: may the end follow?"""


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


class State(Enum):
    """Where the transaction is."""

    NEW = "new"
    COMMANDS = "commands"  # replies to MAIL, RCPT and perhaps DATA or chunks are owed
    ASKING = "asking"  # the release is awaited; nothing of the end is written
    ENDED = "ended"  # the end is written, its reply is owed
    SETTLED = "settled"


class Session:
    """The machine. ``step`` gives the effects in the order in which they must happen."""

    def __init__(self, transaction: Transaction, offers: Capabilities) -> None:
        self.transaction = transaction
        self.offers = offers
        self.state = State.NEW
        self.owed: deque[tuple[Phase, int]] = deque()  # phase and index into recipients, in order
        self.unsent: deque[tuple[Phase, int, bytes]] = deque()
        self.refused: dict[int, Outcome] = {}
        self.accepted: set[int] = set()
        self.end = b""
        small = len(transaction.content) <= SINGLE_FLIGHT_MAX_OCTETS
        self.single_flight = offers.chunking and offers.pipelining and small
        self.by_chunks = offers.chunking
        self.data_refused: Reply | None = None

    def step(self, event: Event) -> list[Effect]:
        """Advance by one event."""
        match event:
            case Start():
                assert self.state is State.NEW
                return self._start()
            case Replied(reply):
                return self._replied(reply)
            case Released():
                assert self.state is State.ASKING
                return self._released()
            case Withheld():
                assert self.state is State.ASKING
                self.state = State.SETTLED
                return [Settled((), Reuse.CLOSE)]
            case Lost(failure):
                return self._lost(failure)
            case _:
                assert_never(event)

    # ---- sending

    def _start(self) -> list[Effect]:
        unfit = self._unfit()
        if unfit:
            return self._settle_all(Kind.BOUNCED, unfit, Reuse.KEEP)
        self.state = State.COMMANDS
        self.unsent.append((Phase.MAIL, -1, self._mail()))
        for index, recipient in enumerate(self.transaction.recipients):
            self.unsent.append((Phase.RCPT, index, f"RCPT TO:<{recipient.address}>\r\n".encode()))
        if self.single_flight:
            self.state = State.ASKING
            return [AskRelease()]
        if not self.by_chunks:
            self.unsent.append((Phase.DATA, -1, b"DATA\r\n"))
        return self._send()

    def _unfit(self) -> str:
        """Why this peer cannot take the mail at all, or ""."""
        if self.transaction.smtputf8 and not self.offers.smtputf8:
            return "the next hop does not offer SMTPUTF8, which this mail needs (5.6.7)"
        if self.offers.size and len(self.transaction.content) > self.offers.size:
            return f"message of {len(self.transaction.content)} octets is over the next hop's SIZE {self.offers.size} (5.3.4)"
        return ""

    def _mail(self) -> bytes:
        parameters = ""
        if self.offers.size is not None:
            parameters += f" SIZE={len(self.transaction.content)}"
        if self.offers.eight_bit and not self.transaction.content.isascii():
            parameters += " BODY=8BITMIME"
        if self.transaction.smtputf8:
            parameters += " SMTPUTF8"
        return f"MAIL FROM:<{self.transaction.reverse_path}>{parameters}\r\n".encode()

    def _send(self) -> list[Effect]:
        """Write what may be written ahead: everything with PIPELINING, one command without."""
        count = len(self.unsent) if self.offers.pipelining else min(1, len(self.unsent))
        octets = b""
        for _ in range(count):
            phase, index, command = self.unsent.popleft()
            self.owed.append((phase, index))
            octets += command
        last = self.owed[-1][0]
        return [Write(octets), Await(DATA_TIMEOUT_S if last is Phase.DATA else MAIL_TIMEOUT_S)]

    def _released(self) -> list[Effect]:
        self.state = State.ENDED
        octets = self.end
        if self.single_flight:
            while self.unsent:
                phase, index, command = self.unsent.popleft()
                self.owed.append((phase, index))
                octets += command
            octets += f"BDAT {len(self.transaction.content)} LAST\r\n".encode() + self.transaction.content
        self.owed.append((Phase.END, -1))
        return [Write(octets), Await(END_TIMEOUT_S)]

    # ---- receiving

    def _replied(self, reply: Reply) -> list[Effect]:
        if not self.owed:
            return self._lost(f"unasked reply {reply.code} {reply.text}")
        phase, index = self.owed.popleft()
        if reply.code == SERVICE_CLOSING and self.state is State.COMMANDS:
            return self._closed(phase, reply)
        if phase is Phase.RCPT:
            self._recipient(index, reply)
        elif phase is Phase.MAIL and reply.code >= 300:
            self._refuse_rest(Phase.MAIL, reply)
        elif phase is Phase.DATA and self.data_refused is None and not self._is_go_ahead(reply):
            self.data_refused = reply
            self._refuse_rest(Phase.DATA, reply)
        elif phase is Phase.END:
            return self._ended(reply)
        return self._next()

    def _is_go_ahead(self, reply: Reply) -> bool:
        return reply.code == (250 if self.by_chunks else 354)

    def _recipient(self, index: int, reply: Reply) -> None:
        if index in self.refused:
            return
        if 200 <= reply.code < 300:
            self.accepted.add(index)
        else:
            self.refused[index] = by_reply(self._id(index), Phase.RCPT, reply)

    def _next(self) -> list[Effect]:
        """What follows a reply: more replies, more commands, or the content."""
        if self.owed:
            return []
        if self.unsent and len(self.refused) < len(self.transaction.recipients):
            if self.unsent[0][0] is Phase.DATA and not self.accepted:
                return self._settle(Reuse.RESET)
            return self._send()
        if not self.accepted:
            # DATA may have been answered by 354 although nobody is left: RFC 2920 wants the end then, but the end is not ours to give.
            went_ahead = not self.by_chunks and self.data_refused is None and not self.unsent
            return self._settle(Reuse.CLOSE if went_ahead else Reuse.RESET)
        return self._content()

    def _content(self) -> list[Effect]:
        if self.data_refused is not None:
            return self._settle(Reuse.RESET)
        content = self.transaction.content
        self.state = State.ASKING
        if self.by_chunks:
            if not content or self.end:
                return [AskRelease()]
            self.end = b"BDAT 0 LAST\r\n"
            self.state = State.COMMANDS
            self.owed.append((Phase.DATA, -1))
            return [Write(f"BDAT {len(content)}\r\n".encode() + content), Await(DATA_TIMEOUT_S)]
        body = stuff(content)
        if len(body) <= SINGLE_FLIGHT_MAX_OCTETS:
            self.end = body + END
            return [AskRelease()]
        self.end = END
        return [Write(body), AskRelease()]

    def _ended(self, reply: Reply) -> list[Effect]:
        for index in sorted(self.accepted):
            if index not in self.refused:
                self.refused[index] = by_reply(self._id(index), Phase.END, reply)
        closing = reply.code == SERVICE_CLOSING
        return self._settle(Reuse.CLOSE if closing else Reuse.KEEP if reply.code < 300 else Reuse.RESET)

    # ---- ending

    def _closed(self, phase: Phase, reply: Reply) -> list[Effect]:
        """421 before the end: everybody who is left waits."""
        self._refuse_rest(phase, reply)
        return self._settle(Reuse.CLOSE)

    def _lost(self, failure: str) -> list[Effect]:
        if self.state is State.SETTLED:
            return []
        if self.state is State.ASKING:
            # Nothing of the end was written, and whatever the release says, nothing can be any more.
            phase = Phase.DATA
        elif self.state is State.ENDED:
            phase = Phase.END
        else:
            phase = self.owed[0][0] if self.owed else Phase.MAIL
        for index in range(len(self.transaction.recipients)):
            if index not in self.refused:
                self.refused[index] = by_silence(self._id(index), phase, failure)
        return self._settle(Reuse.CLOSE)

    def _refuse_rest(self, phase: Phase, reply: Reply) -> None:
        for index in range(len(self.transaction.recipients)):
            if index not in self.refused:
                self.refused[index] = by_reply(self._id(index), phase, reply)
        self.accepted.clear()

    def _settle_all(self, kind: Kind, reason: str, reuse: Reuse) -> list[Effect]:
        for index in range(len(self.transaction.recipients)):
            self.refused[index] = Outcome(self._id(index), kind, reason)
        return self._settle(reuse)

    def _settle(self, reuse: Reuse) -> list[Effect]:
        self.state = State.SETTLED
        return [Settled(tuple(self.refused[index] for index in range(len(self.transaction.recipients))), reuse)]

    def _id(self, index: int) -> int:
        return self.transaction.recipients[index].index
