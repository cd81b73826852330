"""The bound on what the gateway holds of requests, and whom a batch holds up."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

from fastemailnet.admission.submission import Accepted, Submission
from fastemailnet.envelope import Lane
from fastemailnet.web.permit import Entry
from fastemailnet.web.submit import MAILS_A_TURN, Submit


async def test_a_batch_lets_others_in_before_it_is_done() -> None:
    taken: list[str] = []

    class Submitter:
        async def submit(self, submission: Submission) -> Accepted:
            taken.append(submission.recipients[0])
            return Accepted("id", 1, 1, Lane.BULK)

    async def post(mails: list[dict[str, str]]) -> int:
        statuses: list[int] = []
        body = json.dumps({"messages": mails} if len(mails) > 1 else mails[0]).encode()

        async def receive() -> MutableMapping[str, Any]:
            if len(mails) == 1:  # its body comes while the batch is being taken
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: MutableMapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                statuses.append(event["status"])

        await app({"query_string": b"", "headers": [(b"content-type", b"application/json")]}, receive, send)
        return statuses[0]

    def mail(to: str) -> dict[str, str]:
        return {"from": "a@example.org", "to": to, "text": "hello"}

    app = Submit(Submitter(), Entry(lambda peer: True), message_octets=1_000_000, pending_octets=1_000_000)
    batch = asyncio.create_task(post([mail("many@example.org")] * 10 * MAILS_A_TURN))
    alone = asyncio.create_task(post([mail("one@example.org")]))
    assert await batch == await alone == 202
    assert len(taken) == 10 * MAILS_A_TURN + 1
    assert taken.index("one@example.org") <= 4 * MAILS_A_TURN
