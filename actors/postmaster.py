"""Hands in the reports that OUTCOME frames carry: each becomes a unit of its lane, once.

Whoever consumes the journal in order (the ledger process) calls ``post`` before it keeps its positions, and keeps ``marks`` with
them: how far each mail stream reached when the reports of all that is kept stood in it. A crash between the two has the frames
read again; then ``recover`` looks behind the marks for the reports that were handed in already, by their ids, which are part of
the frame. That look is as long as what came in since the last block, so it costs nothing; and there is no time at which a report
is lost or handed in twice.
"""

from collections.abc import Mapping, Sequence

import msgspec

from fastemailnet.envelope import Lane, decode_unit
from fastemailnet.log.interface import Fenced, Log

PARTITION = 0
READ_RECORDS = 500
FIRST_MARK = 1_000  # the keys of marks beside those of journal partitions
LANES = (Lane.TRANSACTIONAL, Lane.STANDARD)  # that reports go by


class Postmaster:
    """The one who hands reports in. ``marks``: as they were kept last."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.handed_in: set[bytes] = set()

    def recover(self, marks: Mapping[int, int]) -> None:
        """Find the reports that were handed in behind the marks."""
        for number, lane in enumerate(LANES):
            begin = self.log.begin(lane.stream, PARTITION)
            position = max(marks.get(FIRST_MARK + number, 0), begin)
            while records := self.log.fetch(lane.stream, PARTITION, position, READ_RECORDS):
                self.handed_in.update(found for _, record in records if (found := _report_in(record)))
                position = records[-1][0] + 1

    def post(self, reports: Sequence[bytes]) -> None:
        """Hand in what was not handed in yet; durable on return."""
        for record in reports:
            unit = decode_unit(record)
            if unit.message in self.handed_in:
                continue
            landed = self.log.append(unit.lane.stream, PARTITION, [record])
            assert not isinstance(landed, Fenced)  # a mail stream has no tokens

    def marks(self) -> dict[int, int]:
        """Where the mail streams end now: no report of what is kept from here on stands before that."""
        return {FIRST_MARK + number: self.log.end(lane.stream, PARTITION) for number, lane in enumerate(LANES)}


def _report_in(record: bytes) -> bytes:
    """The message id of a record that may be a report, b"" otherwise."""
    try:
        unit = decode_unit(record)
    except msgspec.MsgspecError:
        return b""
    return unit.message if not unit.reverse_path else b""
