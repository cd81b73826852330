"""How a place ends whose record holds no unit, or one that nobody survives."""

from actors.clock import wall_ms
from actors.ends import dead
from actors.evidence import given_up, is_first, lost
from actors.journal import Journal
from actors.leases import Taken
from fastemailnet.admission.reading import Malformed
from fastemailnet.envelope import Unit, encode_unit
from fastemailnet.flashsync.frames import NO_INTENT, Outcome
from fastemailnet.outcome import Kind


async def bury(journal: Journal, taken: Taken, malformed: Malformed) -> None:
    """Keep a record that holds no unit for people, with its reasons, then end it: it blocks nothing."""
    now_ms = wall_ms()
    at = await journal.keep(dead(taken, malformed.message, malformed.reasons, malformed.record, now_ms))
    proof = lost(malformed.message, f"malformed: {'; '.join(malformed.reasons)}; kept as {at}", now_ms)
    await end_place(journal, taken, (Kind.DEAD,), proof)


async def bury_untold(journal: Journal, taken: Taken, unit: Unit) -> None:
    """End a unit that ended every process which looked at it, and one that was giving it up.

    Nothing is read of it that may be the cause: its sender is not told, and its facts name nobody. So a unit ends no more processes
    than ``poison.UNTOLD_STRIKES``.
    """
    now_ms = wall_ms()
    reason = f"{taken.strikes} processes ended over it, one of them over giving it up: its sender is not told"
    at = await journal.keep(dead(taken, unit.message, (reason,), encode_unit(unit), now_ms))
    kinds = taken.settled or (Kind.IN_DOUBT,) * len(unit.recipients)  # whom an attempt in doubt ended has ended
    left = [one.index for one, kind in zip(unit.recipients, kinds, strict=False) if kind is Kind.IN_DOUBT]
    came = is_first(unit, taken.attempt)
    proof = given_up(unit.message, left, taken.attempt, f"{reason}; kept as {at}", now_ms, came=came)
    await end_place(journal, taken, tuple(Kind.DEAD if kind is Kind.IN_DOUBT else kind for kind in kinds), proof)


async def end_place(journal: Journal, taken: Taken, kinds: tuple[Kind, ...], proof: bytes = b"") -> None:
    """End a place without anything more."""
    right = journal.right
    who = (taken.lease, taken.place.offset, taken.attempt, right.node, right.incarnation)
    await journal.ask(Outcome(*who, wall_ms(), NO_INTENT, kinds, evidence=proof))
