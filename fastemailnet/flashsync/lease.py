"""What the fold keeps of a lease and of an INTENT, and what a node keeps of its leases."""

from collections import deque
from dataclasses import dataclass, replace

from fastemailnet.envelope import Asked, Position
from fastemailnet.flashsync.frames import ANY_WORD, Assign
from fastemailnet.outcome import Kind

Token = tuple[str, int]  # node, incarnation
Spot = tuple[int, int]  # journal partition, position in it


@dataclass(frozen=True, slots=True)
class Lease:
    """A valid ASSIGN whose holder is not fenced."""

    lease: int
    stream: str
    partition: int
    lo: int
    hi: int
    token: Token
    attempt: int
    asked: Asked | None = None
    strikes: int = 0
    settled: tuple[Kind, ...] = ()

    @classmethod
    def of(cls, frame: Assign) -> "Lease":
        """The lease that an ASSIGN gives."""
        where, span = (frame.stream, frame.partition), (frame.lo, frame.hi)
        token = (frame.node, frame.incarnation)
        return cls(frame.lease, *where, *span, token, frame.attempt, frame.asked, frame.strikes, frame.settled)

    def covers(self, offset: int) -> bool:
        """Whether ``offset`` is part of the lease."""
        return self.lo <= offset < self.hi


@dataclass(frozen=True, slots=True)
class Open:
    """A valid INTENT without a fact. ``doubt_ms`` is set from the moment nobody may be expected to bring one."""

    place: Position
    attempt: int
    lease: int
    token: Token
    spot: Spot  # of the INTENT
    message: bytes
    kinds: tuple[Kind, ...]
    doubt_ms: int | None = None
    reason: str = ""
    asked: Asked | None = None
    # Position of the newest OUTCOME by which its node said that it is in doubt; NO_WORD: there is none.
    word: int = ANY_WORD

    @property
    def times_asked(self) -> int:
        """Attempts since the one that the peer is asked about. Those before it may have been put off, for a turn that was far."""
        return 0 if self.asked is None else self.attempt - self.asked.attempt


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What an OUTCOME holds for a person to decide."""

    place: Position
    attempt: int
    spot: Spot  # of the OUTCOME
    kinds: tuple[Kind, ...]  # of all recipients; those HELD wait
    at_ms: int

    @property
    def recipients(self) -> int:
        """How many deliveries wait."""
        return self.kinds.count(Kind.HELD)


class Held:
    """The leases of one incarnation, by partition, and how far each was taken. Offsets are taken in ascending order within a lease."""

    def __init__(self) -> None:
        self.ranges: dict[tuple[str, int], deque[Lease]] = {}  # lo of each: the next offset to be taken

    def grant(self, lease: Lease) -> None:
        """A lease is there to be worked on."""
        self.ranges.setdefault((lease.stream, lease.partition), deque()).append(lease)

    def next(self, where: tuple[str, int], end: int) -> Lease | None:
        """The first lease with records below ``end``. Leases are given for different motives, so the first is not always the lowest."""
        queue = self.ranges.get(where, ())
        return next((lease for lease in queue if lease.lo < end), None)

    def taken(self, lease: Lease, reached: int) -> None:
        """Everything of the lease below ``reached`` is in work."""
        queue = self.ranges[lease.stream, lease.partition]
        queue.remove(lease)
        if reached < lease.hi:
            queue.appendleft(replace(lease, lo=reached))

    def split(self, number: int) -> int | None:
        """R7: give up the later half of what is not taken of a lease; where it ends now, None if nothing of it is left to give.

        The offsets are gone at once; that others may have them is for the SHRINK to say, once it stands in the log.
        """
        for queue in self.ranges.values():
            for index, lease in enumerate(queue):
                if lease.lease == number:
                    at = (lease.lo + lease.hi) // 2
                    if at > lease.lo:
                        queue[index] = replace(lease, hi=at)
                    else:
                        del queue[index]
                    return at
        return None
