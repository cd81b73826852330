"""One attempt of one unit on a node, as a table (theory: ``fold`` says what its frames mean).

    leased ──end before data──▶ copying? ─▶ ending ─▶ done
      │                            ▲          ▲
      └─ask─▶ intent ─granted─▶ sent ─fact────┘
                 │                └─no reply──▶ ending (in doubt) ─▶ done
                 ├─refused by the log (fenced)─▶ returned
                 └─withheld─▶ voiding ─▶ leased again (or returned)

*Copying* appends the copy for the recipients that are to be tried again; only when it is durable may the OUTCOME name it (claim
rule), so a crash between the two leaves an orphan that nobody sends and a unit that is tried again. A unit of several destinations
is split in the same way and before anything is sent: a copy for each destination, all durable, all named by one OUTCOME.

Where the peer remembers transactions (CHECKPOINT), the INTENT says under which attempt's id it can be *asked* what became of
the end. An attempt that was leased to ask goes under that same id, and so does its copy: an INTENT of its own says nothing,
since the connection may have been lost before the end left. To ask once more than needed harms nobody; to forget to ask sends
twice.

Effects come in the order in which they must become durable. The shell performs them and brings their results back as events; a
crash between two effects is just a missing event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from fastemailnet.envelope import UNNAMED, Asked, Position, Recipient
from fastemailnet.errors import IllegalTransition
from fastemailnet.flashsync.frames import NO_INTENT
from fastemailnet.flashsync.node import Release
from fastemailnet.outcome import Kind


class State(Enum):
    """Where the attempt is."""

    LEASED = "leased"
    INTENT = "intent"  # the INTENT is on its way into the log
    SENT = "sent"  # the end of data was written, or is being written
    COPYING = "copying"
    ENDING = "ending"  # the OUTCOME is on its way into the log
    VOIDING = "voiding"
    DONE = "done"
    RETURNED = "returned"  # the right is gone; the fold gives the place to others


@dataclass(frozen=True, slots=True)
class AskRelease:
    """The session has sent everything but the end, or holds a whole flight back."""

    reaches: tuple[int, ...] = ()  # the recipients that the peer will remember the end to have reached
    at_ms: int = 0  # Unix time, which the INTENT will carry
    host: str = ""  # in the id of the transaction
    before: bytes | None = None  # the fields before the mail's own, see ``Asked``


@dataclass(frozen=True, slots=True)
class IntentLogged:
    """The INTENT stands at ``position`` with no fence before it; ``release`` was decided in this very turn (R4)."""

    position: int
    release: Release


@dataclass(frozen=True, slots=True)
class Refused:
    """The log refused the append: the incarnation is fenced."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The attempt has a result for each recipient, before or after the point of no return."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class CopyLogged:
    """The copies for the deferred recipients are durable."""

    copies: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """The OUTCOME or VOID is durable."""


Event = AskRelease | IntentLogged | Refused | Ended | CopyLogged | Logged


@dataclass(frozen=True, slots=True)
class LogIntent:
    """Append the INTENT under the token."""

    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class WriteEnd:
    """The end may be written, now and in this turn."""


@dataclass(frozen=True, slots=True)
class CloseUnended:
    """Close the connection without writing the end."""


@dataclass(frozen=True, slots=True)
class LogCopy:
    """Append the copies to their tier."""

    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class LogOutcome:
    """Append the OUTCOME: under the token when ``intent`` is NO_INTENT, as a fact otherwise."""

    intent: int
    kinds: tuple[Kind, ...]
    copies: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class LogVoid:
    """Append the VOID of the INTENT at ``intent``, as a fact."""

    intent: int


Effect = LogIntent | WriteEnd | CloseUnended | LogCopy | LogOutcome | LogVoid


