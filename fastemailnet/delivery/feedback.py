"""What comes back about mail that was taken: reports of other hosts and complaints of people, as notes and then as facts.

The gateway reads what comes in (``message.feedback``) and appends a NOTE to the stream ``feedback`` before it answers. The ledger
process consumes the notes behind the journal: a note that names a delivery it knows becomes a fact (DSN received, complaint), and
what follows from that for the suppression list follows as from every fact. A note about nothing that was sent from here becomes
nothing.

**VERP**: where a bounce domain is set, the reverse-path names the message and, if the transaction has one recipient, which one:
``b-<message id>-<recipient index or x>@domain``. Whoever knows an id (80 random bits) was sent the message, so the address is not
signed.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from fastemailnet import ids
from fastemailnet.delivery.suppression import ACTION, CLASS, LANE
from fastemailnet.envelope import Unit
from fastemailnet.ledger.fact import Fact, Flag, LeafType
from fastemailnet.outcome import BounceClass
from fastemailnet.wire import Decoder

STREAM = "feedback"
ANY = -1  # recipient index of a note that does not name one
_VERP = re.compile(r"b-([0-9a-hjkmnp-tv-z]{26})-(\d{1,4}|x)", re.IGNORECASE)


class About(StrEnum):
    """What a note is."""

    DSN = "dsn"
    COMPLAINT = "complaint"


class Note(msgspec.Struct, frozen=True, array_like=True):
    """Something was reported about a message."""

    about: About
    at_ms: int
    message: bytes  # 16 octets, see ids.message_id
    recipient_index: int  # or ANY
    recipient: str  # as the report has it; "" where it names none
    action: str  # of a DSN: failed, delayed, delivered, relayed, expanded; of a complaint: its feedback type
    code: int  # SMTP, 0 where there is none
    status: tuple[int, int, int] | None
    bounce_class: BounceClass | None
    text: str
    source: str  # the reporting host
    salt: bytes  # 32 octets, of the fact


_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Note](Note)


def encode_note(note: Note) -> bytes:
    """A note as a record."""
    return _encoder.encode(note)


def decode_note(record: bytes) -> Note:
    """The note in a record. Raises msgspec.MsgspecError where it is none."""
    return _decoder.decode(record)


def verp(unit: Unit, domain: str) -> str:
    """The reverse-path by which a unit goes out. The null reverse-path stays what it is, and so does everything without a domain."""
    if not domain or not unit.reverse_path:
        return unit.reverse_path
    index = str(unit.recipients[0].index) if len(unit.recipients) == 1 else "x"
    return f"b-{ids.to_text(unit.message).lower()}-{index}@{domain}"


def named_by(address: str, domain: str) -> tuple[bytes, int] | None:
    """The message and the recipient index (or ANY) that a reverse-path of ours names; None where it is none."""
    local, _, at = address.rpartition("@")
    found = _VERP.fullmatch(local)
    if not domain or at.lower() != domain.lower() or found is None:
        return None
    try:
        message = ids.from_text(found[1])
    except ValueError:
        return None
    return message, ANY if found[2] in "xX" else int(found[2])


def fact_of(note: Note, known: Sequence[Fact]) -> Fact | None:
    """The fact that a note comes to. ``known``: every fact of its message. None: it names no delivery of it."""
    index = _index(note, known)
    mine = [fact for fact in known if fact.recipient_index == index]
    if not mine:
        return None
    last = mine[-1]
    lane = next((str(fact.detail[LANE]) for fact in mine if LANE in fact.detail), "")
    detail: dict[str, str | int] = {ACTION: note.action, LANE: lane, "source": note.source, "reply": note.text}
    if note.bounce_class is not None:
        detail[CLASS] = note.bounce_class.value
    kind = LeafType.COMPLAINT if note.about is About.COMPLAINT else LeafType.DSN
    who = (last.message, last.recipient_index, last.delivery, last.attempt)
    names = (last.tenant, last.sender, last.recipient)
    flags = last.flags & Flag.SANDBOX
    return Fact(kind, note.at_ms, *who, note.code, note.status, flags, *names, b"", detail, note.salt)


def _index(note: Note, known: Sequence[Fact]) -> int:
    if note.recipient_index != ANY:
        return note.recipient_index
    people = {fact.recipient.lower(): fact.recipient_index for fact in known}
    if note.recipient:
        # A forwarding host reports an address that we never wrote to; with one recipient it can only be that one.
        return people.get(note.recipient.lower(), _only(people))
    return _only(people)


def _only(people: dict[str, int]) -> int:
    return next(iter(people.values())) if len(people) == 1 else ANY
