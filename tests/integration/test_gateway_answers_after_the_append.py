"""The gateway on real sockets: what it answers is in the log, and what it cannot keep it does not accept."""

import asyncio
import smtplib
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from fastemailnet import ids
from fastemailnet.client import Client
from fastemailnet.envelope import Lane
from fastemailnet.errors import (
    FleetError,
    LogAppendUnknown,
    LogError,
    MessageError,
    NotFound,
    RelayDenied,
)
from fastemailnet.log.memory import MemoryLog
from fastemailnet.web import tries
from tests.integration.gateway_world import embedded, running
from tests.integration.half_log import BrokenLog

RAW = b"From: a@shop.example\r\nTo: x@one.example, y@two.example\r\nSubject: s\r\n\r\nbody\r\n.\r\n..\r\n"


async def test_http_and_smtp_put_the_same_units_into_the_log(tmp_path: Path):
    async with embedded(tmp_path) as world:
        async with world.client() as client:
            accepted = await client.send(RAW)
        reply = await asyncio.to_thread(send_smtp, world.smtp_port, RAW)
        assert (accepted.units, accepted.recipients, accepted.lane) == (2, 2, Lane.STANDARD)
        by_http, by_smtp = world.reader.units()[:2], world.reader.units()[2:]
        assert [unit.domain for unit in by_http] == [unit.domain for unit in by_smtp] == ["one.example", "two.example"]
        strip = slice(RAW.index(b"From"), None)
        for unit in (*by_http, *by_smtp):
            assert unit.body.endswith(RAW[strip])
        assert reply == f"2.0.0 Ok: queued as {ids.to_text(by_smtp[0].message)}"


def send_smtp(port: int, raw: bytes, to: Sequence[str] = ("x@one.example", "y@two.example")) -> str:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.ehlo()
        smtp.mail("a@shop.example")
        for recipient in to:
            code, answer = smtp.rcpt(recipient)
            if code != 250:
                return f"{code} {answer.decode()}"
        code, answer = smtp.data(raw)
        return answer.decode() if code == 250 else f"{code} {answer.decode()}"


async def test_many_senders_at_once_all_are_in_the_log_and_share_commits(tmp_path: Path):
    async with embedded(tmp_path) as world, world.client() as client:
        answers = await asyncio.gather(*(client.send(RAW) for _ in range(200)))
        assert len({answer.id for answer in answers}) == 200
        assert len(world.reader.units()) == 400


async def test_the_synchronous_client_and_its_batches(tmp_path: Path):
    async with embedded(tmp_path) as world:

        def use() -> None:
            with Client(world.url) as client:
                assert client.is_up()
                results = client.send_many([RAW, b"no header at all", RAW], lane="bulk")
                assert isinstance(results[1], MessageError)
                good = [result for result in (results[0], results[2]) if not isinstance(result, Exception)]
                assert [one.lane for one in good] == [Lane.BULK, Lane.BULK]
                assert client.balance() == {"accepted": 4}
                assert client.timeline(good[0].id)["deliveries"][0]["state"] == "open"
                with pytest.raises(FleetError, match="no outcome after"):
                    client.wait([good[0].id], timeout_s=0.1)
                world.reader.state = "relayed"
                assert [one["id"] for one in client.wait([one.id for one in good], timeout_s=5)] == [
                    one.id for one in good
                ]
                with pytest.raises(NotFound):
                    client.receipt(good[0].id)
                assert (list(client.status()["processes"]), client.in_doubt()) == (["gateway"], [])

        await asyncio.to_thread(use)


async def test_a_gateway_that_is_not_there_is_a_fleet_error(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int):
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.001)
    with Client(f"http://127.0.0.1:{unused_tcp_port}") as client:
        assert not client.is_up()
        with pytest.raises(FleetError, match="does not answer"):
            client.send(RAW)


