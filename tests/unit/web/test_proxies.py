"""Whose request it is behind a proxy, and what he may do, without sockets."""

import httpx
import pytest

from fastemailnet.admission.connections import ClientLimits
from fastemailnet.admission.networks import Networks
from fastemailnet.net.clients import Clients
from fastemailnet.web.api import Api
from fastemailnet.web.proxies import Proxies
from tests.unit.web.test_api import RAW, Desk

ALLOWED = Networks(["127.0.0.0/8", "::1/128", "10.0.0.0/8"]).allow
FAR, NEAR, PROXY = "203.0.113.9", "10.1.2.3", "127.0.0.1"
Fields = list[tuple[str, str]]


def anybody(at_once: int = 0) -> Clients:
    """Of clients near and far, ``at_once`` requests of each."""
    return Clients("HTTP", ClientLimits(at_once), lambda peer: False)


async def statuses(trusted: list[str], peer: str, *fields: tuple[str, str]) -> tuple[int, int, int]:
    """Of a submission, of a question, and of what is for everybody."""
    desk = Desk()
    api = Api(desk, desk, allow=ALLOWED, message_octets=10_000)
    transport = httpx.ASGITransport(Proxies(api, trusted, anybody()), client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
        sent = await http.post("/v1/messages", content=RAW, headers=[("content-type", "message/rfc822"), *fields])
        asked = await http.get("/v1/balance", headers=list(fields))
        if 403 in (sent.status_code, asked.status_code):
            assert sent.status_code == asked.status_code == 403
            assert "relay_networks" in sent.text
        return sent.status_code, asked.status_code, (await http.get("/healthz", headers=list(fields))).status_code


YES, NO = (202, 200, 200), (403, 403, 200)


@pytest.mark.parametrize(
    ("trusted", "peer", "fields", "expected"),
    [
        # no proxy has been there
        ([], PROXY, [], YES),
        ([PROXY], PROXY, [], YES),
        ([PROXY], FAR, [], NO),
        # a proxy that nobody named
        ([], PROXY, [("x-forwarded-for", FAR)], NO),
        ([], PROXY, [("x-forwarded-for", NEAR)], NO),
        ([], PROXY, [("Forwarded", "for=10.1.2.3")], NO),
        ([], PROXY, [("X-Real-IP", NEAR)], NO),
        ([PROXY], FAR, [("x-forwarded-for", NEAR)], NO),
        # one that was named
        ([PROXY], PROXY, [("x-forwarded-for", NEAR)], YES),
        ([PROXY], PROXY, [("x-forwarded-for", FAR)], NO),
        (["127.0.0.0/8", "::1/128"], "::1", [("X-Forwarded-For", NEAR), ("X-Real-IP", FAR)], YES),
        ([PROXY], PROXY, [("x-forwarded-for", f"[{'::1'}]:4711")], YES),
        # what the client said himself stands left of it
        ([PROXY], PROXY, [("x-forwarded-for", f"{NEAR}, {FAR}")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", NEAR), ("x-forwarded-for", FAR)], NO),
        ([PROXY], PROXY, [("x-forwarded-for", f"{PROXY}, {FAR}")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", f"{FAR}, {NEAR}")], YES),
        # two proxies in a row
        ([PROXY, "10.9.9.9"], PROXY, [("x-forwarded-for", f"{NEAR}, {FAR}, 10.9.9.9")], NO),
        # a dual-stack socket says an IPv4 address in IPv6: to us, or to a proxy that names the one before it
        (["127.0.0.0/8", "10.9.9.9"], "::ffff:127.0.0.1", [("x-forwarded-for", NEAR)], YES),
        ([PROXY], PROXY, [("x-forwarded-for", f"{FAR}, ::ffff:{PROXY}")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", f"{FAR}, [::ffff:{PROXY}]:4711")], NO),
        (["127.0.0.0/8", "10.9.9.9"], PROXY, [("x-forwarded-for", f"{FAR}, ::ffff:a09:909")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", f"{FAR}, ::ffff:{NEAR}")], YES),
        # nothing that names anybody
        ([PROXY], PROXY, [("x-forwarded-for", "")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", f"{NEAR}, ")], NO),
        ([PROXY], PROXY, [("x-forwarded-for", "unknown")], NO),
        ([PROXY], PROXY, [("forwarded", "for=10.1.2.3")], NO),
    ],
)
async def test_who_is_behind_a_proxy_counts(
    trusted: list[str], peer: str, fields: Fields, expected: tuple[int, int, int]
) -> None:
    assert await statuses(trusted, peer, *fields) == expected
