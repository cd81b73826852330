"""A relay of ours that brings bounces and complaints back by SMTP is not kept from it by what tenant `default` may send."""

import smtplib
from pathlib import Path

from fastemailnet.client import AsyncClient
from fastemailnet.message.dsn import Entry, Report, compose
from tests.integration.gateway_world import embedded
from tests.integration.test_a_key_names_the_tenant import RAW, by_smtplib, mails

DOMAIN = "bounce.acme.example"


async def test_though_its_rate_is_used_up_and_the_reporter_is_of_another_domain(tmp_path: Path) -> None:
    (tmp_path / "tenants.toml").write_text('["default"]\nrate = "1/h"\nsender_domains = ["acme.example"]\n')
    limits = {"GATEWAY__TENANTS": str(tmp_path / "tenants.toml"), "BOUNCE__DOMAIN": DOMAIN}
    async with embedded(tmp_path / "log", **limits) as world, AsyncClient(world.url) as client:
        path = f"b-{(await client.send(RAW)).id.lower()}-0@{DOMAIN}"
        entry = Entry("x@one.example", "", "failed", (5, 1, 1), "", "550 5.1.1 no such user", "mx.one.example")
        report = compose(Report("mx.one.example", path, "R1", 0, 0, 0, "", (entry,), b"From: a\r\n\r\n", 0))

        async def says(sender: str, to: str, content: bytes) -> tuple[int, bytes]:
            def go(peer: smtplib.SMTP) -> tuple[int, bytes]:
                peer.ehlo()
                peer.mail(sender)
                peer.rcpt(to)
                return peer.data(content)

            code, text = await by_smtplib(world, go)
            return code, text[:5]

        assert await says("", path, report) == (250, b"2.0.0")
        assert await says("loop@provider.example", path, report) == (250, b"2.0.0")
        assert await says("a@acme.example", "x@one.example", RAW) == (451, b"4.7.1")
        assert await says("a@other.example", "x@one.example", RAW) == (550, b"5.7.1")
        assert len(mails(world)) == 1
