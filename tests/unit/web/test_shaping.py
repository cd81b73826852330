"""Shaping over HTTP, without sockets: who may, and what a person's word must say."""

from typing import Any

import httpx
import pytest

from fastemailnet.delivery.shaping.frames import Of, Scope
from fastemailnet.web.api import Api
from fastemailnet.web.shaping import MAX_SECONDS, shaping_routes
from tests.unit.web.test_api import Desk

GOOD = {"target": "x.example", "reason": "they asked"}


class Book:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def standing(self) -> dict[str, Any]:
        return {"standing": []}

    async def site(self, domain: str, tenant: str | None) -> dict[str, Any]:
        return {"domain": domain, "tenant": tenant}

    async def suspend(self, scope: Scope, reason: str, seconds: float | None) -> dict[str, Any]:
        self.told.append((scope, reason, seconds))
        return {}

    async def resume(self, scope: Scope, reason: str) -> dict[str, Any]:
        self.told.append((scope, reason))
        return {}


async def asked(book: Book, method: str, path: str = "", peer: str = "127.0.0.1", **given: Any) -> httpx.Response:
    desk = Desk()
    routes = shaping_routes(book, lambda address: address == "127.0.0.1")
    api = Api(desk, desk, allow=lambda address: True, message_octets=10_000, more=[routes])
    transport = httpx.ASGITransport(api, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        return await http.request(method, f"/v1/shaping{path}", **given)


async def test_what_holds_is_told() -> None:
    assert (await asked(Book(), "GET")).json() == {"standing": []}
    assert (await asked(Book(), "GET", "/sites/B%C3%BCcher.Example")).json() == {
        "domain": "xn--bcher-kva.example",
        "tenant": None,
    }
    assert (await asked(Book(), "GET", "/sites/x.example?tenant=a%26b")).json() == {
        "domain": "x.example",
        "tenant": "a&b",
    }
    assert (await asked(Book(), "GET", "/sites/no%20domain")).status_code == 422


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({}, Scope(Of.DOMAIN, "x.example")),
        ({"target": "Bücher.example."}, Scope(Of.DOMAIN, "xn--bcher-kva.example")),
        ({"target": "[192.0.2.1]"}, Scope(Of.DOMAIN, "[192.0.2.1]")),
        ({"target": "site:(a|b).mx.test", "lane": "BULK"}, Scope(Of.SITE, "(a|b).mx.test", "", "bulk")),
        ({"target": "provider:Big Mail", "tenant": "acme"}, Scope(Of.PROVIDER, "Big Mail", "acme")),
        ({"target": "all"}, Scope(Of.ALL)),
    ],
)
async def test_a_target_is_a_domain_a_site_a_provider_or_all(given: dict[str, Any], scope: Scope) -> None:
    book = Book()
    assert (await asked(book, "POST", "/suspend", json={**GOOD, **given, "seconds": 60})).status_code == 200
    assert (await asked(book, "POST", "/resume", json={**GOOD, **given})).status_code == 200
    assert book.told == [(scope, "they asked", 60.0), (scope, "they asked")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": ""},
        {"target": "site:"},
        {"target": "no domain"},
        {"target": "provider:" + "a" * 300},
        {"target": "provider:a\nb"},
        {"reason": " "},
        {"reason": "a" * 401},
        {"lane": "fast"},
        {"tenant": "a\tb"},
        {"seconds": 0},
        {"seconds": MAX_SECONDS + 1},
        {"seconds": "long"},
        {"until": 7},
    ],
)
async def test_a_wrong_wish_is_refused(wrong: dict[str, Any]) -> None:
    book = Book()
    assert (await asked(book, "POST", "/suspend", json={**GOOD, **wrong})).status_code == 422
    assert book.told == []


async def test_it_must_be_declared_as_json_and_come_from_a_network_that_may() -> None:
    book = Book()
    for path in ("/suspend", "/resume"):
        assert (await asked(book, "POST", path, content=b"{}")).status_code == 415
        assert (
            await asked(book, "POST", path, content=b"{", headers={"content-type": "application/json"})
        ).status_code == 422
        assert (await asked(book, "POST", path, peer="192.0.2.1", json=GOOD)).status_code == 403
    assert (await asked(book, "GET", peer="192.0.2.1")).status_code == 403
    assert book.told == []
