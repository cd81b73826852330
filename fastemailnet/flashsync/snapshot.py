"""The fold as one record, so that a new coordinator need not read the streams from their beginning (R10, I11).

fold(snapshot + what stands behind its positions) = fold(both streams whole). The explorer checks it after every frame.
"""

from collections import Counter, deque

import msgspec

from fastemailnet.envelope import Position
from fastemailnet.flashsync.fold import MAX_ALARMS, Fold
from fastemailnet.flashsync.frames import Deferral, Join
from fastemailnet.flashsync.lease import Lease, Open, Quarantined, Token
from fastemailnet.flashsync.progress import Again, Progress
from fastemailnet.outcome import Kind
from fastemailnet.wire import Decoder

SNAPSHOT = "snapshot"
_Progress = tuple[str, int, int, list[int], list[tuple[int, Again]], list[int]]  # where, next, pending, free, skipped


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """What ``Fold`` holds, as lists that encode."""

    control_position: int  # behind the last control frame that is in it
    epoch: int
    leader: int
    members: list[Join]
    fenced: list[Token]
    leases: list[tuple[Lease, list[int]]]  # with the offsets left
    progress: list[_Progress]
    out: list[tuple[Position, int]]
    open: list[Open]
    named: list[Deferral]
    ended: list[tuple[Kind, int]]
    strikes: list[tuple[Position, int]]
    read: list[tuple[int, int]]
    numbers: list[tuple[Token, bool, int]]
    alarms: list[str]
    held: list[Quarantined]


_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Snapshot](Snapshot)


def encode_snapshot(fold: Fold, control_position: int) -> bytes:
    """The record of a fold that has read control up to ``control_position`` and each journal partition up to ``fold.read``."""
    progress: list[_Progress] = [
        (*where, one.next, list(one.pending), list(one.free.items()), list(one.skipped))
        for where, one in fold.progress.items()
    ]
    return _encoder.encode(
        Snapshot(
            control_position,
            fold.epoch,
            fold.leader,
            list(fold.members.values()),
            list(fold.fenced),
            [(lease, list(fold.left[number])) for number, lease in fold.leases.items()],
            progress,
            list(fold.out.items()),
            list(fold.open.values()),
            list(fold.named.values()),
            list(fold.ended.items()),
            list(fold.strikes.items()),
            list(fold.read.items()),
            [(token, facts, number) for (token, facts), number in fold.numbers.items()],
            list(fold.alarms),
            list(fold.held.values()),
        )
    )


def decode_snapshot(record: bytes, kind: type[Fold] = Fold) -> tuple[Fold, int]:
    """The fold and the control position of a record.

    Raises:
        msgspec.MsgspecError: the record is no snapshot of this version.
    """
    kept = _decoder.decode(record)
    fold = kind()
    fold.epoch, fold.leader = kept.epoch, kept.leader
    fold.members = {join.node: join for join in kept.members}
    fold.fenced = set(kept.fenced)
    fold.leases = {lease.lease: lease for lease, _ in kept.leases}
    fold.left = {lease.lease: set(left) for lease, left in kept.leases}
    for stream, partition, offset, pending, free, skipped in kept.progress:
        fold.progress[stream, partition] = Progress.restore(offset, pending, dict(free), skipped)
    fold.out = dict(kept.out)
    for entry in kept.open:
        fold.open[entry.spot] = entry
    fold.begun = {(entry.lease, entry.place.offset): entry.spot for entry in kept.open}
    fold.named = {deferral.copy: deferral for deferral in kept.named}
    fold.ended, fold.strikes = Counter(dict(kept.ended)), Counter(dict(kept.strikes))
    fold.read = dict(kept.read)
    fold.numbers = {(token, facts): number for token, facts, number in kept.numbers}
    fold.alarms = deque(kept.alarms, maxlen=MAX_ALARMS)
    fold.held = {entry.spot: entry for entry in kept.held}
    return fold, kept.control_position
