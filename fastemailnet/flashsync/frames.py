"""Frames of the two FlashSync streams, and their wire format (MessagePack arrays tagged by kind).

*Control* is written by coordinators only: EPOCH, JOIN, ASSIGN, SPLIT, STRIKE. A control frame counts only if no higher EPOCH
precedes it (R1).

*Journal* has one partition per node slot. Its node writes INTENT, OUTCOME, VOID, SHRINK and BEAT; coordinators write FENCE and
RESOLVE into the partition whose intents they concern, so that one total order decides between a late fact and a resolution, and
between two people who decide about the same held mail.

An incarnation numbers its frames (R9): permissions (appended under its token) and facts apart, from 0. A number that was seen is a
repetition and void; one that was passed over is an alarm.

A **place** is the record a lease counts: an accepted unit in ``mail.<lane>`` or a copy of it in a deferral tier. Within a lease the
place's offset names it. Fields are only ever added at the end, with a default.
"""

from enum import StrEnum

import msgspec

from fastemailnet.envelope import Asked, Position
from fastemailnet.outcome import Kind
from fastemailnet.wire import Decoder

CONTROL = "control"
JOURNAL = "journal"
NO_INTENT = -1
NOT_NUMBERED = -1
NO_WORD = -1
ANY_WORD = -2  # of a build before, which did not say


class Verdict(StrEnum):
    """What a RESOLVE decides: about a unit in doubt, or (RELEASE, REJECT) about one that the gate holds."""

    ASK = "ask"  # try again at the peer that remembers the transaction: no second copy, whatever it knows
    RETRY = "retry"
    ASSUME_RELAYED = "assume-relayed"
    BOUNCE = "bounce"
    RELEASE = "release"  # the held recipients go on, in the copy that the frame names
    REJECT = "reject"


REVIEWS = (Verdict.RELEASE, Verdict.REJECT)
OF_DOUBT = tuple(verdict for verdict in Verdict if verdict not in REVIEWS)


class Epoch(msgspec.Struct, frozen=True, array_like=True, tag="E"):
    """A coordinator takes over; every control frame of a lower epoch behind it is void.

    Two candidates may have read the same epoch and ask for the same next one: the first in the log has it.
    """

    epoch: int
    at_ms: int
    who: int = 0  # drawn by the candidate, so that it knows its own


class Join(msgspec.Struct, frozen=True, array_like=True, tag="J"):
    """A node's new incarnation and the journal partition (slot) that it writes."""

    epoch: int
    node: str
    incarnation: int
    slot: int
    capacity: int  # units it may hold per stream


class Assign(msgspec.Struct, frozen=True, array_like=True, tag="A"):
    """A lease: the offsets [lo, hi) of one partition, to one incarnation of one node."""

    epoch: int
    lease: int
    stream: str
    partition: int
    lo: int
    hi: int
    node: str
    incarnation: int
    attempt: int = 0  # 0: the record's own attempt number; else the attempt that a RESOLVE opened
    asked: Asked | None = None  # an earlier attempt in doubt, to be asked about
    strikes: int = 0  # how many processes of nodes died over this place
    settled: tuple[
        Kind, ...
    ] = ()  # one for each recipient, IN_DOUBT: to be tried; (): all are. The others were ended by a doubt


class Split(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """A hint: somebody idles; the holder may give back the tail of the lease that it has not begun (R7). Changes nothing."""

    epoch: int
    lease: int


class Strike(msgspec.Struct, frozen=True, array_like=True, tag="X"):
    """A process died while it looked into the record at this place."""

    epoch: int
    stream: str
    partition: int
    offset: int


class Intent(msgspec.Struct, frozen=True, array_like=True, tag="I"):
    """The end of the message may be written from here on: the point of no return of one attempt (R4)."""

    lease: int
    offset: int
    attempt: int
    node: str
    incarnation: int
    at_ms: int
    message: bytes
    recipients: tuple[int, ...]  # indexes of the unit's recipients
    asked: Asked | None = None  # set where the peer can be asked later what became of the end
    seq: int = NOT_NUMBERED


class Deferral(msgspec.Struct, frozen=True, array_like=True):
    """The copy, already durable in its tier, that carries the recipients which are to be tried again (claim rule)."""

    copy: Position
    source: Position
    attempt: int
    due_ms: int
    recipients: int


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag="O"):
    """The end of one attempt. With ``intent`` it is a fact (never fenced); without, a permission (void behind a FENCE), R5."""

    lease: int
    offset: int
    attempt: int
    node: str
    incarnation: int
    at_ms: int
    intent: int  # journal position of the INTENT that it settles, or NO_INTENT
    kinds: tuple[Kind, ...]  # one for each recipient of the unit
    deferral: Deferral | None = None
    evidence: bytes = b""  # facts for the ledger, encoded by the node; opaque here
    seq: int = NOT_NUMBERED
    more: tuple[Deferral, ...] = ()  # of a unit that was split by destination: its other copies
    reports: tuple[bytes, ...] = ()  # units that tell the sender of this outcome, to be handed in once; opaque here

    @property
    def deferrals(self) -> tuple[Deferral, ...]:
        """Every copy that the frame names."""
        return (self.deferral, *self.more) if self.deferral is not None else ()


