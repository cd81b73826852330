"""The Python client: hand mail in, follow it, fetch its receipt. Synchronous and asynchronous, over the HTTP API.

    with Client(key="fen_…") as fleet:  # the tenant's key; without one whoever is near enough is tenant "default"
        accepted = fleet.send(message)
        fleet.wait([accepted.id], timeout_s=30)

Every submission carries an idempotency key, made here where the caller gives none, so that trying again after a lost
answer, a 429 or a 503 never makes a second mail. Errors are those of ``fastemailnet.errors``, made again from what
the gateway says.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from fastemailnet.admission.headers import envelope
from fastemailnet.admission.submission import Accepted
from fastemailnet.client_link import DEFAULT_URL, TIMEOUT_S, AsyncLink, Link
from fastemailnet.web import calls
from fastemailnet.web.calls import Call, Content, Result
from fastemailnet.web.tries import Tries, failed

__all__ = ["DEFAULT_URL", "Accepted", "AsyncClient", "Client", "envelope"]


class Client(Link):
    """A synchronous client. Thread-safe; close it, or use it in a ``with`` statement."""

    def send(
        self,
        message: Content,
        sender: str | None = None,
        recipients: Sequence[str] | None = None,
        lane: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Hand one message in; it is durable when this returns.

        Args:
            message: RFC 5322 octets (LF alone as line end is turned into CRLF) or an ``EmailMessage``.
            sender: reverse-path; None: ``Sender`` or ``From`` of the message. "" is the null reverse-path.
            recipients: None: ``To``, ``Cc`` and ``Bcc`` of the message.
            lane: ``transactional``, ``standard`` or ``bulk``; None: the message decides.
            idempotency_key: names the message for 24 h; the same key with the same message is accepted once.

        Raises:
            MessageError: the message or an address breaks a rule.
            IdempotencyConflict: the key names another message.
            LimitExceeded, LogError, FleetError: not taken after several tries.
        """
        return calls.accepted(self._ask(calls.submission(message, sender, recipients, lane, idempotency_key)))

    def send_many(
        self,
        messages: Iterable[Content],
        sender: str | None = None,
        recipients: Sequence[str] | None = None,
        lane: str | None = None,
    ) -> list[Result]:
        """Hand many messages in, in few requests. One result each, in order: what ``send`` returns or would raise."""
        results: list[Result] = []
        for batch in calls.batches(messages, sender, recipients, lane, results):
            waiting, tries = batch, Tries()
            while waiting := calls.settle(waiting, self._try(calls.batch_call(waiting)), results):
                if (pause_s := tries.pause_s(*failed(results[place] for place in waiting))) is None:
                    break
                time.sleep(pause_s)
        return results

    def timeline(self, message_id: str) -> dict[str, Any]:
        """What became of each delivery of a message. Raises ``NotFound``."""
        found: dict[str, Any] = self._get(f"/v1/messages/{message_id}")
        return found

    def wait(self, message_ids: Iterable[str], timeout_s: float = TIMEOUT_S) -> list[dict[str, Any]]:
        """The timelines of the messages, once every delivery of theirs has an outcome.

        Raises:
            FleetError: that takes longer than ``timeout_s``.
        """
        watch = calls.Watch(message_ids, timeout_s, time.monotonic())
        while waiting := watch.waiting():
            for message_id in waiting:
                watch.see(message_id, self.timeline(message_id))
            time.sleep(watch.pause_s(time.monotonic()))
        return watch.timelines()

    def balance(self) -> dict[str, int]:
        """Deliveries by class, both sides of the balance and their difference."""
        found: dict[str, int] = self._get("/v1/balance")
        return found

    def status(self) -> dict[str, Any]:
        """The processes of the fleet in a few numbers each."""
        found: dict[str, Any] = self._get("/v1/status")
        return found

    def in_doubt(self) -> list[dict[str, Any]]:
        """The attempts of which nobody knows whether the peer took them."""
        found: list[dict[str, Any]] = self._get("/v1/in-doubt")
        return found

    def doubt(self, doubt_id: str) -> dict[str, Any]:
        """Everything known about one attempt in doubt. Raises ``NotFound``."""
        found: dict[str, Any] = self._get(calls.doubt_path(doubt_id))
        return found

    def resolve(self, doubt_id: str, verdict: str, reason: str) -> dict[str, Any]:
        """Decide an attempt in doubt.

        Args:
            doubt_id: its ``id`` in ``in_doubt()``.
            verdict: ``retry``, ``assume-relayed``, ``bounce``, or ``ask`` where the peer remembers the transaction.
            reason: why, for the record; at most 400 characters.

        Raises:
            NotFound: it is not in doubt any more.
            MessageError: the verdict is none or not possible here, or the reason is empty or too long.
        """
        found: dict[str, Any] = msgspec.json.decode(self._ask(calls.resolution(doubt_id, verdict, reason)))
        return found

    def held(self, after: str = "", limit: int = 100, tenant: str | None = None) -> dict[str, Any]:
        """A page of what the gate holds, of one tenant's where it is named, behind the id ``after``; and how much there is of all."""
        found: dict[str, Any] = self._get(calls.page("/v1/held", after, limit, tenant))
        return found

    def quarantined(self, held_id: str) -> dict[str, Any]:
        """Everything known about one held mail. Raises ``NotFound``."""
        found: dict[str, Any] = self._get(calls.held_path(held_id))
        return found

    def held_message(self, held_id: str) -> bytes:
        """The octets of a mail that is or was held. Raises ``NotFound``."""
        return self._ask(Call("GET", f"{calls.held_path(held_id)}/message"))

    def review(self, held_id: str, verdict: str, reason: str, label: str = "") -> dict[str, Any]:
        """Decide held mail: release or reject (``label``: spam or phish). Raises ``NotFound`` where it is decided."""
        found: dict[str, Any] = msgspec.json.decode(self._ask(calls.review(held_id, verdict, reason, label)))
        return found

    def reviewed(self, after: str = "", limit: int = 100) -> dict[str, Any]:
        """A page of what was decided, behind the id ``after``."""
        found: dict[str, Any] = self._get(calls.page("/v1/held/reviewed", after, limit))
        return found

    def suppressed(self, after: str = "", limit: int = 1_000) -> dict[str, Any]:
        """A page of the suppression list by address: ``entries``, and ``next``, the ``after`` of the next page or None."""
        found: dict[str, Any] = self._get(calls.page("/v1/suppression", after, limit))
        return found

    def suppress(
        self, address: str, reason: str, *, tenant: str = "", lane: str = "", days: int | None = None
    ) -> dict[str, Any]:
        """Put an address on the suppression list: for a tenant's or a lane's mail or all, for days or for good.

        Raises:
            MessageError: it is no address, or the reason is empty or too long.
        """
        wish = {"address": address, "reason": reason, "tenant": tenant, "lane": lane, "days": days}
        found: dict[str, Any] = msgspec.json.decode(self._ask(calls.wish("/v1/suppression", wish)))
        return found

    def lift(self, address: str, reason: str, *, tenant: str = "", lane: str = "") -> dict[str, Any]:
        """Take an entry off the suppression list; the entry that it was. Raises ``NotFound``."""
        wish = {"address": address, "reason": reason, "tenant": tenant, "lane": lane}
        found: dict[str, Any] = msgspec.json.decode(self._ask(calls.wish("/v1/suppression/remove", wish)))
        return found

    def take_back(self, report: bytes) -> dict[str, Any]:
        """Hand in a report or complaint about mail that was sent: ``kind`` (dsn, complaint, nothing) and ``notes`` made of it."""
        found: dict[str, Any] = msgspec.json.decode(self._ask(calls.taken_back(report)))
        return found

    def receipt(self, delivery: str) -> str:
        """The receipt of a delivery, or of the first delivery of a message. Raises ``NotFound``."""
        return self._ask(Call("GET", f"/v1/receipts/{delivery}")).decode()


