"""The one way to read a record of a mail stream or tier: what its writer, a gateway, a node or a foreign producer, meant by it."""

from dataclasses import dataclass

import msgspec

from fastemailnet.admission.native import message_of_record, unit_of_native
from fastemailnet.envelope import Position, Unit, decode_unit
from fastemailnet.native import decode_native, is_native


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that holds no unit. It counts as one delivery, to nobody, that ends as dead."""

    message: bytes  # 16 octets, see ids.message_id
    reasons: tuple[str, ...]
    record: bytes


def read_unit(record: bytes, place: Position) -> Unit | Malformed:
    """The unit in the record at ``place``. Depends on nothing else, so that every reader makes the same of it. Never raises."""
    at_ms = 0
    if not record:
        reason = "no record stands there: the mark of a producer's transaction, or what it aborted"
        return Malformed(message_of_record(at_ms, place), (reason,), record)
    try:
        if not is_native(record):
            return decode_unit(record)
        native = decode_native(record)
        at_ms = native.timestamp_ms
        read = unit_of_native(native, place)
    except msgspec.MsgspecError as error:
        return Malformed(message_of_record(at_ms, place), (f"the record does not decode: {error}",), record)
    if isinstance(read, Unit):
        return read
    return Malformed(message_of_record(at_ms, place), tuple(map(str, read)), record)


def deliveries(read: Unit | Malformed) -> int:
    """How many outcomes it needs."""
    return len(read.recipients) if isinstance(read, Unit) else 1
