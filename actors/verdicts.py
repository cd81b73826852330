"""What a verdict about an attempt in doubt, of a person or a policy, tells the ledger and the sender. Both travel in the RESOLVE.

So they are as durable as the verdict, and count exactly if it does: of two verdicts, or of a verdict and a late fact, the first in
the journal tells the sender, the other does not. The gateway makes them for a person, the coordinator's process for a policy
(``telling``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from actors.bodies import Bodies
from actors.evidence import resolved
from actors.reports import Reporter, with_header
from fastemailnet.envelope import Unit
from fastemailnet.flashsync.doubt import decided
from fastemailnet.flashsync.frames import Intent, Verdict
from fastemailnet.flashsync.lease import Open
from fastemailnet.outcome import BounceClass, Kind, Outcome

WAITED = (Kind.IN_DOUBT, Kind.DEFERRED)
ENDED = (Kind.BOUNCED, Kind.EXPIRED)
BAD_CONNECTION = (5, 4, 2)  # RFC 3463 section 3.5: the transaction was begun and not ended in time
TOLD_APART = ".resolved"  # from the report that the attempt's own OUTCOME may have carried


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Writes what a RESOLVE carries."""

    reporter: Reporter
    bodies: Bodies

    async def told(
        self, entry: Open, intent: Intent, unit: Unit, verdict: Verdict, reason: str, at_ms: int
    ) -> tuple[bytes, tuple[bytes, ...]]:
        """The facts, encoded, and the reports of those whom the verdict ends as failed."""
        outcomes = list(_outcomes(entry, intent, verdict, reason))
        proof = resolved(unit, entry.attempt, outcomes, verdict, reason, at_ms)
        failed = [outcome for outcome in outcomes if outcome.kind in ENDED]
        report = partial(self.reporter.report, passes_dsn=False, now_ms=at_ms, apart=TOLD_APART)
        written = await with_header(self.bodies, unit, lambda whole: report(whole, entry.attempt, failed, ""))
        return proof, written.units


def _outcomes(entry: Open, intent: Intent, verdict: Verdict, reason: str) -> Iterator[Outcome]:
    """What becomes of each recipient that waited; under RETRY and ASK it waits on."""
    text = f"it is not known whether the next hop took it; given up: {reason}"
    for index, before, after in zip(intent.recipients, entry.kinds, decided(entry.kinds, verdict), strict=False):
        if before in WAITED:
            yield Outcome(index, after, text, None, BounceClass.BAD_CONNECTION, BAD_CONNECTION)
