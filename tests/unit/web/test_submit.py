"""The bound on what the gateway holds of requests, and whom a batch holds up."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from fastemailnet.admission.submission import Accepted, Submission
from fastemailnet.envelope import Lane
from fastemailnet.errors import LimitExceeded
from fastemailnet.web.permit import Entry
from fastemailnet.web.submit import MAILS_A_TURN, Intake, Submit


def test_requests_over_the_limit_are_refused_until_others_are_done():
    intake = Intake(100)
    first = intake.grow(0, 60)
    with pytest.raises(LimitExceeded):
        intake.grow(0, 41)
    second = intake.grow(0, 30)
    with pytest.raises(LimitExceeded):
        intake.grow(second, 41)
    second = intake.grow(second, 40)
    assert intake.octets == 100
    intake.grow(first, 0)
    assert intake.grow(0, 60) == 60


def test_a_lone_request_is_served_however_large():
    intake = Intake(100)
    assert intake.grow(0, 1_000) == 1_000
    assert intake.grow(1_000, 0) == intake.octets == 0


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