@dataclass(slots=True)
class Attempt:
    """The machine. ``step`` either follows the table or raises IllegalTransition and changes nothing."""

    state: State = State.LEASED
    intent: int = NO_INTENT
    kinds: tuple[Kind, ...] = ()
    number: int = 1  # of the attempt
    asked: Asked | None = None  # an earlier attempt in doubt, which this one is to ask about
    expires_ms: int | None = None  # Unix time from which on nothing is sent
    first: int = UNNAMED  # Recipient.index that names the transaction

    @property
    def transaction(self) -> int:
        """The attempt whose id the transaction goes under."""
        return self.number if self.asked is None else self.asked.attempt

    def is_expired(self, at_ms: int) -> bool:
        """Whether nothing of the unit may be sent any more (I17)."""
        return self.expires_ms is not None and at_ms >= self.expires_ms

    def step(self, event: Event) -> list[Effect]:
        """The effects of one event, in durability order."""
        match event, self.state:
            case AskRelease(), State.LEASED if self.is_expired(event.at_ms):
                return [CloseUnended()]  # it waited too long for its connection; who reads this ends it as expired
            case AskRelease(reaches, _, host, before), State.LEASED:
                self.state = State.INTENT
                return [LogIntent(Asked(self.transaction, reaches, self.first, host, before) if reaches else None)]
            case IntentLogged(), State.INTENT:
                return self._intent_logged(event)
            case Ended(), State.LEASED | State.SENT:
                return self._ended(event)
            case CopyLogged(), State.COPYING:
                self.state = State.ENDING
                return [LogOutcome(self.intent, self.kinds, event.copies)]
            case Logged(), State.ENDING:
                self.state = State.DONE
                return []
            case Logged(), State.VOIDING:
                self.state, self.intent = State.LEASED, NO_INTENT
                return []
            case Refused(), State.INTENT:
                self.state = State.RETURNED
                return [CloseUnended()]
            case Refused(), State.ENDING | State.COPYING | State.LEASED:
                self.state = State.RETURNED
                return []
            case _:
                raise IllegalTransition("attempt", self.state.value, type(event).__name__)

    def _intent_logged(self, event: IntentLogged) -> list[Effect]:
        match event.release:
            case Release.GRANTED:
                self.state, self.intent = State.SENT, event.position
                return [WriteEnd()]
            case Release.FENCED | Release.DEADLINE | Release.STALE:
                self.state, self.intent = State.VOIDING, event.position
                return [CloseUnended(), LogVoid(event.position)]
            case _:
                assert_never(event.release)

    def _ended(self, event: Ended) -> list[Effect]:
        self.kinds = event.kinds
        # An attempt in doubt leaves as a whole: its deferred recipients wait for the same resolution.
        if Kind.DEFERRED in event.kinds and Kind.IN_DOUBT not in event.kinds:
            self.state = State.COPYING
            return [LogCopy(self.asked)]
        self.state = State.ENDING
        return [LogOutcome(self.intent, self.kinds, ())]


def named_by(asked: Asked | None, recipients: Sequence[Recipient]) -> int:
    """Whom the transaction of an attempt is named by: whoever is asked about was first then, and may not be among these any more."""
    if asked is not None and asked.first != UNNAMED:
        return asked.first
    return next((one.index for one in recipients), UNNAMED)


def left_of(recipients: Sequence[Recipient], settled: tuple[Kind, ...]) -> tuple[Recipient, ...]:
    """The recipients of a record that no attempt in doubt has ended (``frames.Assign.settled``)."""
    if not settled:
        return tuple(recipients)
    return tuple(one for one, kind in zip(recipients, settled, strict=True) if kind is Kind.IN_DOUBT)


def of_all(kinds: Sequence[Kind], settled: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """The classes of all recipients of a record from those of ``left_of``, which the journal counts it by."""
    rest = iter(kinds)
    return tuple(next(rest) if kind is Kind.IN_DOUBT else kind for kind in settled) if settled else tuple(kinds)


def still_asked(asked: Asked | None, recipients: Iterable[int]) -> Asked | None:
    """What a copy for these recipients has to ask about: nothing, if the end in doubt reached none of them."""
    return asked if asked is not None and not set(asked.reached).isdisjoint(recipients) else None
