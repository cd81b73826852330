"""One record of the log, for whoever needs that one and follows nothing."""

from fastemailnet.admission.reading import read_unit
from fastemailnet.envelope import Position, Unit
from fastemailnet.flashsync.frames import JOURNAL, JournalFrame, decode_journal
from fastemailnet.flashsync.lease import Spot
from fastemailnet.log.interface import Log


def unit_at(log: Log, place: Position) -> Unit | None:
    """The unit in a record; None where it is gone or none."""
    records = log.fetch(*place, 1)
    unit = read_unit(records[0][1], place) if records and records[0][0] == place.offset else None
    return unit if isinstance(unit, Unit) else None


def frame_at(log: Log, spot: Spot) -> JournalFrame:
    """The frame at a place of the journal, which is never trimmed."""
    ((_, record),) = log.fetch(JOURNAL, *spot, 1)
    return decode_journal(record)
