"""The read side of the gateway: timelines, balance, status and receipts, from the ledger and from the streams themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from actors import doubts
from actors.auditor import Auditor, Doubt
from actors.clock import wall_ms
from actors.timeline import timeline
from actors.verdicts import Verdicts
from fastemailnet import ids
from fastemailnet.config import Settings
from fastemailnet.errors import FleetError, MessageError, NotFound
from fastemailnet.flashsync.frames import OF_DOUBT, Verdict
from fastemailnet.flashsync.lease import Spot

Call = Callable[..., Awaitable[Any]]
RESOLVE_TRIES = 5
RESOLVE_PAUSE_S = 0.1  # for a coordinator that has not read yet what this process has


class FleetReader:
    """Answers for people and programs. ``call`` reaches another process of the fleet by name."""

    def __init__(self, settings: Settings, auditor: Auditor, call: Call, verdicts: Verdicts) -> None:
        self.settings = settings
        self.verdicts = verdicts
        self.auditor = auditor
        self.call = call
        self.one_at_a_time = asyncio.Lock()  # the auditor is one reader with one place in each stream

    async def audit(self, ask: Callable[[], Any]) -> Any:
        """Ask the auditor, one at a time and in a thread."""
        async with self.one_at_a_time:
            return await asyncio.to_thread(ask)

    async def balance(self) -> dict[str, Any]:
        """Every class of the balance, both sides and their difference."""
        balance: dict[str, Any] = await self.audit(self.auditor.balance)
        return balance

    async def in_doubt(self) -> list[dict[str, Any]]:
        """The attempts in doubt."""
        entries: list[dict[str, Any]] = await self.audit(self.auditor.in_doubt)
        return entries

    async def doubt(self, doubt_id: str) -> dict[str, Any]:
        """Everything known about one attempt in doubt.

        Raises:
            NotFound: it is not in doubt (any more).
        """
        return doubts.full(*await self._doubt(doubts.from_id(doubt_id)), self.settings.in_doubt)

    async def _doubt(self, spot: Spot) -> Doubt:
        found: Doubt | None = await self.audit(lambda: self.auditor.doubt(spot))
        if found is None:
            raise doubts.not_in_doubt(doubts.to_id(spot))
        return found

    async def resolve(self, doubt_id: str, verdict: Verdict, reason: str) -> dict[str, Any]:
        """A person decides an attempt in doubt; the entry as it was, with what was decided.

        Raises:
            NotFound: it is not in doubt (any more).
            MessageError: its peer cannot be asked.
            FleetError: the coordinator cannot be reached, or the node speaks of it all the time.
        """
        spot = doubts.from_id(doubt_id)
        for _ in range(RESOLVE_TRIES):
            if (shown := await self._resolve(spot, verdict, reason)) is not None:
                return {**shown, "resolved": {"verdict": verdict.value, "reason": reason}}
            await asyncio.sleep(RESOLVE_PAUSE_S)
        raise FleetError(f"attempt {doubt_id} is in doubt, and its node speaks of it again and again: decide it later")

    async def _resolve(self, spot: Spot, verdict: Verdict, reason: str) -> dict[str, Any] | None:
        """The entry as it was when this decided it; None if its node has said more of it since, or the coordinator knows less yet.

        The first has to be looked at again, and what is told to be made anew: whoever has been told is not told twice.
        """
        found = await self._doubt(spot)
        shown, (entry, intent, unit, _) = doubts.full(*found, self.settings.in_doubt), found
        if verdict is Verdict.ASK and not shown["can_ask"]:
            others = ", ".join(one.value for one in OF_DOUBT if one is not Verdict.ASK)
            raise MessageError("the peer of this attempt keeps no record that could be asked", "verdict", others)
        told: tuple[bytes, tuple[bytes, ...]] = b"", ()
        if unit is not None:
            told = await self.verdicts.told(entry, intent, unit, verdict, reason, wall_ms())
        return (
            shown
            if await self.call("coordinator", "resolve", *spot, verdict.value, reason, *told, entry.word)
            else None
        )

    async def timeline(self, message_id: str) -> dict[str, Any]:
        """What became of each delivery of a message.

        Raises:
            NotFound: no such message.
        """
        message = ids.from_text(message_id)
        waiting = await self.audit(lambda: self.auditor.waiting(message))
        doubted = {entry["message"] for entry in await self.in_doubt()} if waiting else set()
        rows = await self.call("ledger", "timeline", message, self.auditor.journal_positions())
        found = timeline(message, rows, waiting, doubted)
        if not found["deliveries"]:
            raise NotFound(f"no message {message_id}")
        return found

    async def receipt(self, delivery: str) -> str:
        """The receipt of a delivery, or of the first delivery of a message."""
        try:
            text: str = await self.call("ledger", "receipt", ids.from_text(delivery))
        except NotFound:
            found = await self.timeline(delivery)
            text = await self.call("ledger", "receipt", ids.from_text(found["deliveries"][0]["delivery"]))
        return text

    async def status(self) -> dict[str, Any]:
        """Each process in a few numbers; one that cannot be reached says so."""
        names = ["coordinator", *(f"node-{number}" for number in range(self.settings.fleet.nodes)), "ledger"]
        names += self.settings.classifier.processes
        answers = await asyncio.gather(*(self.call(name, "status") for name in names), return_exceptions=True)
        shown = {name: _shown(answer) for name, answer in zip(names, answers, strict=True)}
        return {"processes": shown, "balance": await self.balance()}


def _shown(answer: Any) -> Any:
    if isinstance(answer, FleetError):
        return {"error": str(answer)}
    if isinstance(answer, BaseException):
        raise answer
    return answer
