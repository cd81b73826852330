"""Two tenants hand the same suspicious mail in, over HTTP and SMTP, each with its key: the gate tags the one and rejects the other."""

import asyncio
import smtplib
from collections import Counter
from pathlib import Path

from actors.journal_check import check_journal
from fastemailnet.admission.tenants import kept, new_key
from fastemailnet.client import AsyncClient
from fastemailnet.flashsync.frames import Outcome
from fastemailnet.ledger.fact import LeafType, decode_facts
from tests.integration.gateway_world import World, running
from tests.integration.test_a_fleet_in_one_process import House, house

KEYS = {name: new_key(name.encode().ljust(32)) for name in ("acme", "globex")}
BAD = (0.05, 0.15, 0.8)
GATES = '["acme"]\nstandard = "tag"\n["globex"]\nstandard = "reject"\n'


def mail(tenant: str, way: str) -> bytes:
    return f"From: a@{tenant}.example\r\nTo: {tenant}-{way}@x.example\r\nSubject: s\r\n\r\nWin now\r\n".encode()


async def over_http(gateway: World, tenant: str) -> None:
    async with AsyncClient(gateway.url, key=KEYS[tenant]) as client:
        await client.send(mail(tenant, "http"))


async def over_smtp(gateway: World, tenant: str) -> None:
    def go() -> None:
        with smtplib.SMTP("127.0.0.1", gateway.smtp_port) as client:
            client.login(tenant, KEYS[tenant])
            client.sendmail(f"a@{tenant}.example", [f"{tenant}-smtp@x.example"], mail(tenant, "smtp"))

    await asyncio.to_thread(go)


def facts(fleet: House) -> Counter[tuple[str, LeafType]]:
    """The facts of all deliveries, by tenant and type; the ledger makes its leaves, events and timelines of them."""
    frames = [frame for frame in fleet.frames() if isinstance(frame, Outcome)]
    return Counter((fact.tenant, fact.type) for frame in frames for fact in decode_facts(frame.evidence))


async def test_the_gate_of_a_tenant_judges_what_comes_with_its_key(tmp_path: Path) -> None:
    gates, tenants = tmp_path / "gates.toml", tmp_path / "tenants.toml"
    gates.write_text(GATES)
    tenants.write_text("".join(f'["{name}"]\nkeys = ["{kept(key)}"]\n' for name, key in KEYS.items()))
    given = {"CLASSIFIER__HOLD_THRESHOLD": "0.5", "CLASSIFIER__TENANTS": str(gates), "SANDBOX__STORE_BODIES": "true"}
    async with (
        house(tmp_path, **given) as fleet,
        running(fleet.log, directory=tmp_path / "gateway", GATEWAY__TENANTS=str(tenants)) as gateway,
    ):
        fleet.start_node("a", BAD)
        for tenant in KEYS:
            await over_http(gateway, tenant)
            await over_smtp(gateway, tenant)
        async with gateway.client() as nobody:
            await nobody.send(mail("default", "http"))
        balance = await fleet.until(lambda b: (b["relayed"], b["rejected"], b["held"]) == (2, 2, 1))
        assert balance["open"] == 0
        found = facts(fleet)
        assert (found["acme", LeafType.RELAYED], found["globex", LeafType.REJECTED]) == (2, 2)
        assert {tenant for tenant, _ in found} == {"acme", "globex", "default"}
        bodies = [path.read_bytes() for path in (tmp_path / "inbox" / "bodies").iterdir()]
        assert len(bodies) == 2
        assert all(b"X-Spam-Flag: YES\r\n" in body and b"From: a@acme.example" in body for body in bodies)
        assert check_journal(fleet.log).violations == []
