"""Held mail as people see it, and their decisions: the gateway's side of the quarantine.

    release:  make the copy ▸ append it to the tier (durable) ▸ ask the coordinator for the RESOLVE that names it ▸ answer
    reject:   ask the coordinator for the RESOLVE ▸ answer

A crash before the RESOLVE leaves the mail held, and at most an orphan that is never sent; behind it the mail is decided, whoever was
told so. Two decisions about one mail stand in one partition of the journal: the first counts, and the other is refused here.

The id of held mail is the journal partition and the position of the OUTCOME that holds it, ``3-1207``. It never names anything else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from actors.auditor import Auditor
from actors.bodies import Bodies
from actors.clock import wall_ms
from actors.doubts import from_id, to_id
from actors.evidence import reviewed
from actors.timeline import HELD
from fastemailnet import ids
from fastemailnet.delivery.review import LABEL, SCORES, from_text, held_of, label, released
from fastemailnet.delivery.split import SPLITS
from fastemailnet.envelope import Position, Unit, encode_unit
from fastemailnet.errors import NotFound
from fastemailnet.flashsync.frames import Deferral, Outcome, Resolve, Verdict
from fastemailnet.flashsync.lease import Quarantined, Spot
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced
from fastemailnet.message.explain import explain
from fastemailnet.message.header import fields, first, split
from fastemailnet.message.text import visible_text
from fastemailnet.message.words import decoded
from fastemailnet.web.held import Review

TEXT_CHARACTERS: Final = 2_000
MAX_LOOKS: Final = 2_000  # at records, for a page of one tenant's mail
FIELDS: Final = ("From", "Reply-To", "To", "Date", "Subject")
Call = Callable[..., Awaitable[Any]]
Scores = tuple[float, float, float] | None


class Quarantine:
    """Implements ``web.held.Quarantine``. ``audit`` runs a question to the auditor; ``call`` reaches another process by name."""

    def __init__(
        self,
        auditor: Auditor,
        audit: Callable[[Callable[[], Any]], Awaitable[Any]],
        call: Call,
        group: GroupCommit,
        bodies: Bodies,
    ) -> None:
        self.auditor = auditor
        self.audit = audit
        self.call = call
        self.group = group
        self.bodies = bodies

    async def held(self, after: str, limit: int, tenant: str | None = None) -> dict[str, Any]:
        """See ``web.held.Quarantine.held``."""
        behind = from_id(after) if after else (-1, -1)
        page: dict[str, Any] = await self.audit(lambda: self._held(behind, limit, tenant))
        return page

    async def quarantined(self, held_id: str) -> dict[str, Any]:
        """See ``web.held.Quarantine.quarantined``."""
        entry, unit = await self._find(held_id)
        found: dict[str, Any] = await self.audit(lambda: self._full(entry, unit))
        if unit is not None:
            found |= await asyncio.to_thread(seen, (await self.bodies.bring_in(unit)).body)
        return found

    async def message(self, held_id: str) -> bytes:
        """See ``web.held.Quarantine.message``."""
        spot = from_id(held_id)
        entry = await self.audit(lambda: self._ever_held(spot))
        unit = await self.audit(lambda: self.auditor.unit(entry.place)) if entry is not None else None
        if unit is None:
            raise NotFound(
                f"{held_id} holds no mail" if entry is None else f"the record of {held_id} is not kept any more"
            )
        return (await self.bodies.bring_in(unit)).body

    async def review(self, held_id: str, review: Review) -> dict[str, Any]:
        """See ``web.held.Quarantine.review``."""
        entry, unit = await self._find(held_id)
        verdict, at_ms = Verdict(review.verdict), wall_ms()
        shown: dict[str, Any] = await self.audit(lambda: self._full(entry, unit))
        proof, deferral = b"", None
        said = label(verdict, review.label, shown["scores"])
        if unit is not None:
            who = held_of(unit, entry)
            proof = reviewed(unit, entry.attempt, who, verdict, review.reason, said, at_ms)
        if verdict is Verdict.RELEASE:
            if unit is None:
                raise NotFound(f"the record of {held_id} is not kept any more: there is nothing to release")
            deferral = await self._copy(released(unit, entry, review.reason, at_ms), at_ms)
        if not await self.call("coordinator", "review", *entry.spot, verdict.value, review.reason, deferral, proof):
            raise await self.audit(lambda: self._not_held(entry.spot))
        return {**shown, "reviewed": {"verdict": verdict.value, "reason": review.reason, "label": said}}

    async def reviewed(self, after: str, limit: int) -> dict[str, Any]:
        """See ``web.held.Quarantine.reviewed``."""
        behind = from_id(after) if after else None
        page: dict[str, Any] = await self.audit(lambda: self._reviewed(behind, limit))
        return page

    async def _copy(self, copy: Unit, at_ms: int) -> Deferral:
        """Make the copy of a release durable; nothing names it yet."""
        copy = await self.bodies.renew(copy, at_ms)
        stream = SPLITS[copy.lane]
        landed = await self.group.append(stream, 0, [encode_unit(copy)])
        assert not isinstance(landed, Fenced)  # a tier has no tokens
        assert copy.source is not None
        return Deferral(Position(stream, 0, landed[0]), copy.source, copy.attempt, at_ms, len(copy.recipients))

    # ---- what the auditor is asked, in its thread

    async def _find(self, held_id: str) -> tuple[Quarantined, Unit | None]:
        spot = from_id(held_id)
        found: tuple[Quarantined, Unit | None] = await self.audit(lambda: self._waiting(spot))
        return found

    def _waiting(self, spot: Spot) -> tuple[Quarantined, Unit | None]:
        self.auditor.catch_up()
        entry = self.auditor.fold.held.get(spot)
        if entry is None:
            raise self._not_held(spot)
        return entry, self.auditor.unit(entry.place)

    def _ever_held(self, spot: Spot) -> Quarantined | None:
        self.auditor.catch_up()
        decided = self.auditor.reviewed.get(spot)
        return decided[0] if decided is not None else self.auditor.fold.held.get(spot)

    def _not_held(self, spot: Spot) -> NotFound:
        """What is said of an id that holds nothing now."""
        self.auditor.catch_up()
        decided = self.auditor.reviewed.get(spot)
        if decided is None:
            return NotFound(f"{to_id(spot)} holds no mail (journal partition-position of the outcome that holds it)")
        frame = self._decision(decided)
        past = "released" if frame.verdict is Verdict.RELEASE else "rejected"
        return NotFound(f"{to_id(spot)} is not held any more: it was {past} before ({frame.reason})")

    def _held(self, behind: Spot, limit: int, tenant: str | None) -> dict[str, Any]:
        self.auditor.catch_up()
        waiting = sorted(self.auditor.fold.held.values(), key=lambda entry: entry.spot)
        page: list[dict[str, Any]] = []
        seen: Quarantined | None = None
        # Whose mail an entry is stands in its record alone, so a page of one tenant's is bounded by what is looked at.
        for entry in [entry for entry in waiting if entry.spot > behind][:MAX_LOOKS]:
            if len(page) == limit:
                break
            unit, seen = self.auditor.unit(entry.place), entry
            if tenant is None or (unit is not None and unit.tenant == tenant):
                page.append(self._full(entry, unit))
        return {
            "entries": page,
            "next": to_id(seen.spot) if seen is not None and seen is not waiting[-1] else None,
            "attempts": len(waiting),
            "deliveries": sum(entry.recipients for entry in waiting),
            "oldest_ms": min((entry.at_ms for entry in waiting), default=None),
        }

    def _full(self, entry: Quarantined, unit: Unit | None) -> dict[str, Any]:
        """One entry. What its record says is left open where that is not kept any more."""
        reason, scores = self._why(entry.spot)
        return {
            "id": to_id(entry.spot),
            "place": str(entry.place),
            "attempt": entry.attempt,
            "since_ms": entry.at_ms,
            "deliveries": entry.recipients,
            "reason": reason,
            "scores": scores,
            "message": ids.to_text(unit.message) if unit is not None else None,
            "sender": unit.reverse_path if unit is not None else None,
            "tenant": unit.tenant if unit is not None else None,
            "lane": unit.lane.value if unit is not None else None,
            "accepted_ms": unit.accepted_ms if unit is not None else None,
            "recipients": addresses(unit, held_of(unit, entry)) if unit is not None else [],
        }

    def _why(self, spot: Spot) -> tuple[str, Scores]:
        """The gate's reason and the scores, as the OUTCOME that holds has them."""
        frame = self.auditor.frame(spot)
        details = [fact.detail for fact in decode_facts(frame.evidence)] if isinstance(frame, Outcome) else []
        detail = next((one for one in details if HELD in one), {})
        return str(detail.get(HELD, "")), from_text(str(detail.get(SCORES, "")))

    def _decision(self, decided: tuple[Quarantined, int]) -> Resolve:
        entry, position = decided
        frame = self.auditor.frame((entry.spot[0], position))
        assert isinstance(frame, Resolve)
        return frame

    def _reviewed(self, behind: Spot | None, limit: int) -> dict[str, Any]:
        """In the order in which this reader met the decisions; a page begins behind one of them."""
        self.auditor.catch_up()
        spots = list(self.auditor.reviewed)
        start = 0
        if behind is not None:
            if behind not in self.auditor.reviewed:
                raise NotFound(f"{to_id(behind)} was not reviewed")
            start = spots.index(behind) + 1
        page = spots[start : start + limit]
        more = start + limit < len(spots)
        return {"entries": [self._decided(spot) for spot in page], "next": to_id(page[-1]) if more else None}

    def _decided(self, spot: Spot) -> dict[str, Any]:
        entry, _ = self.auditor.reviewed[spot]
        frame = self._decision(self.auditor.reviewed[spot])
        held, scores = self._why(spot)
        said = next((str(fact.detail[LABEL]) for fact in decode_facts(frame.evidence) if LABEL in fact.detail), "")
        return {
            "id": to_id(spot),
            "verdict": frame.verdict.value,
            "label": said or label(frame.verdict, "", scores),
            "reason": frame.reason,
            "at_ms": frame.at_ms,
            "held": held,
            "held_ms": entry.at_ms,
            "scores": scores,
            "deliveries": entry.recipients,
        }


def addresses(unit: Unit, indexes: Iterable[int]) -> list[dict[str, str]]:
    """Recipients by index, with the ids of their deliveries."""
    wanted = set(indexes)
    return [
        {"recipient": one.address, "delivery": ids.to_text(ids.delivery_id(unit.message, one.index))}
        for one in unit.recipients
        if one.index in wanted
    ]


def seen(body: bytes) -> dict[str, Any]:
    """What a person needs to see of a mail to decide about it: who it says it is from, and the text that is read."""
    header = fields(split(body)[0])
    return {
        "headers": {name: decoded(first(header, name)) for name in FIELDS},
        "text": visible_text(body).body[:TEXT_CHARACTERS],
        "findings": [finding._asdict() for finding in explain(body)],
        "octets": len(body),
    }
