"""How a place of a mail stream ends that holds no unit."""

from actors.clock import wall_ms
from actors.ends import dead
from actors.evidence import lost
from actors.journal import Journal
from actors.leases import Taken
from fastemailnet.admission.reading import Malformed
from fastemailnet.flashsync.frames import NO_INTENT, Outcome
from fastemailnet.outcome import Kind


async def bury(journal: Journal, taken: Taken, malformed: Malformed) -> None:
    """Keep a record that holds no unit for people, with its reasons, then end it: it blocks nothing."""
    now_ms = wall_ms()
    at = await journal.keep(dead(taken, malformed.message, malformed.reasons, malformed.record, now_ms))
    proof = lost(malformed.message, f"malformed: {'; '.join(malformed.reasons)}; kept as {at}", now_ms)
    await end_place(journal, taken, (Kind.DEAD,), proof)


async def end_place(journal: Journal, taken: Taken, kinds: tuple[Kind, ...], proof: bytes = b"") -> None:
    """End a place that holds no unit."""
    right = journal.right
    who = (taken.lease, taken.place.offset, taken.attempt, right.node, right.incarnation)
    await journal.ask(Outcome(*who, wall_ms(), NO_INTENT, kinds, evidence=proof))