class AsyncClient(AsyncLink):
    """The same for asyncio; see ``Client`` for what each method does, returns and raises."""

    async def send(
        self,
        message: Content,
        sender: str | None = None,
        recipients: Sequence[str] | None = None,
        lane: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """See ``Client.send``."""
        return calls.accepted(await self._ask(calls.submission(message, sender, recipients, lane, idempotency_key)))

    async def send_many(
        self,
        messages: Iterable[Content],
        sender: str | None = None,
        recipients: Sequence[str] | None = None,
        lane: str | None = None,
    ) -> list[Result]:
        """See ``Client.send_many``."""
        results: list[Result] = []
        for batch in calls.batches(messages, sender, recipients, lane, results):
            waiting, tries = batch, Tries()
            while waiting := calls.settle(waiting, await self._try(calls.batch_call(waiting)), results):
                if (pause_s := tries.pause_s(*failed(results[place] for place in waiting))) is None:
                    break
                await asyncio.sleep(pause_s)
        return results

    async def timeline(self, message_id: str) -> dict[str, Any]:
        """See ``Client.timeline``."""
        found: dict[str, Any] = await self._get(f"/v1/messages/{message_id}")
        return found

    async def wait(self, message_ids: Iterable[str], timeout_s: float = TIMEOUT_S) -> list[dict[str, Any]]:
        """See ``Client.wait``."""
        watch = calls.Watch(message_ids, timeout_s, time.monotonic())
        while waiting := watch.waiting():
            for message_id in waiting:
                watch.see(message_id, await self.timeline(message_id))
            await asyncio.sleep(watch.pause_s(time.monotonic()))
        return watch.timelines()

    async def balance(self) -> dict[str, int]:
        """See ``Client.balance``."""
        found: dict[str, int] = await self._get("/v1/balance")
        return found

    async def status(self) -> dict[str, Any]:
        """See ``Client.status``."""
        found: dict[str, Any] = await self._get("/v1/status")
        return found

    async def in_doubt(self) -> list[dict[str, Any]]:
        """See ``Client.in_doubt``."""
        found: list[dict[str, Any]] = await self._get("/v1/in-doubt")
        return found

    async def doubt(self, doubt_id: str) -> dict[str, Any]:
        """See ``Client.doubt``."""
        found: dict[str, Any] = await self._get(calls.doubt_path(doubt_id))
        return found

    async def resolve(self, doubt_id: str, verdict: str, reason: str) -> dict[str, Any]:
        """See ``Client.resolve``."""
        found: dict[str, Any] = msgspec.json.decode(await self._ask(calls.resolution(doubt_id, verdict, reason)))
        return found

    async def held(self, after: str = "", limit: int = 100, tenant: str | None = None) -> dict[str, Any]:
        """See ``Client.held``."""
        found: dict[str, Any] = await self._get(calls.page("/v1/held", after, limit, tenant))
        return found

    async def quarantined(self, held_id: str) -> dict[str, Any]:
        """See ``Client.quarantined``."""
        found: dict[str, Any] = await self._get(calls.held_path(held_id))
        return found

    async def held_message(self, held_id: str) -> bytes:
        """See ``Client.held_message``."""
        return await self._ask(Call("GET", f"{calls.held_path(held_id)}/message"))

    async def review(self, held_id: str, verdict: str, reason: str, label: str = "") -> dict[str, Any]:
        """See ``Client.review``."""
        found: dict[str, Any] = msgspec.json.decode(await self._ask(calls.review(held_id, verdict, reason, label)))
        return found

    async def reviewed(self, after: str = "", limit: int = 100) -> dict[str, Any]:
        """See ``Client.reviewed``."""
        found: dict[str, Any] = await self._get(calls.page("/v1/held/reviewed", after, limit))
        return found

    async def suppressed(self, after: str = "", limit: int = 1_000) -> dict[str, Any]:
        """See ``Client.suppressed``."""
        found: dict[str, Any] = await self._get(calls.page("/v1/suppression", after, limit))
        return found

    async def suppress(
        self, address: str, reason: str, *, tenant: str = "", lane: str = "", days: int | None = None
    ) -> dict[str, Any]:
        """See ``Client.suppress``."""
        wish = {"address": address, "reason": reason, "tenant": tenant, "lane": lane, "days": days}
        found: dict[str, Any] = msgspec.json.decode(await self._ask(calls.wish("/v1/suppression", wish)))
        return found

    async def lift(self, address: str, reason: str, *, tenant: str = "", lane: str = "") -> dict[str, Any]:
        """See ``Client.lift``."""
        wish = {"address": address, "reason": reason, "tenant": tenant, "lane": lane}
        found: dict[str, Any] = msgspec.json.decode(await self._ask(calls.wish("/v1/suppression/remove", wish)))
        return found

    async def take_back(self, report: bytes) -> dict[str, Any]:
        """See ``Client.take_back``."""
        found: dict[str, Any] = msgspec.json.decode(await self._ask(calls.taken_back(report)))
        return found

    async def receipt(self, delivery: str) -> str:
        """See ``Client.receipt``."""
        return (await self._ask(Call("GET", f"/v1/receipts/{delivery}"))).decode()
