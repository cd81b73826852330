"""The one way to read a record of a mail stream or tier: what its writer, a gateway, a node or a foreign producer, meant by it."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from fastemailnet.admission.native import message_of_record, unit_of_native
from fastemailnet.envelope import LAST_MS, Position, Unit, decode_unit, is_tier
from fastemailnet.native import decode_native, is_native

_COPIED: Final = ("attempt", "source", "asked", "released", "put_off", "turn_ms", "suspicion")  # said by copies alone
INDEXES: Final = range(1 << 32)  # that the id of a delivery has room for
_FRESH: Final[dict[str, Any]] = {one.name: one.default for one in msgspec.structs.fields(Unit) if one.name in _COPIED}


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that holds no unit. It counts as one delivery, to nobody, that ends as dead."""

    message: bytes  # 16 octets, see ids.message_id
    reasons: tuple[str, ...]
    record: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """An offset where nobody wrote anything (in Kafka: the marker of a producer's transaction). Nothing is delivered."""


Read = Unit | Malformed | Gap


def read_unit(record: bytes, place: Position) -> Read:
    """What the record at ``place`` holds. Depends on nothing else, so that every reader makes the same of it. Never raises."""
    if not record:
        return Gap()
    at_ms = 0
    try:
        if not is_native(record):
            unit = decode_unit(record)
            if reason := _impossible(unit):
                return Malformed(message_of_record(at_ms, place), (reason,), record)
            return _unjudged(unit, place)
        native = decode_native(record)
        at_ms = native.timestamp_ms
        read = unit_of_native(native, place)
    except msgspec.MsgspecError as error:
        return Malformed(message_of_record(at_ms, place), (f"the record does not decode: {error}",), record)
    if isinstance(read, Unit):
        return read
    return Malformed(message_of_record(at_ms, place), tuple(map(str, read)), record)


def _impossible(unit: Unit) -> str:
    """What no gateway writes and nobody could work on; "" of a unit that may be one."""
    if not unit.recipients:
        return "the unit has no recipients"
    if not all(recipient.index in INDEXES for recipient in unit.recipients):
        return f"the index of a recipient is not within 0 and {INDEXES[-1]}"
    if not 0 <= unit.accepted_ms <= LAST_MS:
        return f"accepted at {unit.accepted_ms} ms, which is not within 0 and {LAST_MS}"
    return ""


def _unjudged(unit: Unit, place: Position) -> Unit:
    """Only a copy in a tier, which the journal names, was judged or tried. Many write mail streams, and nobody judges his own mail.

    Nor does anybody say that a peer may have it: whoever is asked about is kept from no suppression list and from no gate.
    """
    if is_tier(place.stream) or all(getattr(unit, name) == value for name, value in _FRESH.items()):
        return unit
    return msgspec.structs.replace(unit, **_FRESH)


def deliveries(read: Read) -> int:
    """How many outcomes it needs."""
    match read:
        case Unit():
            return len(read.recipients)
        case Malformed():
            return 1
        case Gap():
            return 0
