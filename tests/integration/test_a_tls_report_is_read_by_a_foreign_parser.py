"""Sessions of real connections go through the facts of the journal into reports, which parsedmarc reads."""

import gzip
from pathlib import Path

import parsedmarc  # type: ignore[import-untyped]  # it has no stubs
import pytest
from typer.testing import CliRunner

from actors.evidence import evidence
from actors.main import app
from fastemailnet.delivery.tls_report import encode_sessions
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.flashsync.frames import JOURNAL, NO_INTENT, Outcome, encode
from fastemailnet.ledger.fact import Flag
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.net.delivery import Delivery
from tests.integration.test_mta_sts_protects_a_domain import policy, world

NOON_MS = 1_769_860_800_000  # 2026-01-31 12:00 UTC
DAY = "2026-01-31"
RECIPIENTS = (Recipient("rcpt@a.test", 0),)


def frame(delivery: Delivery, at_ms: int, offset: int) -> bytes:
    """What a node writes about a delivery."""
    unit = Unit(bytes(16), Lane.BULK, "t", 0, at_ms, "from@x.test", RECIPIENTS, "a.test", False, b"x\r\n")
    facts = evidence(
        unit,
        1,
        delivery.outcomes,
        at_ms=at_ms,
        content_sha256=bytes(32),
        flags=Flag.TLS,
        where=delivery.where(),
        sessions=encode_sessions(delivery.sessions),
    )
    kinds = tuple(outcome.kind for outcome in delivery.outcomes)
    return encode(Outcome(1, offset, 1, "n1", 1, at_ms, NO_INTENT, kinds, None, facts))


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """Two sessions on the day, one of them failed; one frame written twice; one session the day after."""
    frames = []
    for number, mail in enumerate((("mx.test",), ("other.test",))):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with world(folder, policy("enforce", "*.test"), mail=mail) as w:
            frames.append(frame(await w.deliver(), NOON_MS, number))
    frames += [frames[0], frame(Delivery([]), NOON_MS, 7), frames[1].replace(b"n1", b"n2")]
    async with world(tmp_path, policy("enforce", "*.test")) as w:
        frames.append(frame(await w.deliver(), NOON_MS + 86_400_000, 9))
    log = EmbeddedLog(tmp_path / "data" / "log")
    log.append(JOURNAL, 0, frames[:3])
    log.append(JOURNAL, 1, frames[3:])
    log.close()
    return tmp_path / "data"


def run(data: Path, *arguments: str) -> str:
    environ = {"FASTEMAILNET_FLEET__DATA": str(data), "FASTEMAILNET_GATEWAY__HOSTNAME": "mail.example.net"}
    told = CliRunner().invoke(app, ["tls-report", *arguments], env=environ)
    assert told.exit_code == 0, told.output
    return told.stdout if "--domain" in arguments else told.stderr


async def test_a_day_of_one_domain_is_printed(journal: Path) -> None:
    read = parsedmarc.parse_smtp_tls_report_json(run(journal, "--day", DAY, "--domain", "a.test"))
    assert (read["organization_name"], read["contact_info"]) == ("mail.example.net", "postmaster@mail.example.net")
    [one] = read["policies"]
    assert (one["policy_type"], one["policy_domain"], one["policy_strings"][1]) == ("sts", "a.test", "mode: enforce")
    assert (one["successful_session_count"], one["failed_session_count"]) == (1, 2)
    [failure] = one["failure_details"]
    assert (failure["result_type"], failure["failed_session_count"]) == ("certificate-host-mismatch", 2)
    assert (failure["receiving_mx_hostname"], failure["receiving_ip"]) == ("mx.test", "127.0.0.1")


async def test_reports_are_written_as_the_rfc_names_them(journal: Path, tmp_path: Path) -> None:
    told = run(journal, "--day", DAY, "--out", str(tmp_path / "reports"))
    assert told.endswith("tls-report day=2026-01-31 domains=1 sessions=1 failed=2\n")
    [file] = (tmp_path / "reports").iterdir()
    assert file.name == "mail.example.net!a.test!1769817600!1769903999.json.gz"
    read = parsedmarc.parse_smtp_tls_report_json(gzip.decompress(file.read_bytes()))
    assert read["begin_date"] == "2026-01-31T00:00:00Z"


async def test_another_day_has_its_own_sessions_or_none(journal: Path) -> None:
    assert "sessions=1 failed=0" in run(journal, "--day", "2026-02-01")
    assert "domains=0 sessions=0 failed=0" in run(journal, "--day", "2026-02-02")
