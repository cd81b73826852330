"""The balance: is every accepted delivery in exactly one class? Both sides come from different streams.

Left: the recipients of every record in ``mail.<lane>``, counted as they stand there. Right: what the journal says became of them
(fold), plus the recipients of the units that the fold calls open, read one by one. The two agree only if no outcome is missing, made
twice, or speaks of other recipients than its unit has. The auditor folds the streams itself; it asks no coordinator.
"""

from collections.abc import Container, Iterator
from typing import Any

from actors.doubts import summary
from actors.records import frame_at, unit_at
from actors.unread import Unread
from fastemailnet.admission.reading import Read, deliveries, read_unit
from fastemailnet.envelope import LANES, Position, Unit
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import (
    CONTROL,
    JOURNAL,
    Intent,
    JournalFrame,
    Outcome,
    Resolve,
    decode_control,
    decode_journal,
)
from fastemailnet.flashsync.lease import Open, Quarantined, Spot
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.log.interface import Log
from fastemailnet.outcome import Kind

READ_RECORDS = 500
Doubt = tuple[Open, Intent, Unit | None, str]  # with its unit, if kept, and the host, if known


class Auditor:
    """Follows all streams on demand."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.fold = Fold()
        self.unread = Unread()
        self.accepted = 0
        self.units = 0
        self.positions: dict[tuple[str, int], int] = {}
        self.reviewed: dict[
            Spot, tuple[Quarantined, int]
        ] = {}  # OUTCOME that held → what, and where the decision stands

    def catch_up(self) -> None:
        """Read what is new. Journal ends are taken first, control next, so that each lease a frame names is known."""
        journals = self.log.ends(JOURNAL)
        for offset, record in self._new(CONTROL, 0, self.log.ends(CONTROL).get((CONTROL, 0), 0)):
            command = self.unread.read(decode_control, record, CONTROL, 0, offset)
            if command is not None:
                self.fold.apply_control(command)
        for (_, partition), end in journals.items():
            for position, record in self._new(JOURNAL, partition, end):
                frame = self.unread.read(decode_journal, record, JOURNAL, partition, position)
                if frame is None:
                    continue
                held = self.fold.held.get((partition, frame.intent)) if isinstance(frame, Resolve) else None
                if self.fold.apply_journal(partition, position, frame) and held is not None:
                    self.reviewed[held.spot] = held, position
        for where, end in self.log.ends(*LANES).items():
            for offset, record in self._new(*where, end):
                self.accepted += deliveries(read_unit(record, Position(*where, offset)))
                self.units += 1

    def _new(self, stream: str, partition: int, end: int) -> Iterator[tuple[int, bytes]]:
        if (stream, partition) not in self.positions:
            self.positions[stream, partition] = 0
            self.log.follow(stream, partition, 0)
        position = self.positions[stream, partition]
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
        counts[Kind.HELD.value] = sum(entry.recipients for entry in fold.held.values())
        counts[Kind.DEFERRED.value] = sum(d.recipients for copy, d in fold.named.items() if copy not in doubt)
        counts[Kind.IN_DOUBT.value] = sum(doubt.values())
        counts["open"] = sum(map(deliveries, self.open_units(doubt)))
        accounted = sum(counts.values())
        return {**counts, "accepted": self.accepted, "accounted": accounted, "difference": self.accepted - accounted}

    def open_units(self, doubt: Container[Any]) -> Iterator[Read]:
        """What the accepted records hold that no outcome ended and that are not in doubt."""
        for (stream, partition), end in list(self.positions.items()):
            if stream not in LANES:
                continue
            progress = self.fold.progress[stream, partition]
            for lo in range(progress.low, end, READ_RECORDS):
                for offset, record in self.log.fetch(stream, partition, lo, min(READ_RECORDS, end - lo)):
                    place = Position(stream, partition, offset)
                    if not progress.is_done(offset) and place not in doubt:
                        yield read_unit(record, place)

    def journal_positions(self) -> dict[int, int]:
        """How far each journal partition was read."""
        return {partition: position for (stream, partition), position in self.positions.items() if stream == JOURNAL}

    def waiting(self, message: bytes) -> list[Unit]:
        """The open units of one message."""
        self.catch_up()
        return [unit for unit in self.open_units(()) if isinstance(unit, Unit) and unit.message == message]

    def in_doubt(self) -> list[dict[str, Any]]:
        """The attempts in doubt, for people."""
        self.catch_up()
        return [summary(entry) for entry in self.fold.in_doubt()]

    def doubt(self, spot: Spot) -> Doubt | None:
        """The attempt in doubt whose INTENT stands at ``spot``, that INTENT, its unit and the host it went to; None if it is in none.

        The unit is None where its record is gone or none, the host "" where no node reported it.
        """
        self.catch_up()
        entry = self.fold.open.get(spot)
        if entry is None or entry.doubt_ms is None:
            return None
        intent = self.frame(spot)
        assert isinstance(intent, Intent)
        return entry, intent, self.unit(entry.place), self._host(entry)

    def _host(self, entry: Open) -> str:
        report = self.frame((entry.spot[0], entry.word)) if entry.word >= 0 else None
        facts = decode_facts(report.evidence) if isinstance(report, Outcome) else []
        return next((str(fact.detail["host"]) for fact in facts if "host" in fact.detail), "")

    def unit(self, place: Position) -> Unit | None:
        """The unit in a record; None where it is gone or none."""
        return unit_at(self.log, place)

    def frame(self, spot: Spot) -> JournalFrame:
        """The frame at a place of the journal."""
        return frame_at(self.log, spot)
