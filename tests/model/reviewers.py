"""What people may do about held mail: make a copy of it, and ask a coordinator to reject it or to release it as one of the copies."""

from typing import Any

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Write
from fastemailnet.flashsync.fold import Fold
from tests.model.world import TIER, Copy, Flight


def copies(fold: Fold, reviewer: int) -> list[Flight]:
    """A copy on its way, of any mail that is held. Nothing names it yet."""
    found = [Copy(entry.place.offset, entry.attempt + 1) for entry in fold.held.values()]
    return [Flight(TIER, 0, (copy,), ("reviewer", reviewer)) for copy in found]


def decisions(leader: Coordinator, tier: tuple[Any, ...]) -> list[Write]:
    """What a coordinator that has read to the tail writes when it is asked. A copy is named only once it stands in the tier."""
    writes = []
    for entry in leader.fold.held.values():
        writes.append(leader.review(entry, f.Verdict.REJECT, 0, "", None, b""))
        for offset, copy in enumerate(tier):
            if (copy.source, copy.attempt) == (entry.place.offset, entry.attempt + 1):
                deferral = f.Deferral(Position(TIER, 0, offset), entry.place, copy.attempt, 1, 1)
                writes.append(leader.review(entry, f.Verdict.RELEASE, 0, "", deferral, b""))
    return writes
