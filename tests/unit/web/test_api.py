"""The HTTP API without sockets: what a request becomes, and how each error is answered."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from fastemailnet.admission.submission import Accepted, Submission
from fastemailnet.envelope import Lane
from fastemailnet.errors import (
    AddressError,
    FastEmailNetError,
    FleetError,
    IdempotencyConflict,
    LedgerConflict,
    LimitExceeded,
    LogAppendUnknown,
    LogError,
    MessageError,
    NotFound,
    RelayDenied,
)
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.web.api import Api
from fastemailnet.web.calls import made_again

RAW = b"From: a@shop.example\r\nTo: x@mail.example\r\nSubject: s\r\n\r\nbody\r\n"
ID = "01HF7YAT00" + "0" * 16


class Desk:
    """Takes submissions and answers questions from memory."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []
        self.decided: list[tuple[str, Verdict, str]] = []
        self.error: FastEmailNetError | None = None

    async def submit(self, submission: Submission) -> Accepted:
        if self.error is not None and b"fine" not in submission.message:
            raise self.error
        self.taken.append(submission)
        return Accepted(ID, 1, len(submission.recipients), submission.lane or Lane.STANDARD)

    async def timeline(self, message_id: str) -> dict[str, Any]:
        if message_id != ID:
            raise NotFound(f"no message {message_id}")
        return {"id": message_id, "deliveries": []}

    async def balance(self) -> dict[str, int]:
        return {"accepted": 3, "difference": 0}

    async def in_doubt(self) -> list[dict[str, Any]]:
        return [{"message": ID}]

    async def doubt(self, doubt_id: str) -> dict[str, Any]:
        if doubt_id != "3-7":
            raise NotFound(f"attempt {doubt_id} is not in doubt (any more)")
        return {"id": doubt_id}

    async def resolve(self, doubt_id: str, verdict: Verdict, reason: str) -> dict[str, Any]:
        entry = await self.doubt(doubt_id)
        self.decided.append((doubt_id, verdict, reason))
        return entry

    async def status(self) -> dict[str, Any]:
        raise FleetError("coordinator cannot be reached")

    async def receipt(self, delivery: str) -> str:
        return f"receipt of {delivery}\n"


