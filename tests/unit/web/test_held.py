"""Held mail over HTTP, without sockets: who may, what a decision must say, and what each path asks for."""

from typing import Any

import httpx
import pytest

from fastemailnet.errors import NotFound
from fastemailnet.web.api import Api
from fastemailnet.web.bodies import MAX_REASON_CHARACTERS
from fastemailnet.web.held import DEFAULT_PAGE_ENTRIES, MAX_PAGE_ENTRIES, Review, held_routes
from tests.unit.web.test_api import Desk

URL = "/v1/held/3-7"
GOOD = {"verdict": "release", "reason": "a customer"}


class Shelf:
    """Holds one mail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str | None]] = []
        self.decided: list[tuple[str, Review]] = []

    async def held(self, after: str, limit: int, tenant: str | None) -> dict[str, Any]:
        self.asked.append((after, limit, tenant))
        return {"entries": [], "next": None}

    async def quarantined(self, held_id: str) -> dict[str, Any]:
        if held_id != "3-7":
            raise NotFound(f"{held_id} is not held any more: it was released before (a customer)")
        return {"id": held_id}

    async def message(self, held_id: str) -> bytes:
        return b"From: a@b.example\r\n\r\n<script>\r\n"

    async def review(self, held_id: str, review: Review) -> dict[str, Any]:
        self.decided.append((held_id, review))
        return await self.quarantined(held_id)

    async def reviewed(self, after: str, limit: int) -> dict[str, Any]:
        return {"entries": [after, limit], "next": None}


async def asked(shelf: Shelf, method: str, path: str = URL, peer: str = "127.0.0.1", **given: Any) -> httpx.Response:
    desk = Desk()
    routes = held_routes(shelf, lambda address: address == "127.0.0.1")
    api = Api(desk, desk, allow=lambda address: True, message_octets=10_000, more=[routes])
    transport = httpx.ASGITransport(api, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        return await http.request(method, path, **given)


async def test_it_is_listed_seen_read_and_decided() -> None:
    shelf = Shelf()
    assert (await asked(shelf, "GET", "/v1/held?after=3-1&limit=7")).status_code == 200
    assert (await asked(shelf, "GET", f"/v1/held?limit={MAX_PAGE_ENTRIES + 1}")).status_code == 200
    assert (await asked(shelf, "GET", "/v1/held?tenant=acme")).status_code == 200
    assert shelf.asked == [("3-1", 7, None), ("", MAX_PAGE_ENTRIES, None), ("", DEFAULT_PAGE_ENTRIES, "acme")]
    assert (await asked(shelf, "GET")).json() == {"id": "3-7"}
    assert (await asked(shelf, "GET", "/v1/held/reviewed?after=3-2&limit=2")).json()["entries"] == ["3-2", 2]
    mail = await asked(shelf, "GET", f"{URL}/message")
    assert (mail.headers["content-type"], mail.headers["x-content-type-options"]) == ("message/rfc822", "nosniff")
    for body in ({**GOOD, "reason": "  a\ncustomer "}, {"verdict": "reject", "reason": "fraud", "label": "phish"}):
        assert (await asked(shelf, "POST", json=body)).status_code == 200
    assert shelf.decided == [("3-7", Review("release", "a customer")), ("3-7", Review("reject", "fraud", "phish"))]


async def test_what_is_decided_says_how() -> None:
    answer = await asked(Shelf(), "POST", "/v1/held/3-8", json=GOOD)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFound")
    assert "it was released before (a customer)" in answer.json()["error"]["what"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/held"), ("GET", f"{URL}/message"), ("POST", URL)])
async def test_who_may_hand_in_mail_may_not_therefore_review(method: str, path: str) -> None:
    shelf = Shelf()
    answer = await asked(shelf, method, path, peer="192.0.2.1", **({"json": GOOD} if method == "POST" else {}))
    assert answer.status_code == 403
    assert "gateway.review_networks" in answer.json()["error"]["what"]
    assert not shelf.decided
    assert not shelf.asked


@pytest.mark.parametrize(
    ("body", "where", "limit"),
    [
        ({**GOOD, "verdict": "retry"}, "verdict", "release, reject"),
        ({"reason": "r"}, "verdict", "release, reject"),
        ({"verdict": "release"}, "reason", f"1 to {MAX_REASON_CHARACTERS} characters"),
        ({**GOOD, "label": "ham"}, "label", "spam, phish"),
        ({**GOOD, "label": "spam"}, "label", "spam, phish"),
        ({"verdict": "reject", "reason": "r", "label": "ham"}, "label", "spam, phish"),
        ({**GOOD, "reasons": "r"}, "request body", ""),
        ([GOOD], "request body", ""),
    ],
)
async def test_a_decision_that_lacks_something_is_refused(body: Any, where: str, limit: str) -> None:
    shelf = Shelf()
    answer = await asked(shelf, "POST", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["where"], error["limit"]) == (422, where, limit)
    assert not shelf.decided


async def test_a_form_of_a_strange_page_decides_nothing() -> None:
    shelf = Shelf()
    answer = await asked(shelf, "POST", headers={"content-type": "text/plain"}, content=b'{"verdict":"release"}')
    assert answer.status_code == 415
    assert not shelf.decided
