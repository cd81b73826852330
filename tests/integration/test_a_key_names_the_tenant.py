"""A key over HTTP and SMTP: whose mail it makes it, from where, as whom, and what becomes of a session whose key is withdrawn."""

import asyncio
import base64
import json
import shutil
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from actors import watched_files
from fastemailnet.admission.tenants import kept, new_key
from fastemailnet.client import AsyncClient, Client
from fastemailnet.errors import IdempotencyConflict, KeyRefused, RelayDenied, SenderDenied
from fastemailnet.net import server
from tests.integration.gateway_world import World, embedded
from tests.integration.smtp_world import certificate

ACME, ACME_NEXT, GLOBEX = (new_key(bytes([number]) * 32) for number in (1, 2, 3))
RAW = b"From: a@acme.example\r\nTo: x@one.example\r\nSubject: s\r\n\r\nbody\r\n"
FORGED = RAW.replace(b"a@acme.example", b"ceo@bank.example")
NOBODY_NEAR = {"GATEWAY__RELAY_NETWORKS": '["192.0.2.0/24"]'}  # so that every peer of a test is a stranger


def write_tenants(folder: Path, acme: list[str]) -> Path:
    path = folder / "tenants.toml"
    text = f'["acme"]\nkeys = {json.dumps(list(map(kept, acme)))}\nsender_domains = ["acme.example"]\n'
    path.write_text(text + f'["globex"]\nkeys = ["{kept(GLOBEX)}"]\n')
    return path


@asynccontextmanager
async def gateway(folder: Path, **environ: str) -> AsyncIterator[World]:
    """A gateway with two tenants; ``acme`` has domains."""
    path = write_tenants(folder, [ACME])
    async with embedded(folder / "log", GATEWAY__TENANTS=str(path), **environ) as world:
        yield world


def mails(world: World) -> list[tuple[str, str]]:
    """Tenant and reverse-path of what was taken."""
    return [(unit.tenant, unit.reverse_path) for unit in world.reader.units()]


async def by_smtplib(world: World, talk: Callable[[smtplib.SMTP], Any]) -> Any:
    def go() -> Any:
        with smtplib.SMTP("127.0.0.1", world.smtp_port) as client:
            return talk(client)

    return await asyncio.to_thread(go)


def sending(user: str, key: str, sender: str = "a@acme.example", raw: bytes = RAW) -> Callable[[smtplib.SMTP], int]:
    """What smtplib does with a name and a password; the code of the answer that ends it."""

    def go(client: smtplib.SMTP) -> int:
        try:
            client.login(user, key)
            client.sendmail(sender, ["x@one.example"], raw)
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        return 250

    return go


async def test_over_http_the_key_names_the_tenant_and_lets_a_stranger_in(tmp_path: Path) -> None:
    async with gateway(tmp_path, **NOBODY_NEAR) as world:
        for key, error in ((GLOBEX[:-1] + "A", KeyRefused), ("", RelayDenied)):
            async with AsyncClient(world.url, key=key) as client:
                with pytest.raises(error):
                    await client.send(RAW)
        async with AsyncClient(world.url, key=ACME) as acme, AsyncClient(world.url, key=GLOBEX) as globex:
            await acme.send(RAW)
            await globex.send(FORGED)
            assert mails(world) == [("acme", "a@acme.example"), ("globex", "ceo@bank.example")]
            for raw, sender in ((FORGED, None), (FORGED, "a@acme.example"), (RAW, "ceo@bank.example")):
                with pytest.raises(SenderDenied):
                    await acme.send(raw, sender, ["x@one.example"])
            await acme.send(RAW, "", ["x@one.example"])
            with pytest.raises(RelayDenied):
                await acme.balance()


async def test_the_client_finds_the_key_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTEMAILNET_KEY", ACME)
    async with gateway(tmp_path, **NOBODY_NEAR) as world:

        def send() -> None:
            with Client(world.url) as client:
                client.send(RAW)

        await asyncio.to_thread(send)
        async with AsyncClient(world.url) as client:
            await client.send(RAW)
        assert mails(world) == [("acme", "a@acme.example")] * 2