async def test_smtp_refusals_say_what_is_wrong(tmp_path: Path):
    async with embedded(tmp_path, LIMITS__HOPS="1") as world:

        def replies() -> list[str]:
            loop = b"Received: x\r\nReceived: y\r\n" + RAW
            return [
                send_smtp(world.smtp_port, RAW, ["no..dots@one.example"]),
                send_smtp(world.smtp_port, RAW.replace(b"From", b"Form")),
                send_smtp(world.smtp_port, loop),
            ]

        bad_address, no_from, looping = await asyncio.to_thread(replies)
        assert bad_address.startswith(("553 5.1.3", "501 5.1.3"))
        assert no_from.startswith("554 5.6.0 no From field at the header")
        assert looping.startswith("554 5.6.0 2 Received fields (a mail loop)")
        assert not world.reader.units()


async def test_a_peer_outside_the_relay_networks_is_refused_on_both_ways(tmp_path: Path):
    async with embedded(tmp_path, GATEWAY__RELAY_NETWORKS='["192.0.2.0/24"]') as world:
        with pytest.raises(RelayDenied):
            async with world.client() as client:
                await client.send(RAW)

        def mail() -> tuple[int, bytes]:
            with smtplib.SMTP("127.0.0.1", world.smtp_port) as smtp:
                smtp.ehlo()
                return smtp.mail("a@shop.example")

        code, text = await asyncio.to_thread(mail)
        assert code == 550
        assert b"relay_networks" in text
        assert not world.reader.units()


@pytest.mark.parametrize(
    ("trusted", "field", "status"),
    [
        ("[]", "192.0.2.7", 403),  # a proxy on this machine that nobody named: its clients are not this machine
        ('["127.0.0.1"]', "192.0.2.7", 403),
        ('["127.0.0.1"]', "127.0.0.1, 192.0.2.7", 403),
        ('["127.0.0.1"]', "192.0.2.7, 10.1.2.3", 202),
        ("[]", "", 202),
    ],
)
async def test_who_is_behind_a_proxy_on_this_machine_has_his_own_rights(
    tmp_path: Path, trusted: str, field: str, status: int
) -> None:
    networks = '["127.0.0.0/8", "10.0.0.0/8"]'
    async with (
        embedded(tmp_path, GATEWAY__TRUSTED_PROXIES=trusted, GATEWAY__RELAY_NETWORKS=networks) as world,
        httpx.AsyncClient(base_url=world.url) as http,
    ):
        fields = {"content-type": "message/rfc822"} | ({"x-forwarded-for": field} if field else {})
        assert (await http.post("/v1/messages", content=RAW, headers=fields)).status_code == status
        assert bool(world.reader.units()) is (status == 202)


async def test_a_log_that_fails_is_451_and_503_and_nothing_is_accepted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.001)
    log = BrokenLog()
    log.error = LogError("disk full")
    async with running(log) as world, world.client() as client:
        with pytest.raises(LogError, match="disk full"):
            await client.send(RAW)
        assert (await asyncio.to_thread(send_smtp, world.smtp_port, RAW)).startswith("451 4.3.0")
        log.error = None
        assert not world.reader.units()
        await client.send(RAW)
        assert len(world.reader.units()) == 2


async def test_an_append_of_unknown_result_is_looked_up_and_accepted_when_it_is_there():
    log = BrokenLog()
    log.error = LogAppendUnknown("the connection broke")
    async with running(log) as world, world.client() as client:
        accepted = await client.send(RAW)
        assert accepted.units == 2
        assert len(world.reader.units()) == 2


async def test_a_slow_log_pushes_back_with_451_and_429(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "FIRST_PAUSE_S", 0.001)
    async with running(MemoryLog(), pending_octets=100) as world, world.client() as client:
        with pytest.raises(Exception, match="octets waiting for their commit"):
            await client.send(RAW)
        assert (await asyncio.to_thread(send_smtp, world.smtp_port, RAW)).startswith("451 4.3.2")


async def test_a_taken_port_is_named(tmp_path: Path):
    async with embedded(tmp_path / "a") as world:
        with pytest.raises(FleetError, match=f"cannot listen on 127.0.0.1 port {world.http_port}"):
            async with embedded(tmp_path / "b", GATEWAY__HTTP_PORT=str(world.http_port)):
                pass
