"""Log-ins that fail are counted for their address, over connections and over HTTP and SMTP alike; who is near is spared."""

import base64
import smtplib
from pathlib import Path

import httpx
import pytest

from fastemailnet.client import AsyncClient
from fastemailnet.errors import LogInsBarred
from fastemailnet.web import tries
from tests.integration.gateway_world import World
from tests.integration.test_a_key_names_the_tenant import ACME, NOBODY_NEAR, RAW, by_smtplib, gateway, mails

FEW = {"GATEWAY__LOGIN_FAILURES": "3"}
WRONG = ACME[:-2] + "AA"


async def log_in(world: World, key: str) -> tuple[int, bytes]:
    """One log-in of a connection of its own, and its answer."""
    said = base64.b64encode(f"\0acme\0{key}".encode()).decode()

    def go(client: smtplib.SMTP) -> tuple[int, bytes]:
        client.ehlo()
        answer = client.docmd("AUTH", f"PLAIN {said}")
        client.close()
        return answer

    found: tuple[int, bytes] = await by_smtplib(world, go)
    return found


async def test_over_connections_and_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "TRIES", 1)
    async with gateway(tmp_path, **NOBODY_NEAR, **FEW) as world, httpx.AsyncClient(base_url=world.url) as http:
        guess = {"Authorization": f"Bearer {WRONG}"}
        assert [(await log_in(world, key))[0] for key in (WRONG, WRONG)] == [535, 535]
        assert (await http.get("/v1/messages/x", headers=guess)).status_code == 401
        for key in (WRONG, ACME):  # one that is right but was not heard from there before is not let in either
            code, text = await log_in(world, key)
            assert (code, text[:5]) == (421, b"4.7.0")
            assert b"from 127.0.0.1 were refused, 3 in ten minutes are the limit (gateway.login_failures)" in text
        barred = await http.get("/v1/messages/x", headers=guess)
        assert barred.status_code == 429
        assert 190 <= int(barred.headers["retry-after"]) <= 200
        async with AsyncClient(world.url, key=ACME) as acme:
            with pytest.raises(LogInsBarred, match=r"from 127\.0\.0\.1 were refused, 3 in ten minutes are"):
                await acme.send(RAW)
        assert mails(world) == []


async def test_peers_of_the_relay_networks_are_spared(tmp_path: Path) -> None:
    async with gateway(tmp_path, **FEW) as world:
        assert [(await log_in(world, WRONG))[0] for _ in range(5)] == [535] * 5
        assert (await log_in(world, ACME))[0] == 235


async def test_who_was_right_from_there_before_is_not_kept_out_by_others(tmp_path: Path) -> None:
    async with gateway(tmp_path, **NOBODY_NEAR, **FEW) as world, AsyncClient(world.url, key=ACME) as acme:
        keys = (ACME, WRONG, WRONG, WRONG, WRONG, ACME)
        assert [(await log_in(world, key))[0] for key in keys] == [235, 535, 535, 535, 421, 235]
        await acme.send(RAW)
        assert len(mails(world)) == 1
