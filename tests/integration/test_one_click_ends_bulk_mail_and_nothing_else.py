"""RFC 8058 from end to end: bulk mail carries a signed link, a stranger posts it, and only that lane's next mail is stopped."""

import asyncio
import email
from pathlib import Path
from typing import Any

import dkim
import httpx
import pytest

from actors import build
from actors.main import app, main
from fastemailnet.client import AsyncClient
from fastemailnet.config_failures import UnsubscribeSection
from fastemailnet.message.dkim import dns_record
from tests.integration.test_a_fleet_in_one_process import House
from tests.integration.test_who_is_suppressed_is_not_written_to import suppressing

OUTSIDE = "https://mail.shop.example"
CLICK = {"List-Unsubscribe": "One-Click"}
RAW = b"From: News <news@shop.example>\r\nTo: Ann@x.example\r\nSubject: offers\r\n\r\nhello\r\n"


def captured(fleet: House) -> list[bytes]:
    return [path.read_bytes() for path in sorted((fleet.settings.fleet.data / "inbox" / "bodies").glob("*.eml"))]


def signed_fields(fleet: House, content: bytes) -> list[str]:
    """The names in h=, of a signature that dkimpy finds good."""
    (key,) = build.signer(fleet.settings).keys
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: dns_record(key).encode())
    tags = dkim.util.parse_tag_value(email.message_from_bytes(content)["DKIM-Signature"].encode())
    return [name.strip() for name in b"".join(tags[b"h"].split()).decode().split(":")]


async def send(client: AsyncClient, lane: str, *recipients: str, raw: bytes = RAW) -> Any:
    return await client.send(raw, "news@shop.example", recipients or ["Ann@x.example"], lane)


async def test_one_click_stops_the_next_bulk_mail_and_transactional_mail_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"SANDBOX__STORE_BODIES": "true"}
    at = UnsubscribeSection(url=OUTSIDE)
    async with suppressing(tmp_path, given, unsubscribe=at) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        await send(client, "bulk")
        await fleet.until(lambda b: b["relayed"] == 1)
        (content,) = captured(fleet)
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(signed_fields(fleet, content))
        header = email.message_from_bytes(content)
        assert header["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = header["List-Unsubscribe"].strip("<>")
        assert link.startswith(f"{OUTSIDE}/v1/unsubscribe/")
        path = link.removeprefix(OUTSIDE)

        async with httpx.AsyncClient(base_url=url) as world:
            assert "<form" in (await world.get(path)).text
            forged = path[:-1] + ("A" if path[-1] != "A" else "B")
            assert (await world.post(forged, data=CLICK)).status_code == 404
            assert (await client.suppressed())["entries"] == []
            for _ in range(2):
                assert (await world.post(path, data=CLICK)).status_code == 200
        (entry,) = (await client.suppressed())["entries"]
        who = (entry["address"], entry["tenant"], entry["lane"], entry["origin"])
        assert who == ("ann@x.example", "default", "bulk", "unsubscribe")

        stopped = await send(client, "bulk")
        await fleet.until(lambda b: b["suppressed"] == 1)
        assert (await client.timeline(stopped.id))["deliveries"][0]["state"] == "suppressed"
        await send(client, "transactional")
        await send(client, "bulk", "eva@x.example")
        balance = await fleet.until(lambda b: b["relayed"] == 4)
        assert (balance["suppressed"], balance["open"]) == (1, 0)
        arrived = [mail["recipients"] for mail in fleet.arrivals() if mail["sender"]]  # the other is a report
        assert sorted(arrived) == [["Ann@x.example"], ["Ann@x.example"], ["eva@x.example"]]

        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])

        def listed() -> None:
            with pytest.raises(SystemExit):
                main(lambda: app(["suppression", "list"]))

        await asyncio.to_thread(listed)
        assert "unsubscribe" in capsys.readouterr().out


async def test_mail_that_is_not_for_one_person_of_the_bulk_lane_is_sent_as_it_came(tmp_path: Path) -> None:
    own = b"List-Unsubscribe: <mailto:leave@shop.example>\r\n" + RAW
    given = {"SANDBOX__STORE_BODIES": "true"}
    at = UnsubscribeSection(url=OUTSIDE)
    async with suppressing(tmp_path, given, unsubscribe=at) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        await send(client, "transactional")
        await send(client, "standard")
        await send(client, "bulk", "ann@x.example", "eva@x.example")
        await send(client, "bulk", raw=own)
        await fleet.until(lambda b: b["relayed"] == 5)
        contents = captured(fleet)
        assert len(contents) == 4
        for content in contents:
            assert OUTSIDE.encode() not in content
            assert "list-unsubscribe-post" not in signed_fields(fleet, content)
        assert sum(own in content for content in contents) == 1
