"""Rates and daily numbers of tenants over HTTP and SMTP: refused before anything is taken, told by the code, counted over a restart."""

import json
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from fastemailnet.admission.tenants import kept
from fastemailnet.client import AsyncClient
from fastemailnet.errors import DailyExceeded, LogAppendUnknown, MessageError, RateExceeded
from fastemailnet.web import tries
from tests.integration.gateway_world import World, embedded, running
from tests.integration.half_log import HalfLog
from tests.integration.test_a_key_names_the_tenant import ACME, GLOBEX, RAW, by_smtplib, mails, sending


@asynccontextmanager
async def gateway(folder: Path, limits: str) -> AsyncIterator[World]:
    """A gateway with two tenants, one of which has limits."""
    path = folder / "tenants.toml"
    path.write_text(f'["acme"]\nkeys = ["{kept(ACME)}"]\n{limits}\n["globex"]\nkeys = ["{kept(GLOBEX)}"]\n')
    async with embedded(folder / "log", GATEWAY__TENANTS=str(path)) as world:
        yield world


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not try again."""
    monkeypatch.setattr(tries, "TRIES", 1)


async def test_over_http_it_is_429_with_the_time_to_come_again(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'rate = "2/h"') as world, httpx.AsyncClient(base_url=world.url) as http:
        headers = {"Authorization": f"Bearer {ACME}", "Content-Type": "message/rfc822"}
        answers = [await http.post("/v1/messages", content=RAW, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert 1_790 < int(answers[2].headers["retry-after"]) <= 1_800
        error = answers[2].json()["error"]
        assert (error["type"], error["retriable"], error["definite"]) == ("RateExceeded", True, True)
        assert "tenant 'acme' may hand in 2/h recipients" in error["what"]
        batch = await http.post("/v1/messages", json={"messages": [{}]}, headers={"Authorization": f"Bearer {GLOBEX}"})
        assert batch.status_code != 429
        assert mails(world) == [("acme", "a@acme.example")] * 2


async def test_over_smtp_a_rate_is_451_at_mail_and_the_day_452_at_the_end(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'rate = "1/h"') as world:
        assert await by_smtplib(world, sending("acme", ACME)) == 250

        def told(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.login("acme", ACME)
            return client.mail("a@acme.example")

        code, text = await by_smtplib(world, told)
        assert (code, text[:5]) == (451, b"4.7.1")
        assert await by_smtplib(world, sending("globex", GLOBEX)) == 250
    (tmp_path / "second").mkdir()
    async with gateway(tmp_path / "second", "daily = 1") as world:
        assert await by_smtplib(world, sending("acme", ACME)) == 250

        def refused(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.login("acme", ACME)
            client.mail("a@acme.example")
            client.rcpt("x@one.example")
            return client.data(RAW)

        code, text = await by_smtplib(world, refused)
        assert (code, text[:5]) == (452, b"4.5.3")
        assert len(mails(world)) == 1


async def test_what_was_taken_is_answered_again_however_much_was_sent(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'daily = 2\nrate = "2/d"') as world, AsyncClient(world.url, key=ACME) as acme:
        first = await acme.send(RAW, idempotency_key="a")
        await acme.send(RAW, idempotency_key="b")
        with pytest.raises(RateExceeded):
            await acme.send(RAW, idempotency_key="c")
        again = await acme.send(RAW, idempotency_key="a")
        assert (again.id, again.replayed) == (first.id, True)
        assert len(mails(world)) == 2


async def test_a_repeated_transaction_is_answered_again(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'rate = "1/h"') as world:

        def sent(transid: str) -> Callable[[smtplib.SMTP], tuple[int, bytes]]:
            def go(client: smtplib.SMTP) -> tuple[int, bytes]:
                client.login("acme", ACME)
                client.mail("a@acme.example", [f"TRANSID=<{transid}@c.example>"])
                client.rcpt("x@one.example")
                return client.data(RAW)

            return go

        first = await by_smtplib(world, sent("1"))
        assert first[0] == 250
        assert await by_smtplib(world, sent("1")) == first
        assert (await by_smtplib(world, sent("2")))[0] == 451
        assert len(mails(world)) == 1


async def test_the_day_is_counted_over_a_restart_and_a_new_number_counts_at_once(tmp_path: Path) -> None:
    async with gateway(tmp_path, "daily = 3") as world, AsyncClient(world.url, key=ACME) as acme:
        await acme.send(RAW, "a@acme.example", ["x@one.example", "y@two.example"])
        with pytest.raises(DailyExceeded):
            await acme.send(RAW, "a@acme.example", ["x@one.example", "y@two.example"])
    assert json.loads((tmp_path / "log" / "gateway" / "used.json").read_text())["used"] == {"acme": 2}
    async with gateway(tmp_path, "daily = 3") as world, AsyncClient(world.url, key=ACME) as acme:
        await acme.send(RAW)
        with pytest.raises(DailyExceeded, match="had 3 and wants 1 more"):
            await acme.send(RAW)
        with pytest.raises(MessageError, match="4 recipients at envelope"):
            await acme.send(RAW, "a@acme.example", [f"{number}@one.example" for number in range(4)])
    async with gateway(tmp_path, "daily = 4") as world, AsyncClient(world.url, key=ACME) as acme:
        await acme.send(RAW)
        assert len(mails(world)) == 4  # a unit each destination


async def test_what_was_perhaps_taken_and_comes_again_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(f'["acme"]\nkeys = ["{kept(ACME)}"]\ndaily = 2\n')
    log, directory = HalfLog(), tmp_path / "gateway"
    directory.mkdir()
    limits = {"GATEWAY__TENANTS": str(path)}
    async with running(log, directory=directory, **limits) as world, AsyncClient(world.url, key=ACME) as acme:
        for _ in range(3):
            log.most = 0
            with pytest.raises(LogAppendUnknown):
                await acme.send(RAW, idempotency_key="a")
        await acme.send(RAW, idempotency_key="a")
        await acme.send(RAW, idempotency_key="b")
        with pytest.raises(DailyExceeded):
            await acme.send(RAW, idempotency_key="c")