async def test_each_tenant_has_its_own_idempotency_keys(tmp_path: Path) -> None:
    async with gateway(tmp_path) as world:
        async with AsyncClient(world.url, key=GLOBEX) as globex, world.client() as nobody:
            first = await globex.send(RAW, idempotency_key="order-7")
            other = await nobody.send(FORGED, idempotency_key="order-7")
            assert other.id != first.id
            assert (await globex.send(RAW, idempotency_key="order-7")).id == first.id
            with pytest.raises(IdempotencyConflict):
                await globex.send(FORGED, idempotency_key="order-7")
        keyed = b"X-FEN-Idempotency-Key: order-7\r\n" + RAW
        assert await by_smtplib(world, sending("acme", ACME, raw=keyed)) == 250
        assert await by_smtplib(world, sending("acme", ACME, raw=keyed)) == 250
        assert [tenant for tenant, _ in mails(world)] == ["globex", "default", "acme"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_smtplib_and_aiosmtplib_log_in_by_either_mechanism(tmp_path: Path, mechanism: str) -> None:
    async with gateway(tmp_path, **NOBODY_NEAR) as world:

        def talk(client: smtplib.SMTP) -> None:
            client.ehlo()
            client.user, client.password = "acme", ACME
            code, _ = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
            assert code == 235
            client.sendmail("a@acme.example", ["x@one.example"], RAW)

        await by_smtplib(world, talk)
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=world.smtp_port, start_tls=False) as client:
            await client.ehlo()
            await getattr(client, f"auth_{mechanism.lower()}")("globex", GLOBEX)
            await client.sendmail("a@acme.example", ["x@one.example"], RAW)
        assert mails(world) == [("acme", "a@acme.example"), ("globex", "a@acme.example")]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_swaks_logs_in(tmp_path: Path, mechanism: str) -> None:
    program = shutil.which("swaks")
    if program is None:
        pytest.skip("swaks is not installed")
    async with gateway(tmp_path, **NOBODY_NEAR) as world:
        process = await asyncio.create_subprocess_exec(
            program, "--server", f"127.0.0.1:{world.smtp_port}", "-f", "a@acme.example", "-t", "x@one.example",
            "--auth", mechanism, "--auth-user", "acme", "--auth-password", ACME, "--data", RAW.decode(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert mails(world) == [("acme", "a@acme.example")]


@pytest.mark.parametrize(
    ("user", "key", "sender", "raw", "code"),
    [
        ("acme", ACME[:-1] + "A", "a@acme.example", RAW, 535),
        ("acme", "", "a@acme.example", RAW, 501),
        ("globex", ACME, "a@acme.example", RAW, 535),
        ("acme", ACME, "ceo@bank.example", RAW, 550),
        ("acme", ACME, "a@acme.example", FORGED, 550),
        ("acme", ACME, "", FORGED, 550),
        ("globex", GLOBEX, "ceo@bank.example", FORGED, 250),
    ],
)  # fmt: skip
async def test_who_may_not_is_told_by_the_code(
    tmp_path: Path, user: str, key: str, sender: str, raw: bytes, code: int
) -> None:
    async with gateway(tmp_path, **NOBODY_NEAR) as world:
        assert await by_smtplib(world, sending(user, key, sender, raw)) == code
        assert len(mails(world)) == (code == 250)


async def test_without_a_log_in_it_is_as_ever(tmp_path: Path) -> None:
    async with gateway(tmp_path) as near:
        await by_smtplib(near, lambda client: client.sendmail("ceo@bank.example", ["x@one.example"], FORGED))
        assert mails(near) == [("default", "ceo@bank.example")]
    async with gateway(tmp_path / "log", **NOBODY_NEAR) as far:
        assert (await by_smtplib(far, lambda client: client.docmd("EHLO c") and client.mail("a@b.example")))[0] == 550
    async with embedded(tmp_path / "none") as bare:
        assert not (await by_smtplib(bare, lambda client: client.ehlo() and client.has_extn("AUTH")))


async def test_from_afar_auth_is_offered_under_tls_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOPBACK", lambda peer: False)
    _, trust = certificate(tmp_path)
    pem = str(tmp_path / "server.pem")

    def talk(client: smtplib.SMTP) -> None:
        client.ehlo()
        assert not client.has_extn("AUTH")
        plain = base64.b64encode(f"\0acme\0{ACME}".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {plain}")[0] == 538
        assert client.mail("a@acme.example") == (
            530,
            b"5.7.0 authentication required: STARTTLS and AUTH; 127.0.0.1 is in none of gateway.relay_networks",
        )
        client.rset()
        client._host = "localhost"
        client.starttls(context=ssl.create_default_context(cafile=trust))
        client.login("acme", ACME)
        client.sendmail("a@acme.example", ["x@one.example"], RAW)

    async with gateway(tmp_path, GATEWAY__CERTIFICATE_FILE=pem, **NOBODY_NEAR) as world:
        await by_smtplib(world, talk)
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=world.smtp_port,
            start_tls=True,
            validate_certs=False,
            username="acme",
            password=ACME,
        ) as client:
            await client.sendmail("a@acme.example", ["x@one.example"], RAW)
        assert mails(world) == [("acme", "a@acme.example")] * 2


async def test_who_logged_in_before_starttls_is_a_stranger_behind_it(tmp_path: Path) -> None:
    certificate(tmp_path)

    def talk(client: smtplib.SMTP) -> int:
        client.login("acme", ACME)
        client.starttls()
        client.ehlo()
        return client.mail("a@acme.example")[0]

    async with gateway(tmp_path, GATEWAY__CERTIFICATE_FILE=str(tmp_path / "server.pem"), **NOBODY_NEAR) as world:
        assert await by_smtplib(world, talk) == 530


async def test_a_key_is_rotated_under_an_open_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_files, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(watched_files, "SETTLED_MS", 0)

    def talk(client: smtplib.SMTP) -> list[int]:
        client.login("acme", ACME)
        write_tenants(tmp_path, [ACME, ACME_NEXT])
        client.sendmail("a@acme.example", ["x@one.example"], RAW)
        write_tenants(tmp_path, [ACME_NEXT])
        return [client.mail("a@acme.example")[0], client.docmd("NOOP")[0]]

    async with gateway(tmp_path) as world:
        assert await by_smtplib(world, talk) == [535, 250]
        assert await by_smtplib(world, sending("acme", ACME)) == 535
        assert await by_smtplib(world, sending("acme", ACME_NEXT)) == 250
        assert len(mails(world)) == 2
