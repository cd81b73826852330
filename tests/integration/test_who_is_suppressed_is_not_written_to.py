"""A hard bounce, a person's word and its lifting, over the real log, ledger, node, sockets and HTTP API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors import build
from actors.ledger import LedgerActor
from actors.main import app, main
from actors.suppressions import Suppressions
from fastemailnet.client import AsyncClient
from fastemailnet.errors import MessageError, NotFound
from tests.integration.test_a_fleet_in_one_process import PATIENCE_S, House, house


@asynccontextmanager
async def suppressing(
    tmp_path: Path, given: Mapping[str, str] | None = None, **sections: Any
) -> AsyncIterator[tuple[House, str]]:
    """A fleet whose next hop is a smarthost (the sandbox suppresses nobody), with its ledger and gateway.

    ``given``: settings, as the environment would have them.
    """
    async with house(tmp_path, **(given or {})) as fleet:
        smarthost = {"kind": "smarthost", "host": "127.0.0.1", "port": fleet.settings.sandbox.smtp_port, "tls": "none"}
        ports = {"http_port": 0, "smtp_port": 0}
        fleet.settings = fleet.settings.model_copy(
            update={
                "route": fleet.settings.route.model_copy(update=smarthost),
                "gateway": fleet.settings.gateway.model_copy(update=ports),
                **sections,
            }
        )
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))

        async def call(actor: str, method: str, *args: Any) -> Any:
            assert actor == "ledger"
            return await getattr(ledger, method)(*args)

        gateway = build.gateway(fleet.settings, call)
        http_port, fleet.smtp_port = await gateway.start()
        fleet.smtp_policy = gateway.smtp.policy
        try:
            yield fleet, f"http://127.0.0.1:{http_port}"
        finally:
            await gateway.close()
            await gateway.submissions.group.close()


async def entries(client: AsyncClient) -> list[dict[str, Any]]:
    """The list, once somebody is on it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        if found := (await client.suppressed())["entries"]:
            return list(found)
        await asyncio.sleep(0.01)
    raise AssertionError("nobody was put on the list")


async def test_a_mailbox_that_does_not_exist_is_asked_for_once(tmp_path: Path) -> None:
    async with suppressing(tmp_path) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        fleet.accept("bounce@x.example", "ok@x.example")
        await fleet.until(lambda b: b["bounced"] == 1)
        listed = await entries(client)
        assert [(e["address"], e["origin"], e["tenant"]) for e in listed] == [("bounce@x.example", "hard-bounce", "")]

        fleet.accept("BOUNCE@x.example", "ok@x.example")
        await fleet.until(lambda b: (b["suppressed"], b["open"]) == (1, 0))
        arrived = [a["recipients"] for a in fleet.arrivals() if a["sender"]]  # the others are reports
        assert arrived == [["ok@x.example"], ["ok@x.example"]]

        lifted = await client.lift("bounce@x.example", "they have made it")
        assert lifted["reason"].startswith("InvalidRecipient: 550")
        fleet.accept("bounce@x.example")
        await fleet.until(lambda b: b["bounced"] == 2)


async def test_what_waits_in_a_tier_is_stopped_by_a_later_entry_and_the_timeline_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastemailnet.delivery.retry import Schedule

    monkeypatch.setattr(build, "schedule", lambda settings: Schedule((("defer.1m", 1_000),)))
    async with suppressing(tmp_path) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        sent = await client.send(b"From: a@a.example\r\nSubject: x\r\n\r\nx\r\n", "a@a.example", ["defer@x.example"])
        await fleet.until(lambda b: b["deferred"] == 1)
        await client.suppress("Defer@x.example", "asked us by phone", tenant="default")
        await fleet.until(lambda b: b["suppressed"] == 1)
        (delivery,) = (await client.timeline(sent.id))["deliveries"]
        assert delivery["state"] == "suppressed"
        assert "asked us by phone" in delivery["events"][-1]["reason"]


async def test_the_list_outlives_every_process_that_reads_it(tmp_path: Path) -> None:
    async with suppressing(tmp_path) as (fleet, url), AsyncClient(url) as client:
        for number in range(30):
            await client.suppress(f"r{number:02}@x.example", "r", days=1)
        page = await client.suppressed(limit=20)
        assert (len(page["entries"]), page["next"]) == (20, "r19@x.example")
        rest = await client.suppressed(after=page["next"], limit=20)
        assert (len(rest["entries"]), rest["next"]) == (10, None)
        assert len(Suppressions(build.log(fleet.settings)).book.entries) == 30
        with pytest.raises(NotFound, match="not on the suppression list"):
            await client.lift("r00@x.example", "r", tenant="t")
        for wrong in ({"address": "no address"}, {"reason": " "}, {"lane": "fast"}, {"days": 0}):
            with pytest.raises(MessageError):
                await client.suppress(**{"address": "a@x.example", "reason": "r", **wrong})


async def test_the_commands_add_show_and_remove(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def commanded(*words: str) -> int | None:
        try:
            main(lambda: app(["suppression", *words]))
        except SystemExit as end:
            return int(end.code or 0)
        return None

    monkeypatch.setenv("COLUMNS", "200")
    async with suppressing(tmp_path) as (_, url):
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        add = ("add", "eva@x.example", "--reason", "by letter", "--lane", "bulk")
        assert await asyncio.to_thread(commanded, *add) == 0
        assert await asyncio.to_thread(commanded, "list") == 0
        told = capsys.readouterr().out
        assert all(word in told for word in ("eva@x.example", "bulk", "for good", "by letter"))
        assert await asyncio.to_thread(commanded, "remove", "eva@x.example", "--reason", "r") == 1
        assert await asyncio.to_thread(commanded, "remove", "eva@x.example", "--reason", "r", "--lane", "bulk") == 0
        assert "by letter" in capsys.readouterr().out
