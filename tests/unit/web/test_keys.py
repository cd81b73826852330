"""A tenant's key over HTTP: whose mail it makes a submission, what may be asked with it, and what not."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from fastemailnet.admission.submission import Accepted, Submission
from fastemailnet.envelope import Lane
from fastemailnet.errors import KeyRefused, NotFound, SenderDenied
from fastemailnet.ledger import receipt
from fastemailnet.web import own
from fastemailnet.web.api import Api
from fastemailnet.web.calls import made_again

RAW = b"From: a@shop.example\r\nTo: x@mail.example\r\nSubject: s\r\n\r\nbody\r\n"
KEYS = {"key-a": "acme", "key-g": "globex"}
OF_ACME, OF_DEFAULT, UNKNOWN = ("01HF7YAT00" + mark * 16 for mark in "0AB")
OWNERS = {OF_ACME: "acme", OF_DEFAULT: "default"}
HOME, FAR = "127.0.0.1", "192.0.2.1"
Ask = Callable[..., Awaitable[httpx.Response]]


class Desk:
    """Takes submissions, and knows one message of a tenant and one of nobody's."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []

    async def submit(self, submission: Submission) -> Accepted:
        if b"bank.example" in submission.message:
            raise SenderDenied("ceo@bank.example", "From", submission.tenant, "acme.example")
        self.taken.append(submission)
        return Accepted(OF_ACME, 1, 1, Lane.STANDARD)

    async def timeline(self, message_id: str) -> dict[str, Any]:
        if message_id not in OWNERS:
            raise NotFound(f"no message {message_id}")
        return {"id": message_id, "deliveries": [{"tenant": OWNERS[message_id]}]}

    async def receipt(self, delivery: str) -> str:
        return str(await self.timeline(delivery))

    async def balance(self) -> dict[str, int]:
        return {"accepted": 3}

    async def in_doubt(self) -> list[dict[str, Any]]:
        return []

    async def status(self) -> dict[str, Any]:
        return {}

    async def doubt(self, doubt_id: str) -> dict[str, Any]:
        raise AssertionError(doubt_id)

    async def resolve(self, doubt_id: str, *verdict: Any) -> dict[str, Any]:
        raise AssertionError(doubt_id)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def ask(desk: Desk) -> Ask:
    async def ask(
        method: str, path: str, key: str = "", peer: str = FAR, scheme: str = "Bearer", **given: Any
    ) -> httpx.Response:
        api = Api(
            desk,
            desk,
            allow=lambda address: address == HOME,
            tenant_of=lambda key, peer: KEYS.get(key),
            message_octets=10_000,
        )
        headers = {"Content-Type": "message/rfc822"} | ({"Authorization": f"{scheme} {key}"} if key else {})
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(api, client=(peer, 1)), base_url="http://gateway.example", headers=headers
        ) as http:
            return await http.request(method, path, **given)

    return ask


@pytest.mark.parametrize(
    ("key", "peer", "scheme", "status", "tenants"),
    [
        ("key-a", FAR, "Bearer", 202, ["acme"]),
        ("key-g", FAR, "bearer", 202, ["globex"]),
        ("key-a", HOME, "Bearer", 202, ["acme"]),
        ("", HOME, "", 202, ["default"]),
        ("", FAR, "", 403, []),
        ("wrong", FAR, "Bearer", 401, []),
        ("wrong", HOME, "Bearer", 401, []),
        ("key-a", FAR, "Basic", 403, []),
        ("key-a", HOME, "Basic", 202, ["default"]),
    ],
)
async def test_the_key_names_the_tenant(
    ask: Ask, desk: Desk, key: str, peer: str, scheme: str, status: int, tenants: list[str]
) -> None:
    answer = await ask("POST", "/v1/messages", key, peer, scheme, content=RAW)
    assert answer.status_code == status
    assert [submission.tenant for submission in desk.taken] == tenants


async def test_json_and_batches_are_the_tenants_too(ask: Ask, desk: Desk) -> None:
    mail = {"raw": base64.b64encode(RAW).decode()}
    denied = {"raw": base64.b64encode(RAW.replace(b"shop.example", b"bank.example")).decode()}
    json = {"Content-Type": "application/json"}
    assert (await ask("POST", "/v1/messages", "key-a", json=mail, headers=json)).status_code == 202
    answer = await ask("POST", "/v1/messages", "key-a", json={"messages": [mail, mail, denied]}, headers=json)
    assert (answer.status_code, answer.json()["accepted"]) == (207, 2)
    assert answer.json()["messages"][2]["error"]["type"] == "SenderDenied"
    assert [submission.tenant for submission in desk.taken] == ["acme"] * 3


async def test_a_wrong_key_is_told_and_does_not_stand_in_the_answer(ask: Ask) -> None:
    for method, path in (
        ("POST", "/v1/messages"),
        ("GET", f"/v1/messages/{OF_ACME}"),
        ("GET", f"/v1/receipts/{OF_ACME}"),
    ):
        answer = await ask(method, path, "wrong")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="FastEmailNet"')
        assert isinstance(made_again(answer.json()["error"]), KeyRefused)
        assert "wrong" not in answer.text


async def test_a_sender_of_another_domain_is_forbidden(ask: Ask) -> None:
    answer = await ask("POST", "/v1/messages", "key-a", content=RAW.replace(b"shop.example", b"bank.example"))
    assert answer.status_code == 403
    assert isinstance(made_again(answer.json()["error"]), SenderDenied)


@pytest.mark.parametrize(
    ("message", "key", "peer", "status"),
    [
        (OF_ACME, "key-a", FAR, 200),
        (OF_ACME, "key-g", FAR, 404),
        (OF_DEFAULT, "key-a", FAR, 404),
        (UNKNOWN, "key-a", FAR, 404),
        (OF_DEFAULT, "", FAR, 403),
        (OF_DEFAULT, "", HOME, 200),
        (OF_DEFAULT, "key-a", HOME, 200),
    ],
)
@pytest.mark.parametrize("path", ["messages", "receipts"])
async def test_a_tenant_sees_its_own_mail_alone(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, path: str, message: str, key: str, peer: str, status: int
) -> None:
    monkeypatch.setattr(own, "tenant_of", lambda text: next(owner for owner in OWNERS.values() if owner in text))
    answer = await ask("GET", f"/v1/{path}/{message}", key, peer)
    assert answer.status_code == status
    if status == 404:  # no word by which other mail could be told from none
        assert answer.json()["error"]["what"] == f"no message {message}"


@pytest.mark.parametrize("path", ["balance", "status", "in-doubt", "in-doubt/3-7"])
async def test_a_key_opens_nothing_else(ask: Ask, path: str) -> None:
    assert (await ask("GET", f"/v1/{path}", "key-a")).status_code == 403


def test_the_tenant_of_a_receipt_is_the_one_that_it_opens() -> None:
    assert own.tenant_of is receipt.tenant_of