class Void(msgspec.Struct, frozen=True, array_like=True, tag="V"):
    """A fact: the end that this INTENT allowed was not written and never will be."""

    lease: int
    offset: int
    attempt: int
    node: str
    incarnation: int
    intent: int
    seq: int = NOT_NUMBERED


class Shrink(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """A permission: the lease ends at ``at``; nothing from there on was begun, and no INTENT of it behind this is valid (R7)."""

    lease: int
    at: int
    node: str
    incarnation: int
    seq: int = NOT_NUMBERED


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="B"):
    """Alive, with nothing else to say."""

    node: str
    incarnation: int
    at_ms: int
    seq: int = NOT_NUMBERED


class Fence(msgspec.Struct, frozen=True, array_like=True, tag="F"):
    """From here on the incarnation has no permission; what it had and did not begin may go to others (R3)."""

    epoch: int
    node: str
    incarnation: int
    at_ms: int
    reason: str


class Resolve(msgspec.Struct, frozen=True, array_like=True, tag="R"):
    """A policy or a person ends the attempt whose INTENT, in this partition, is in doubt (R6), or what an OUTCOME in it holds.

    Of several for one place the first counts. One about a doubt counts only if it heeds the last word of the node before it: what
    it tells was made of that, and a word that it did not read may have ended a recipient, and told it.
    """

    epoch: int
    intent: int  # position of the INTENT in doubt; under RELEASE and REJECT of the OUTCOME that holds
    verdict: Verdict
    at_ms: int
    reason: str
    deferral: Deferral | None = (
        None  # under RELEASE: the copy, already durable, that carries the recipients on (claim rule)
    )
    evidence: bytes = b""  # of a person's decision: facts for the ledger; opaque here
    reports: tuple[
        bytes, ...
    ] = ()  # of one that ends deliveries: units that tell the sender, to be handed in once; opaque here
    heeds: int = ANY_WORD  # position of the OUTCOME in doubt that was the node's last word; NO_WORD: it had said none

    @property
    def deferrals(self) -> tuple[Deferral, ...]:
        """Every copy that the frame names."""
        return (self.deferral,) if self.deferral is not None else ()

    def is_behind(self, word: int) -> bool:
        """Whether the node has said more than this heeds; ``word``: the position of the last that it said of its doubt."""
        return ANY_WORD not in (self.heeds, word) and self.heeds != word


ControlFrame = Epoch | Join | Assign | Split | Strike
NodeFrame = Intent | Outcome | Void | Shrink | Beat
JournalFrame = NodeFrame | Fence | Resolve

_encoder = msgspec.msgpack.Encoder()
_control = Decoder[ControlFrame](ControlFrame)
_journal = Decoder[JournalFrame](JournalFrame)


def is_fact(frame: NodeFrame) -> bool:
    """Whether a frame counts even behind a FENCE of its writer (R5)."""
    return isinstance(frame, Void) or (isinstance(frame, Outcome) and frame.intent != NO_INTENT)


def encode(frame: ControlFrame | JournalFrame) -> bytes:
    """A frame as a record."""
    return _encoder.encode(frame)


def decode_control(record: bytes) -> ControlFrame:
    """The control frame in a record. Raises msgspec.MsgspecError where it is none."""
    return _control.decode(record)


def decode_journal(record: bytes) -> JournalFrame:
    """The journal frame in a record. Raises msgspec.MsgspecError where it is none."""
    return _journal.decode(record)
