"""The gateway on real sockets: what it answers is in the log, and what it cannot keep it does not accept."""

import asyncio
import smtplib
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from actors import submissions
from actors.clock import wall_ms
from fastemailnet import ids
from fastemailnet.admission.replay import WINDOW_MS
from fastemailnet.client import Client
from fastemailnet.envelope import LANES, Lane
from fastemailnet.errors import (
    FleetError,
    IdempotencyConflict,
    LogAppendUnknown,
    LogError,
    MessageError,
    NotFound,
    RelayDenied,
)
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.memory import MemoryLog
from fastemailnet.web import tries
from tests.integration.gateway_world import embedded, running

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
                assert (client.status(), client.in_doubt()) == ({"processes": {}}, [])

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


class BrokenLog(MemoryLog):
    """A log whose appends fail: definitely, or after they happened."""

    error: LogError | None = None

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        error = self.error
        if error is None or not error.definite:
            appended = super().append(stream, partition, records, token=token)
        if error is not None:
            raise error
        return appended


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


class HalfLog(BrokenLog):
    """Appends so many records of the next append, and cannot be read where that is said."""

    most: int | None = None
    is_readable = True
    read = 0  # records

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        if self.most is None or stream not in LANES:
            return super().append(stream, partition, records, token=token, keys=keys)
        most, self.most = self.most, None
        super().append(stream, partition, records[:most], token=token, keys=keys[:most])
        raise LogAppendUnknown("the broker went away")

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        if not self.is_readable and stream in LANES:
            raise LogError("no broker answers")
        found = super().fetch(stream, partition, start, count, max_octets)
        self.read += len(found)
        return found


@pytest.mark.parametrize("most", [0, 1])
async def test_a_message_of_which_the_log_has_not_all_is_not_accepted_and_a_repeat_makes_it_whole(
    monkeypatch: pytest.MonkeyPatch, most: int
):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log) as world, world.client() as client:
        log.most = most
        with pytest.raises(LogAppendUnknown):
            await client.send(RAW, idempotency_key="order-7")
        accepted = await client.send(RAW, idempotency_key="order-7")
        units = world.reader.units()
        assert len(units) == len({unit.domain for unit in units}) == accepted.units == 2
        assert {ids.to_text(unit.message) for unit in units} == {accepted.id}


async def test_what_the_log_took_before_it_could_not_be_read_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    async with running(log) as world, world.client() as client:
        log.most, log.is_readable = 2, False
        for _ in range(2):
            with pytest.raises(LogAppendUnknown, match="no broker answers"):
                await client.send(RAW, idempotency_key="order-7")
        log.is_readable = True
        with pytest.raises(IdempotencyConflict):
            await client.send(RAW + b"more\r\n", idempotency_key="order-7")
        first, again = [await client.send(RAW, idempotency_key="order-7") for _ in range(2)]
        assert (first.id, first.replayed) == (again.id, again.replayed) == (first.id, True)
        assert len(world.reader.units()) == 2
        assert not world.gateway.submissions.appending  # else a restart would read the log from there
        assert not world.gateway.submissions.unsettled


async def test_a_key_is_free_again_a_day_after_a_message_of_which_nobody_knows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log, began_ms = HalfLog(), wall_ms()
    async with running(log) as world, world.client() as client:
        log.most, log.is_readable = 2, False
        with pytest.raises(LogAppendUnknown, match="no broker answers"):
            await client.send(RAW, idempotency_key="order-7")
        log.is_readable = True
        monkeypatch.setattr(submissions, "wall_ms", lambda: began_ms + WINDOW_MS + 60_000)
        assert not (await client.send(RAW + b"more\r\n", idempotency_key="order-7")).replayed
        assert len(world.reader.units()) == 4


async def test_many_that_come_again_are_looked_for_together(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tries, "TRIES", 1)
    log = HalfLog()
    keys = [f"order-{number}" for number in range(10)]
    async with running(log) as world, world.client() as client:
        log.is_readable = False
        for number, key in enumerate(keys):
            log.most = number % 3  # nothing of it, a part, all of it
            with pytest.raises(LogAppendUnknown):
                await client.send(RAW, idempotency_key=key)
        log.is_readable = True
        for _ in range(20):
            await client.send(RAW)
        log.read = 0
        for key in keys:
            assert (await client.send(RAW, idempotency_key=key)).units == 2
        assert log.read < 3 * 20 * 2
        assert len(world.reader.units()) == (20 + len(keys)) * 2


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
