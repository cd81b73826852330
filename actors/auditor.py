"""The balance: is every accepted delivery in exactly one class? Both sides come from different streams.

Left: the recipients of every record in ``mail.<lane>``, counted as they stand there. Right: what the journal says became of them
(fold), plus the recipients of the units that the fold calls open, read one by one. The two agree only if no outcome is missing, made
twice, or speaks of other recipients than its unit has. The auditor folds the streams itself; it asks no coordinator.
"""

from collections.abc import Container, Iterator
from typing import Any

import msgspec

from fastemailnet import ids
from fastemailnet.envelope import Lane, Unit, decode_unit
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import CONTROL, JOURNAL, decode_control, decode_journal
from fastemailnet.log.interface import Log
from fastemailnet.outcome import Kind

READ_RECORDS = 500


class Auditor:
    """Follows all streams on demand."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.fold = Fold()
        self.accepted = 0
        self.units = 0
        self.positions: dict[tuple[str, int], int] = {}

    def catch_up(self) -> None:
        """Read what is new. Journal ends are taken first, control next, so that each lease a frame names is known."""
        ends = {partition: self.log.end(JOURNAL, partition) for partition in range(JOURNAL_PARTITIONS)}
        for _, record in self._new(CONTROL, 0, self.log.end(CONTROL, 0)):
            self.fold.apply_control(decode_control(record))
        for partition, end in ends.items():
            for position, record in self._new(JOURNAL, partition, end):
                self.fold.apply_journal(partition, position, decode_journal(record))
        for stream, partition in self._mail():
            for _, record in self._new(stream, partition, self.log.end(stream, partition)):
                unit = unit_in(record)
                self.accepted += len(unit.recipients) if unit is not None else 1
                self.units += 1

    def _mail(self) -> list[tuple[str, int]]:
        return [(lane.stream, partition) for lane in Lane for partition in self.log.partitions(lane.stream)]

    def _new(self, stream: str, partition: int, end: int) -> Iterator[tuple[int, bytes]]:
        position = self.positions.setdefault((stream, partition), 0)
        while position < end:
            batch = self.log.fetch(stream, partition, position, min(READ_RECORDS, end - position))
            yield from batch
            position = batch[-1][0] + 1
            self.positions[stream, partition] = position

    def balance(self) -> dict[str, int]:
        """Deliveries by class, both sides and their difference."""
        self.catch_up()
        fold = self.fold
        doubt = {entry.place: len(entry.kinds) for entry in fold.in_doubt()}
        counts = {kind.value: fold.ended[kind] for kind in Kind}
        counts[Kind.DEFERRED.value] = sum(d.recipients for copy, d in fold.named.items() if copy not in doubt)
        counts[Kind.IN_DOUBT.value] = sum(doubt.values())
        counts["open"] = sum(len(unit.recipients) if unit else 1 for unit in self.open_units(doubt))
        accounted = sum(counts.values())
        return {**counts, "accepted": self.accepted, "accounted": accounted, "difference": self.accepted - accounted}

    def open_units(self, doubt: Container[Any]) -> Iterator[Unit | None]:
        """The accepted units that no outcome ended and that are not in doubt; None for a record that holds no unit."""
        for stream, partition in self._mail():
            progress = self.fold.progress[stream, partition]
            end = self.positions[stream, partition]
            for lo in range(progress.low, end, READ_RECORDS):
                for offset, record in self.log.fetch(stream, partition, lo, min(READ_RECORDS, end - lo)):
                    if not progress.is_done(offset) and (stream, partition, offset) not in doubt:
                        yield unit_in(record)

    def journal_positions(self) -> dict[int, int]:
        """How far each journal partition was read."""
        return {partition: position for (stream, partition), position in self.positions.items() if stream == JOURNAL}

    def waiting(self, message: bytes) -> list[Unit]:
        """The open units of one message."""
        self.catch_up()
        return [unit for unit in self.open_units(()) if unit is not None and unit.message == message]

    def in_doubt(self) -> list[dict[str, Any]]:
        """The attempts in doubt, for people."""
        self.catch_up()
        return [
            {
                "message": ids.to_text(entry.message),
                "place": str(entry.place),
                "attempt": entry.attempt,
                "recipients": len(entry.kinds),
                "since_ms": entry.doubt_ms,
                "reason": entry.reason,
                "journal": entry.spot[0],
                "intent": entry.spot[1],
            }
            for entry in self.fold.in_doubt()
        ]


def unit_in(record: bytes) -> Unit | None:
    """The unit in a record; None where it does not decode. Such a record counts as one delivery, that ends as dead."""
    try:
        return decode_unit(record)
    except msgspec.MsgspecError:
        return None