@pytest.fixture
def desk() -> Desk:
    return Desk()


Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def ask(desk: Desk) -> Ask:
    async def ask(method: str, path: str, peer: str = "127.0.0.1", **given: Any) -> httpx.Response:
        api = Api(
            desk, desk, allow=lambda address: address == "127.0.0.1", message_octets=10_000, pending_octets=50_000
        )
        transport = httpx.ASGITransport(api, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
            return await http.request(method, path, **given)

    return ask


MIME = {"Content-Type": "message/rfc822"}


async def test_a_raw_message_with_its_envelope_in_fields(ask: Ask, desk: Desk):
    headers = [
        ("content-type", "message/rfc822; charset=utf-8"),
        ("x-envelope-from", "<b@shop.example>"),
        ("x-envelope-to", "x@mail.example"),
        ("x-envelope-to", "y@mail.example, z@mail.example"),
        ("x-fen-lane", "bulk"),
        ("idempotency-key", "k-1"),
    ]
    answer = await ask("POST", "/v1/messages", headers=headers, content=RAW)
    assert answer.status_code == 202
    assert answer.json() == {"id": ID, "units": 1, "recipients": 3, "lane": "bulk", "replayed": False}
    to = ("x@mail.example", "y@mail.example", "z@mail.example")
    assert desk.taken == [Submission(RAW, "b@shop.example", to, Lane.BULK, "k-1")]


async def test_a_raw_message_with_its_envelope_in_the_query(ask: Ask, desk: Desk):
    path = "/v1/messages?from=&to=x%2Btag@mail.example&to=y@mail.example&lane=transactional&idempotency_key=k"
    await ask("POST", path, headers=MIME, content=RAW)
    assert desk.taken == [
        Submission(RAW, "", ("x+tag@mail.example", "y@mail.example"), Lane.TRANSACTIONAL, "k"),
    ]


async def test_a_raw_message_alone_names_its_envelope_and_may_have_the_line_ends_of_a_file(ask: Ask, desk: Desk):
    await ask("POST", "/v1/messages", headers=MIME, content=RAW.replace(b"\r\n", b"\n"))
    assert desk.taken == [Submission(RAW, "a@shop.example", ("x@mail.example",))]


async def test_mixed_line_ends_are_left_for_admission_to_refuse(ask: Ask, desk: Desk):
    mixed = RAW + b"bare\n.\n"
    await ask("POST", "/v1/messages", headers=MIME, content=mixed)
    assert desk.taken[0].message == mixed


async def test_json_builds_a_message(ask: Ask, desk: Desk):
    mail = {
        "from": "Shop <a@shop.example>",
        "to": "x@mail.example",
        "cc": ["J\u00f6rg <y@mail.example>"],
        "bcc": ["z@mail.example"],
        "subject": "hello",
        "text": "plain",
        "html": "<p>rich</p>",
        "headers": {"X-Order": "7"},
        "attachments": [{"filename": "a.txt", "content": base64.b64encode(b"octets").decode()}],
        "idempotency_key": "k",
        "lane": "bulk",
    }
    assert (await ask("POST", "/v1/messages", json=mail)).status_code == 202
    (taken,) = desk.taken
    assert (taken.reverse_path, taken.lane, taken.idempotency_key) == ("a@shop.example", Lane.BULK, "k")
    assert taken.recipients == ("x@mail.example", "y@mail.example", "z@mail.example")
    assert taken.message.startswith(b"Cc: =?utf-8?q?J=C3=B6rg?= <y@mail.example>\r\n")
    for part in (b"From: Shop <a@shop.example>", b"X-Order: 7", b"plain", b"<p>rich</p>", base64.b64encode(b"octets")):
        assert part in taken.message
    assert b"z@mail.example" not in taken.message


async def test_json_carries_a_finished_message_and_the_request_gives_the_key(ask: Ask, desk: Desk):
    mail = {"raw": base64.b64encode(RAW).decode()}
    await ask("POST", "/v1/messages", json=mail, headers={"Idempotency-Key": "k", "X-FEN-Lane": "bulk"})
    assert desk.taken == [Submission(RAW, "a@shop.example", ("x@mail.example",), Lane.BULK, "k")]


async def test_a_batch_has_one_result_a_message_in_order(ask: Ask, desk: Desk):
    desk.error = MessageError("what", "where", "limit")
    mails = [{"raw": base64.b64encode(raw).decode()} for raw in (RAW + b"fine", RAW, RAW + b"fine")]
    answer = await ask("POST", "/v1/messages", json={"messages": mails})
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 2
    assert ["error" in result for result in answer.json()["messages"]] == [False, True, False]
    desk.error = None
    assert (await ask("POST", "/v1/messages", json={"messages": mails})).status_code == 202


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "not the JSON of a message"),
        (b"\xff", "not the JSON of a message"),
        (b'{"form": "a@shop.example"}', "unknown field `form`"),
        (b'{"from": "a@shop.example", "text": "t"}', "no recipient"),
        (b'{"to": "a@shop.example", "text": "t"}', "0 addresses"),
        (b'{"from": "a@shop.example", "to": "b@shop.example"}', "neither text nor html"),
        (b'{"from": "a@shop.example", "to": "b@shop.example", "text": "t", "lane": "fast"}', "no lane is named"),
        (b'{"raw": "%%%"}', "not the JSON of a message"),
    ],
)
async def test_broken_json_is_refused_with_what_is_wrong(ask: Ask, desk: Desk, body: bytes, what: str):
    answer = await ask("POST", "/v1/messages", headers={"Content-Type": "application/json"}, content=body)
    assert answer.status_code == 422
    assert what in answer.json()["error"]["what"]
    assert not desk.taken


