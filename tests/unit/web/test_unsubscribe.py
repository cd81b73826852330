"""One-click unsubscription over HTTP, without sockets: whoever has the token may, only a POST does it, nothing is taken for it."""

from typing import Any

import httpx
import pytest

from fastemailnet.delivery.unsubscription import KEY_OCTETS, Leaving, Seal
from fastemailnet.envelope import Lane
from fastemailnet.web.api import Api
from fastemailnet.web.unsubscribe import MAX_CLICK_OCTETS, is_one_click, unsubscribe_routes
from tests.unit.web.test_api import Desk

SEAL = Seal(bytes(KEY_OCTETS))
LEAVING = Leaving(bytes(16), "shop", Lane.BULK, "ann@mail.example")
URL = f"/v1/unsubscribe/{SEAL.token(LEAVING)}"
PARTS = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
CLICK = {"List-Unsubscribe": "One-Click"}


class Leavers:
    """Remembers them."""

    def __init__(self) -> None:
        self.left: list[Leaving] = []

    async def unsubscribe(self, leaving: Leaving) -> None:
        self.left.append(leaving)


async def asked(leavers: Leavers, method: str, path: str = URL, **given: Any) -> httpx.Response:
    desk, public = Desk(), [unsubscribe_routes(SEAL, leavers)]
    api = Api(desk, desk, allow=lambda address: address == "127.0.0.1", message_octets=10_000, public=public)
    transport = httpx.ASGITransport(api, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        return await http.request(method, path, **given)


@pytest.mark.parametrize("given", [{"data": CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}])
async def test_a_stranger_with_the_token_unsubscribes(given: dict[str, Any]) -> None:
    leavers = Leavers()
    answer = await asked(leavers, "POST", **given)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "unsubscribed" in answer.text
    assert leavers.left == [LEAVING]
    assert (await asked(leavers, "GET", "/v1/balance")).status_code == 403


async def test_to_look_changes_nothing_and_shows_a_form_that_posts_what_one_click_does() -> None:
    leavers = Leavers()
    answer = await asked(leavers, "GET")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">' in answer.text
    assert not any(word in answer.text for word in ("script", "http", "ann@"))
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert not leavers.left


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_forged_token_is_not_found(method: str) -> None:
    leavers, forged = Leavers(), URL[:-1] + ("A" if URL[-1] != "A" else "B")
    answer = await asked(leavers, method, forged, data=CLICK)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFound")
    assert not leavers.left


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Two-Click", b"a=" + b"x" * MAX_CLICK_OCTETS])
async def test_another_body_is_refused(body: bytes) -> None:
    leavers = Leavers()
    answer = await asked(leavers, "POST", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["error"]["where"]) == (422, "request body")
    assert not leavers.left


@pytest.mark.parametrize(
    ("content_type", "body", "is_it"),
    [
        (MULTIPART["content-type"], PARTS, True),
        ('Multipart/Form-Data; boundary="x"', PARTS, True),
        (MULTIPART["content-type"], PARTS.replace(b"One-", b"Two-"), False),
        (MULTIPART["content-type"], PARTS.replace(b"List-", b"Lost-"), False),
        ("multipart/form-data", PARTS, False),
        ("multipart/\xfc; boundary*0*=\xff''%ff", b"\xff\x00", False),
        ("", b"List-Unsubscribe=One-Click", True),
        ("application/x-www-form-urlencoded", b"a=b&List-Unsubscribe=One-Click", True),
        ("application/x-www-form-urlencoded", b"\xff&&;%", False),
    ],
)
def test_both_forms_of_the_body_are_read(content_type: str, body: bytes, is_it: bool) -> None:
    assert is_one_click(content_type, body) is is_it
