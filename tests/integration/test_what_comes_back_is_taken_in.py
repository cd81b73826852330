"""A report by SMTP from a stranger, a complaint by command: facts of the ledger, the timeline, and the suppression list."""

import asyncio
import email
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.main import app, main
from fastemailnet.admission.networks import Networks
from fastemailnet.client import AsyncClient
from fastemailnet.config import BounceSection
from fastemailnet.envelope import Lane
from fastemailnet.message.dsn import Entry, Report, compose
from tests.integration.test_a_fleet_in_one_process import PATIENCE_S, House
from tests.integration.test_who_is_suppressed_is_not_written_to import entries, suppressing

DOMAIN = "bounce.a.example"
MAIL = b"From: News <news@a.example>\r\nTo: x@x.example\r\nSubject: Sale\r\n\r\nthe text\r\n"


@asynccontextmanager
async def listening(tmp_path: Path) -> AsyncIterator[tuple[House, AsyncClient, str]]:
    """A fleet with a bounce domain and one mail that was relayed; the mail's id."""
    async with suppressing(tmp_path, bounce=BounceSection(domain=DOMAIN)) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        sent = await client.send(MAIL, "news@a.example", ["eva@x.example"], lane=Lane.BULK)
        await fleet.until(lambda b: b["relayed"] == 1)
        yield fleet, client, sent.id


async def state_of(client: AsyncClient, message: str, wanted: str) -> dict[str, Any]:
    """The newest event of the delivery, once it has this state."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        (delivery,) = (await client.timeline(message))["deliveries"]
        if delivery["state"] == wanted:
            return dict(delivery["events"][-1])
        await asyncio.sleep(0.01)
    raise AssertionError(f"{delivery['state']} instead of {wanted}")


def bring(port: int, to: str, content: bytes) -> list[int]:
    """What a stranger hears who brings something to an address: the codes of RCPT and of the end."""
    with smtplib.SMTP("127.0.0.1", port) as peer:
        peer.ehlo()
        peer.mail("")
        code = peer.rcpt(to)[0]
        return [code] if code != 250 else [code, peer.data(content)[0]]


async def test_a_report_by_a_stranger_ends_on_the_suppression_list(tmp_path: Path) -> None:
    async with listening(tmp_path) as (fleet, client, message):
        (arrived,) = fleet.arrivals()
        path = str(arrived["sender"])
        assert path == f"b-{message.lower()}-0@{DOMAIN}"
        entry = Entry("someone.else@y.example", "", "failed", (5, 1, 1), "", "550 5.1.1 no such user", "mx.y.example")
        report = compose(Report("mx.x.example", path, "R1", 0, 0, 0, "", (entry,), b"From: a\r\n\r\n", 0))

        fleet.smtp_policy.networks = Networks(["192.0.2.0/24"])
        assert await asyncio.to_thread(bring, fleet.smtp_port, "news@a.example", report) == [550]
        assert await asyncio.to_thread(bring, fleet.smtp_port, f"b-nothing-0@{DOMAIN}", report) == [550]
        assert await asyncio.to_thread(bring, fleet.smtp_port, path, report) == [250, 250]

        event = await state_of(client, message, "dsn-failed")
        assert (event["code"], event["class"], event["source"]) == (550, "InvalidRecipient", "mx.x.example")
        (listed,) = await entries(client)
        assert (listed["address"], listed["origin"]) == ("eva@x.example", "hard-bounce")
        assert (await client.receipt(message)).startswith("c2sp.org/tlog-proof")
        balance = fleet.auditor.balance()
        assert (balance["relayed"], balance["bounced"], balance["difference"]) == (1, 0, 0)


async def test_a_complaint_by_command_counts_for_good_and_for_its_tenant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(tmp_path) as (_, client, message):
        folder = tmp_path / "loop"
        folder.mkdir()
        complaint = (
            b"From: <fbl@provider.example>\nContent-Type: multipart/report; report-type=feedback-report; boundary=B\n\n"
            b"--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Loop/1.0\n\n"
            b"--B\nContent-Type: text/rfc822-headers\n\nX-FEN-Message: " + message.encode() + b"\n--B--\n"
        )
        (folder / "complaint.eml").write_bytes(complaint)
        (folder / "holiday.eml").write_bytes(b"From: eva@x.example\nSubject: Out of office\n\nBack on Monday\n")

        def commanded() -> int | None:
            try:
                main(lambda: app(["ingest", str(folder)]))
            except SystemExit as end:
                return int(end.code or 0)
            return None

        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", str(client._http.base_url.port))
        assert await asyncio.to_thread(commanded) == 0
        told = capsys.readouterr().out.splitlines()
        assert [line.split()[:2] for line in told] == [["complaint", "1"], ["nothing", "0"]]

        await state_of(client, message, "complaint")
        (listed,) = await entries(client)
        assert (listed["address"], listed["origin"], listed["tenant"]) == ("eva@x.example", "complaint", "default")


async def test_a_report_about_nothing_that_was_sent_becomes_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path) as (_, client, message):
        entry = Entry("eva@x.example", "", "failed", (5, 1, 1), "", "550 no", "mx")
        stranger = b"X-FEN-Message: 01HZZZZZZZZZZZZZZZZZZZZZZZ\r\nFrom: a\r\n\r\n"
        report = compose(Report("mx", "a@a.example", "R1", 0, 0, 0, "", (entry,), stranger, 0))
        assert (await client.take_back(report))["notes"] == 1
        assert email.message_from_bytes(report).get_content_type() == "multipart/report"
        assert (await client.take_back(report.replace(b"X-FEN-Message", b"X-Other")))["notes"] == 0
        known = report.replace(b"01HZZZZZZZZZZZZZZZZZZZZZZZ", message.encode())
        assert (await client.take_back(known))["notes"] == 1
        await state_of(client, message, "dsn-failed")
        assert len(await entries(client)) == 1
