"""Reports over the real log, ledger, nodes and sockets: for whom, in which words, once wherever the ledger dies."""

import asyncio
import email
import smtplib
from pathlib import Path

import pytest
from flufl.bounce import all_failures

from actors import build
from actors.ledger import LedgerActor
from fastemailnet.envelope import decode_unit
from fastemailnet.errors import LedgerError
from fastemailnet.ledger.fact import Fact
from tests.integration.test_a_fleet_in_one_process import House, house
from tests.integration.test_who_is_suppressed_is_not_written_to import suppressing

MAIL = b"From: a@example.org\r\nTo: x@x.example\r\nSubject: hello\r\n\r\nthe text\r\n"


def reports(fleet: House) -> list[bytes]:
    """The reports that stand in the lanes."""
    units = [decode_unit(record) for _, record in fleet.log.fetch("mail.standard", 0, 0, 1_000)]
    return [unit.body for unit in units if not unit.reverse_path]


async def test_a_bounce_comes_back_to_its_sender_and_a_bounce_of_that_to_nobody(tmp_path: Path) -> None:
    async with suppressing(tmp_path) as (fleet, _):
        fleet.start_node("a")
        fleet.accept("bounce@x.example", "ok@x.example")
        await fleet.until(lambda b: (b["bounced"], b["relayed"]) == (1, 2))
        (report,) = reports(fleet)
        assert all_failures(email.message_from_bytes(report)) == (set(), {b"bounce@x.example"})
        assert b"Subject: " not in report or b"hello" not in report.partition(b"text/rfc822-headers")[2]
        told = next(a for a in fleet.arrivals() if a["sender"] == "")
        assert told["recipients"] == ["a@example.org"]

        # A sender whose own mailbox does not exist: its report bounces, and that is the end of it.
        fleet.accept("bounce@y.example", sender="bounce@x.example")
        balance = await fleet.until(lambda b: b["bounced"] + b["suppressed"] == 3)
        await asyncio.sleep(0.3)
        assert fleet.auditor.balance() == balance
        assert len(reports(fleet)) == 2


async def test_what_the_sender_asks_of_reports_is_heeded(tmp_path: Path) -> None:
    """NOTIFY, RET, ORCPT and ENVID through the SMTP listener, to a next hop without DSN."""
    async with suppressing(tmp_path) as (fleet, _):

        def submit() -> None:
            with smtplib.SMTP("127.0.0.1", fleet.smtp_port) as client:
                client.ehlo()
                assert client.has_extn("dsn")
                client.mail("a@example.org", ["RET=FULL", "ENVID=QQ+2B314"])
                client.rcpt("ok@x.example", ["NOTIFY=SUCCESS", "ORCPT=rfc822;Someone@else.example"])
                client.rcpt("bounce+never@x.example", ["NOTIFY=NEVER"])
                client.rcpt("bounce@x.example", ["NOTIFY=FAILURE,DELAY"])
                assert client.data(MAIL)[0] == 250

        await asyncio.to_thread(submit)
        fleet.start_node("a")
        await fleet.until(lambda b: b["relayed"] >= 3 and b["open"] == 0)
        failed, relayed = sorted(reports(fleet), key=lambda report: b"Action: relayed" in report)
        assert b"Original-Envelope-Id: QQ+314" in failed
        assert b"Action: failed" in failed
        assert b"never" not in failed
        assert b"the text" in failed
        assert b"Original-Recipient: rfc822; Someone@else.example" in relayed


async def test_a_mail_that_requires_tls_comes_back_from_a_host_that_has_none(tmp_path: Path) -> None:
    """RFC 8689 section 4.2.1: at once, and with the status code that says why."""
    async with suppressing(tmp_path) as (fleet, _):

        def submit() -> None:
            with smtplib.SMTP("127.0.0.1", fleet.smtp_port) as client:
                client.sendmail("a@example.org", ["ok@x.example"], b"X-FEN-TLS: required\r\n" + MAIL)

        await asyncio.to_thread(submit)
        fleet.start_node("a")
        await fleet.until(lambda b: (b["bounced"], b["relayed"]) == (1, 1))
        (report,) = reports(fleet)
        assert all_failures(email.message_from_bytes(report)) == (set(), {b"ok@x.example"})
        assert b"Status: 5.7.30" in report
        assert [a["recipients"] for a in fleet.arrivals()] == [["a@example.org"]]


async def test_a_delay_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastemailnet.delivery.retry import Schedule

    monkeypatch.setattr(build, "schedule", lambda settings: Schedule((("defer.1m", 200),)))
    async with suppressing(tmp_path) as (fleet, _):
        at_once = fleet.settings.dsn.model_copy(update={"delay_after_s": 0})
        fleet.settings = fleet.settings.model_copy(update={"dsn": at_once})
        fleet.start_node("a")
        fleet.accept("defer@x.example", notify="DELAY", expires_in_ms=2_000)
        await fleet.until(lambda b: b["expired"] == 1 and b["open"] == 0)
        (report,) = reports(fleet)
        assert b"Action: delayed" in report
        assert b"Will-Retry-Until: " in report


class Dying(LedgerActor):
    """Dies once everything that facts cause is done, and before it has kept that it read them."""

    def _step(self) -> int:
        self.keeper.append = self._die  # type: ignore[method-assign]
        return super()._step()

    def _die(self, facts: list[Fact], *_: object) -> None:
        raise LedgerError("died between the report and its mark")


async def test_a_ledger_that_dies_between_report_and_mark_reports_once(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        fleet.start_node("a")
        fleet.accept("bounce@x.example")
        await fleet.until(lambda b: b["bounced"] == 1)
        for _ in range(2):
            with pytest.raises(LedgerError, match="died between"):
                await Dying(**build.ledger_parts(fleet.settings)).run()
            assert len(reports(fleet)) == 1
        fleet.tasks.append(asyncio.create_task(LedgerActor(**build.ledger_parts(fleet.settings)).run()))
        await fleet.until(lambda b: (b["relayed"], b["bounced"], b["open"]) == (1, 1, 0))
        fleet.accept("bounce@y.example")
        await fleet.until(lambda b: (b["relayed"], b["bounced"], b["open"]) == (2, 2, 0))
        assert len(reports(fleet)) == 2
