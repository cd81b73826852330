"""Attempts in doubt over HTTP, without sockets: what a decision must say, and how it is refused."""

from typing import Any

import httpx
import pytest

from fastemailnet.flashsync.frames import OF_DOUBT, Verdict
from fastemailnet.web.api import Api
from fastemailnet.web.bodies import MAX_BODY_OCTETS, MAX_REASON_CHARACTERS
from tests.unit.web.test_api import Desk

URL = "/v1/in-doubt/3-7"
GOOD = {"verdict": "retry", "reason": "not in their log"}


async def asked(desk: Desk, method: str, path: str = URL, peer: str = "127.0.0.1", **given: Any) -> httpx.Response:
    api = Api(desk, desk, allow=lambda address: address == "127.0.0.1", message_octets=10_000)
    transport = httpx.ASGITransport(api, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        return await http.request(method, path, **given)


async def test_one_is_seen_and_decided() -> None:
    desk = Desk()
    assert (await asked(desk, "GET")).json() == {"id": "3-7"}
    answer = await asked(desk, "POST", json={"verdict": "assume-relayed", "reason": "  seen in\ntheir log "})
    assert (answer.status_code, answer.json()) == (200, {"id": "3-7"})
    assert desk.decided == [("3-7", Verdict.ASSUME_RELAYED, "seen in their log")]


@pytest.mark.parametrize("verdict", OF_DOUBT)
async def test_every_verdict_is_taken(verdict: Verdict) -> None:
    desk = Desk()
    assert (await asked(desk, "POST", json={"verdict": verdict.value, "reason": "r"})).status_code == 200
    assert desk.decided == [("3-7", verdict, "r")]


@pytest.mark.parametrize(
    ("body", "where", "limit"),
    [
        ({**GOOD, "verdict": "hold"}, "verdict", "ask, retry, assume-relayed, bounce"),
        ({**GOOD, "verdict": "release"}, "verdict", "ask, retry, assume-relayed, bounce"),
        ({"reason": "r"}, "verdict", "ask, retry, assume-relayed, bounce"),
        ({"verdict": "retry"}, "reason", f"1 to {MAX_REASON_CHARACTERS} characters"),
        ({**GOOD, "reason": " \n"}, "reason", f"1 to {MAX_REASON_CHARACTERS} characters"),
        ({**GOOD, "reason": "x" * (MAX_REASON_CHARACTERS + 1)}, "reason", f"{MAX_REASON_CHARACTERS} characters"),
        ({**GOOD, "reason": 7}, "request body", ""),
        ({**GOOD, "reasons": "r"}, "request body", ""),
        ([GOOD], "request body", ""),
        ({**GOOD, "reason": "x" * MAX_BODY_OCTETS}, "request body", f"{MAX_BODY_OCTETS} octets"),
    ],
)
async def test_a_decision_that_lacks_something_is_refused_with_what_is_allowed(
    body: Any, where: str, limit: str
) -> None:
    desk = Desk()
    answer = await asked(desk, "POST", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["where"], error["limit"]) == (422, where, limit)
    assert error["what"]
    assert not desk.decided


async def test_the_longest_reason_is_taken() -> None:
    desk = Desk()
    answer = await asked(desk, "POST", json={"verdict": "bounce", "reason": "ü" * MAX_REASON_CHARACTERS})
    assert answer.status_code == 200


@pytest.mark.parametrize("content", [b"{", b"\xff", b""])
async def test_what_is_no_json_is_refused(content: bytes) -> None:
    desk = Desk()
    answer = await asked(desk, "POST", headers={"content-type": "application/json"}, content=content)
    assert (answer.status_code, answer.json()["error"]["where"]) == (422, "request body")


async def test_what_is_not_declared_as_json_is_refused() -> None:
    desk = Desk()
    answer = await asked(
        desk, "POST", headers={"content-type": "text/plain"}, content=b'{"verdict":"retry","reason":"r"}'
    )
    assert (answer.status_code, answer.json()["error"]["limit"]) == (415, "application/json")
    assert not desk.decided


async def test_what_is_not_in_doubt_any_more_is_not_found() -> None:
    for method, given in (("GET", {}), ("POST", {"json": GOOD})):
        answer = await asked(Desk(), method, "/v1/in-doubt/3-8", **given)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFound")
        assert "not in doubt" in answer.json()["error"]["what"]


async def test_strangers_neither_see_nor_decide() -> None:
    desk = Desk()
    for method, given in (("GET", {}), ("POST", {"json": GOOD})):
        assert (await asked(desk, method, peer="192.0.2.1", **given)).status_code == 403
    assert not desk.decided