async def test_other_media_and_too_large_bodies_are_refused(ask: Ask, desk: Desk):
    answer = await ask("POST", "/v1/messages", headers={"Content-Type": "text/html"}, content=b"<p>")
    assert (answer.status_code, answer.json()["error"]["where"]) == (415, "Content-Type")
    answer = await ask("POST", "/v1/messages", headers=MIME, content=b"x" * 20_001)
    assert (answer.status_code, answer.json()["error"]["limit"]) == (413, "20000 octets")

    async def endless() -> Any:
        for _ in range(3):
            yield b"x" * 10_000

    answer = await ask("POST", "/v1/messages", headers=MIME, content=endless())
    assert (answer.status_code, answer.json()["error"]["limit"]) == (413, "20000 octets")
    assert not desk.taken


async def test_a_body_without_length_is_taken_whole(ask: Ask, desk: Desk):
    async def parts() -> Any:
        yield RAW[:10]
        yield RAW[10:]

    assert (await ask("POST", "/v1/messages", headers=MIME, content=parts())).status_code == 202
    assert desk.taken[0].message == RAW


@pytest.mark.parametrize("path", ["/v1/balance", f"/v1/messages/{ID}", "/v1/status", "/v1/receipts/x", "/v1/in-doubt"])
async def test_strangers_may_neither_submit_nor_ask(ask: Ask, desk: Desk, path: str):
    for method, where in (("POST", "/v1/messages"), ("GET", path)):
        answer = await ask(method, where, peer="192.0.2.1", headers=MIME, content=RAW)
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "RelayDenied")
    assert not desk.taken
    assert (await ask("GET", "/healthz", peer="192.0.2.1")).status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MessageError("what", "where", "limit"), 422),
        (AddressError("what", "where"), 422),
        (IdempotencyConflict("key", ID), 409),
        (LimitExceeded("octets waiting", 10, 5), 429),
        (RelayDenied("192.0.2.1"), 403),
        (LogError("disk full"), 503),
        (LogAppendUnknown("disk gone"), 503),
        (FleetError("no coordinator"), 503),
        (LedgerConflict("another writer"), 500),
    ],
)
async def test_each_error_has_a_status_and_can_be_made_again_from_its_answer(
    ask: Ask, desk: Desk, error: FastEmailNetError, status: int
):
    desk.error = error
    answer = await ask("POST", "/v1/messages", headers=MIME, content=RAW)
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == error.retriable
    again = made_again(msgspec.json.decode(answer.content)["error"])
    assert (type(again), again.args) == (type(error), error.args)


async def test_the_read_side(ask: Ask):
    assert (await ask("GET", f"/v1/messages/{ID}")).json() == {"id": ID, "deliveries": []}
    assert (await ask("GET", "/v1/balance")).json() == {"accepted": 3, "difference": 0}
    assert (await ask("GET", "/v1/in-doubt")).json() == [{"message": ID}]
    receipt = await ask("GET", f"/v1/receipts/{ID}")
    assert (receipt.text, receipt.headers["content-type"]) == (f"receipt of {ID}\n", "text/plain; charset=utf-8")
    down = await ask("GET", "/v1/status")
    assert (down.status_code, down.headers["retry-after"]) == (503, "1")


async def test_what_no_path_answers_is_an_error_like_any_other(ask: Ask):
    answer = await ask("GET", "/v1/nope")
    assert (answer.status_code, answer.json()["error"]["what"]) == (404, "nothing answers GET /v1/nope")
    method = await ask("DELETE", "/v1/balance")
    assert (method.status_code, method.json()["error"]["what"]) == (405, "nothing answers DELETE /v1/balance")


@pytest.mark.parametrize("path", ["/v1/messages/nonsense", f"/v1/messages/{ID[:-1]}1", "/v1/receipts/U"])
async def test_an_unknown_or_impossible_id_is_not_found(ask: Ask, path: str):
    answer = await ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFound")
