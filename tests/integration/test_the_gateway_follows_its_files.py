"""A renewed certificate serves the next STARTTLS, a broken one or a broken file of tenants changes nothing, and ``status`` tells it."""

import asyncio
import smtplib
import ssl
from pathlib import Path
from typing import Any

import pytest

from actors import watched_files
from actors.main import app, main
from fastemailnet.client import AsyncClient, Client
from tests.integration.gateway_world import World
from tests.integration.smtp_world import certificate
from tests.integration.test_a_key_names_the_tenant import ACME, RAW, by_smtplib, gateway


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_files, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(watched_files, "SETTLED_MS", 0)


def made(folder: Path) -> bytes:
    """Another certificate, with its key."""
    folder.mkdir()
    certificate(folder)
    return (folder / "server.pem").read_bytes()


async def served(world: World) -> bytes:
    """The certificate that STARTTLS shows."""

    def go(client: smtplib.SMTP) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True)

    found: bytes = await by_smtplib(world, go)
    return found


async def problem(world: World) -> str:
    async with AsyncClient(world.url) as client:
        told: str = (await client.status())["processes"]["gateway"].get("problem", "")
    return told


async def test_a_certificate_is_renewed_without_a_restart(tmp_path: Path) -> None:
    old, new = made(tmp_path / "old"), made(tmp_path / "new")
    path = tmp_path / "server.pem"
    path.write_bytes(old)
    async with gateway(tmp_path, GATEWAY__CERTIFICATE_FILE=str(path)) as world:
        first = await served(world)
        assert await served(world) == first
        path.write_bytes(old[: len(old) // 2])
        assert await served(world) == first
        assert "the certificate and its key stay as they were" in await problem(world)
        path.write_bytes(new)
        renewed = await served(world)
        assert renewed != first
        assert ssl.DER_cert_to_PEM_cert(renewed).strip().encode() in new
        assert await problem(world) == ""


async def test_a_broken_file_of_tenants_takes_no_key_away_and_is_told_by_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(tmp_path) as world:
        assert await problem(world) == ""
        (tmp_path / "tenants.toml").write_text('["acme"]\nrate = "fast"\n')
        async with AsyncClient(world.url, key=ACME) as acme:
            await acme.send(RAW)
        said = await problem(world)
        assert said.startswith("the tenants stay as they were: setting \"gateway.tenants 'acme': rate\"")
        answer = {"processes": {"gateway": {"tenants": 2, "problem": said}}, "balance": {}}
        monkeypatch.setattr(Client, "status", lambda client: answer)
        monkeypatch.setattr("actors.main.show_balance", lambda balance: None)
        with pytest.raises(SystemExit):
            await asyncio.to_thread(main, lambda: app(["status"]))
        assert f"warning: gateway: {said}" in capsys.readouterr().err
