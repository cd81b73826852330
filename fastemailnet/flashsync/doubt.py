"""The classes of an attempt in doubt: what its verdict makes of them, and which of them are final whatever becomes of the others."""

from fastemailnet.flashsync.frames import Verdict
from fastemailnet.outcome import Kind

WAITING = (Kind.DEFERRED, Kind.HELD)  # classes that end an attempt and not the delivery
ENDS = {Verdict.ASSUME_RELAYED: Kind.RELAYED, Verdict.BOUNCE: Kind.BOUNCED}  # verdicts that end what is in doubt


def settled(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Of an attempt in doubt that is tried again: whom it ended, and IN_DOUBT for the others; () where it ended nobody."""
    found = tuple(Kind.IN_DOUBT if kind in WAITING else kind for kind in kinds)
    return found if any(kind is not Kind.IN_DOUBT for kind in found) else ()


def decided(kinds: tuple[Kind, ...], verdict: Verdict) -> tuple[Kind, ...]:
    """The classes of an attempt in doubt after its resolution; where that ends it, a recipient that was to be tried again expires."""
    if verdict not in ENDS:
        return kinds
    names = {Kind.IN_DOUBT: ENDS[verdict], Kind.DEFERRED: Kind.EXPIRED}
    return tuple(names.get(kind, kind) for kind in kinds)
