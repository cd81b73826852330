"""The streams of a log, read whole for checking: control, every journal partition, and what the records of mail and tiers say.

Bodies, evidence and reports are not kept, so a check of a million units takes memory for what is said about them only. A journal is
read before control and control before mail, each to the end that it had then, so that also a log that grows is read at one moment:
what a frame names is then always there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from fastemailnet.admission.reading import deliveries, read_unit
from fastemailnet.delivery.retry import STREAMS
from fastemailnet.delivery.split import SPLITS
from fastemailnet.envelope import LANES, Position, Recipient, Unit, is_tier
from fastemailnet.errors import LogCorrupt
from fastemailnet.flashsync.frames import (
    CONTROL,
    JOURNAL,
    ControlFrame,
    JournalFrame,
    Outcome,
    Resolve,
    decode_control,
    decode_journal,
)
from fastemailnet.log.interface import Log

READ_RECORDS = 2_000
Where = tuple[str, int]
Progress = Callable[[str, int, int], None]  # what, how many of it are done, of how many


class Record(NamedTuple):
    """What a record of mail or of a tier says. One that holds no unit has no message and no recipients, but what it counts as."""

    message: bytes
    accepted_ms: int
    expires_ms: int
    recipients: tuple[Recipient, ...]
    attempt: int
    source: Position | None
    tenant: str
    key: str
    body: int  # a hash of the body
    deliveries: int  # how many outcomes it needs


@dataclass
class Streams:
    """Everything that was read, by offset."""

    control: list[ControlFrame | None] = field(default_factory=list)
    journals: dict[int, list[JournalFrame | None]] = field(default_factory=dict)  # None: it does not decode
    records: dict[Where, list[Record]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many frames there are in control and the journal."""
        return len(self.control) + sum(map(len, self.journals.values()))

    def record(self, place: Position) -> Record | None:
        """The record at a place; None where the stream does not reach."""
        records = self.records.get(place[:2], ())
        return records[place.offset] if place.offset < len(records) else None

    def mail(self) -> Iterator[tuple[Position, Record]]:
        """Every accepted record."""
        for (stream, partition), records in self.records.items():
            if not is_tier(stream):
                for offset, record in enumerate(records):
                    yield Position(stream, partition, offset), record


def read_streams(log: Log, progress: Progress) -> Streams:
    """Read a log whole.

    Raises:
        LogCorrupt: a stream was trimmed, so that nothing can be said about what it held.
        LogError: it cannot be read.
    """
    streams = Streams()
    for (stream, partition), end in log.ends(JOURNAL).items():
        frames = streams.journals.setdefault(partition, [])
        for position, record in _all(log, stream, partition, end, progress):
            frames.append(_journal(record, f"journal/{partition}@{position}", streams.unreadable))
    for where, end in log.ends(CONTROL).items():
        for position, record in _all(log, *where, end, progress):
            streams.control.append(_control(record, f"control@{position}", streams.unreadable))
    for where, end in log.ends(*STREAMS, *SPLITS.values(), *LANES).items():
        records = _all(log, *where, end, progress)
        streams.records[where] = [_record(record, Position(*where, offset)) for offset, record in records]
    return streams


def _all(log: Log, stream: str, partition: int, end: int, progress: Progress) -> Iterator[tuple[int, bytes]]:
    begin = log.begin(stream, partition)
    log.follow(stream, partition, begin)
    what = f"reading {stream}/{partition}"
    if begin:
        raise LogCorrupt(f"{stream}/{partition} begins at offset {begin}: what was before it cannot be checked")
    position = 0
    progress(what, position, end)
    while position < end:
        batch = log.fetch(stream, partition, position, min(READ_RECORDS, end - position))
        if not batch or batch[0][0] != position:
            raise LogCorrupt(f"{stream}/{partition} has no record at offset {position}, its end is {end}")
        yield from batch
        position = batch[-1][0] + 1
        progress(what, position, end)


def _journal(record: bytes, where: str, unreadable: list[str]) -> JournalFrame | None:
    try:
        frame = decode_journal(record)
    except msgspec.MsgspecError as error:
        unreadable.append(f"{where} holds no frame: {error}")
        return None
    return msgspec.structs.replace(frame, evidence=b"", reports=()) if isinstance(frame, Outcome | Resolve) else frame


def _control(record: bytes, where: str, unreadable: list[str]) -> ControlFrame | None:
    try:
        return decode_control(record)
    except msgspec.MsgspecError as error:
        unreadable.append(f"{where} holds no frame: {error}")
        return None


def _record(record: bytes, place: Position) -> Record:
    unit = read_unit(record, place)
    if not isinstance(unit, Unit):
        return Record(b"", 0, 1 << 62, (), 1, None, "", "", 0, deliveries(unit))
    who = (unit.message, unit.accepted_ms, unit.expires_ms, unit.recipients)
    return Record(
        *who, unit.attempt, unit.source, unit.tenant, unit.idempotency_key, hash(unit.body_sha256), deliveries(unit)
    )
