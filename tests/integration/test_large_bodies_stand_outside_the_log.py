"""A body over the inline limit stands in a store of its own: log, copies and keys do without it, and the mail arrives whole."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

from actors.clock import wall_ms
from actors.journal_check import check_journal
from fastemailnet.admission.submission import Accepted, Submission
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.client import AsyncClient
from fastemailnet.delivery import retry
from fastemailnet.envelope import LANES, Lane, Unit, decode_unit, encode_unit
from fastemailnet.errors import IdempotencyConflict
from fastemailnet.flashsync.frames import Outcome
from fastemailnet.ledger.fact import LeafType, decode_facts
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.native import Native, encode_native
from fastemailnet.outcome import Kind
from tests.integration import gateway_world
from tests.integration.body_writer import MAIL, submissions
from tests.integration.s3_world import S3Server
from tests.integration.test_a_fleet_in_one_process import House, house

INLINE = {"BLOBS__INLINE_OCTETS": "10000"}
LINES = b"".join(b"%070d\r\n" % number for number in range(3_000))


def large(*to: str) -> bytes:
    """A message of 216 KB."""
    return b"From: a@s.example\r\nTo: " + ", ".join(to).encode() + b"\r\nSubject: large\r\n\r\n" + LINES


@dataclass
class Scene:
    """A fleet with a gateway."""

    fleet: House
    client: AsyncClient
    url: str
    folder: Path

    async def send(self, *to: str, key: str = "") -> Accepted:
        return await self.client.send(large(*to), idempotency_key=key)

    def units(self, *streams: str) -> list[Unit]:
        found = self.fleet.log.ends(*(streams or LANES))
        records = [record for where in found for _, record in self.fleet.log.fetch(*where, 0, 1_000)]
        return [decode_unit(record) for record in records]

    def files(self) -> list[Path]:
        return [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]

    def reasons(self, kind: LeafType) -> list[str]:
        outcomes = [frame for frame in self.fleet.frames() if isinstance(frame, Outcome)]
        facts = [fact for outcome in outcomes for fact in decode_facts(outcome.evidence) if fact.type is kind]
        return [str(fact.detail["reason"]) for fact in facts]


@asynccontextmanager
async def scene(tmp_path: Path, **given: str) -> AsyncIterator[Scene]:
    """The fleet has no nodes yet."""
    given = INLINE | given
    async with (
        house(tmp_path, **given) as fleet,
        gateway_world.running(fleet.log, FLEET__DATA=str(tmp_path), **given) as gateway,
        gateway.client() as client,
    ):
        yield Scene(fleet, client, gateway.url, tmp_path)


@pytest.mark.parametrize("store", ["folder", "bucket"])
async def test_a_large_mail_arrives_whole_and_the_log_stays_small(
    tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue("s3").settings(tmp_path) if store == "bucket" else {}
    async with scene(tmp_path, SANDBOX__STORE_BODIES="true", **given) as here:
        await here.send("r@x.example", "s@y.example")
        await here.client.send(b"From: a@s.example\r\nTo: small@x.example\r\n\r\nsmall\r\n")
        outside = [unit for unit in here.units() if unit.blob is not None]
        assert len(outside) == 2
        assert {(unit.body, unit.blob) for unit in outside} == {(b"", outside[0].blob)}
        for where in here.fleet.log.ends(*LANES):
            assert sum(len(record) for _, record in here.fleet.log.fetch(*where, 0, 10)) < 3_000
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["relayed"] == 3)
        arrived = sorted((tuple(line["recipients"]), line["octets"] > len(LINES)) for line in here.fleet.arrivals())  # type: ignore[arg-type, operator]
        assert arrived == [(("r@x.example",), True), (("s@y.example",), True), (("small@x.example",), False)]
        kept = [path.read_bytes() for path in (tmp_path / "inbox").rglob("*") if path.stat().st_size > len(LINES)]
        assert {content.partition(b"\r\n\r\n")[2] for content in kept} == {LINES}
        assert len(here.files()) == (1 if store == "folder" else 0)
        assert check_journal(here.fleet.log, tmp_path / "inbox" / "received.jsonl").violations == []


async def test_a_copy_carries_the_reference(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.send("defer@x.example", "ok@x.example")
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["relayed"] == 1 and b["deferred"] == 1)
        (accepted,), (copy,) = here.units(), here.units("defer.1m")
        assert copy.blob == accepted.blob is not None
        assert copy.body == b""
        assert len(here.files()) == 1
        assert check_journal(here.fleet.log).violations == []


async def test_a_body_that_is_missing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "TIERS", (("defer.1m", 300), ("defer.5m", 300), ("defer.20m", 300)))
    async with scene(tmp_path) as here:
        await here.send("r@x.example")
        (tmp_path / "blobs").rename(tmp_path / "not mounted")
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["deferred"] == 1)
        assert "is not in" in here.reasons(LeafType.DEFERRED)[0]
        shutil.rmtree(tmp_path / "blobs", ignore_errors=True)
        (tmp_path / "not mounted").rename(tmp_path / "blobs")
        balance = await here.fleet.until(lambda b: b["relayed"] == 1)
        assert (balance["open"], balance["deferred"], len(here.fleet.arrivals())) == (0, 0, 1)
        assert check_journal(here.fleet.log).violations == []


async def test_an_altered_body_is_never_sent_and_ends_as_dead(tmp_path: Path) -> None:
    async with scene(tmp_path) as here:
        await here.send("r@x.example")
        (file,) = here.files()
        file.write_bytes(file.read_bytes()[:-2] + b"!\n")
        await here.client.send(b"From: a@s.example\r\nTo: small@x.example\r\n\r\nsmall\r\n")
        here.fleet.start_node("a")
        balance = await here.fleet.until(lambda b: b["dead"] == 1 and b["relayed"] == 1)
        assert balance["open"] == 0
        assert "was altered: its SHA-256 is another; kept as dead/0@0" in here.reasons(LeafType.FAILED)[0]
        ((_, kept),) = here.fleet.log.fetch("dead", 0, 0, 10)
        assert "was altered" in json.loads(kept)["reasons"][0]
        assert [line["recipients"] for line in here.fleet.arrivals()] == [["small@x.example"]]


@pytest.mark.parametrize("is_up", [True, False])
async def test_a_large_foreign_record_is_copied_with_a_reference_where_that_can_be_made(
    tmp_path: Path, is_up: bool
) -> None:
    given = {} if is_up else {"BLOBS__URL": f"file:{tmp_path}/file/blobs"}
    (tmp_path / "file").write_bytes(b"")
    async with scene(tmp_path, **given) as here:
        to = (("fen-to", b"defer@x.example, a@y.example"),)
        here.fleet.log.append(Lane.BULK.stream, 0, [encode_native(Native(to, wall_ms(), large("any@x.example")))])
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["relayed"] == 1 and len(here.units("defer.1m")) == 1)
        copies = here.units("defer.now.bulk", "defer.1m")
        assert [len(copy.body) > len(LINES) for copy in copies] == [not is_up] * 3
        assert len({copy.body_sha256 for copy in copies}) == 1
        assert check_journal(here.fleet.log).violations == []


async def test_a_store_that_is_away_refuses_for_now_and_takes_nothing(tmp_path: Path, s3: S3Server) -> None:
    async with scene(tmp_path, **s3.settings(tmp_path)) as here:
        s3.stop()
        async with httpx.AsyncClient(base_url=here.url) as client:
            raw = {"content-type": "message/rfc822"}
            answer = await client.post("/v1/messages", content=large("r@x.example"), headers=raw, timeout=60)
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "BlobError")
        assert here.units() == []
        s3.start()
        await here.send("r@x.example")
        s3.stop()
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["deferred"] == 1)
        assert "cannot read" in here.reasons(LeafType.DEFERRED)[0]


async def test_a_key_is_compared_without_the_body(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log")
    first = await submissions(tmp_path, log).submit(MAIL)
    shutil.rmtree(tmp_path / "blobs")
    anew = submissions(tmp_path, log)
    await anew.recall()
    again = await anew.submit(MAIL)
    assert (again.id, again.replayed) == (first.id, True)
    other = Submission(MAIL.message + b"more\r\n", MAIL.reverse_path, MAIL.recipients, idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        await anew.submit(other)
    log.close()


async def test_a_body_whose_gateway_died_before_the_record_harms_nobody(tmp_path: Path) -> None:
    writer = [sys.executable, "-m", "tests.integration.body_writer", str(tmp_path)]
    died = await asyncio.to_thread(subprocess.run, writer, check=False, timeout=60)
    assert died.returncode == -9
    (orphan,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    log = EmbeddedLog(tmp_path / "log")
    assert log.ends(*LANES) == {}
    gateway = submissions(tmp_path, log)
    await gateway.recall()
    accepted = await gateway.submit(MAIL)
    assert not accepted.replayed
    ((_, record),) = log.fetch(Lane.STANDARD.stream, 0, 0, 10)
    blob = decode_unit(record).blob
    assert blob is not None
    store = FolderBlobs(tmp_path / "blobs")
    assert store.get(blob.key).endswith(MAIL.message)
    assert str(orphan) != str(store.folder / blob.key)
    assert store.sweep(wall_ms()) == 0
    assert store.sweep(wall_ms() + 9 * 86_400_000) >= 1
    assert list(store.folder.iterdir()) == []
    log.close()


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_large_mail_that_expires_before_anybody_looked_into_it_comes_back_with_its_header(
    tmp_path: Path, is_kept: bool
) -> None:
    """As mail does that is put off, suspended or behind others, for as long as it may live."""
    async with scene(tmp_path) as here:
        await here.send("r@x.example")
        (unit,) = here.units()
        late = msgspec.structs.replace(unit, message=b"m" * 16, expires_ms=wall_ms() - 1)
        if not is_kept:
            shutil.rmtree(tmp_path / "blobs")
        here.fleet.log.append(unit.lane.stream, 0, [encode_unit(late)])
        here.fleet.start_node("a")
        await here.fleet.until(lambda b: b["expired"] == 1)
        (outcome,) = [x for x in here.fleet.frames() if isinstance(x, Outcome) and Kind.EXPIRED in x.kinds]
        (report,) = map(decode_unit, outcome.reports)
        assert b"Final-Recipient: rfc822; r@x.example" in report.body
        assert (b"Subject: large" in report.body.partition(b"text/rfc822-headers")[2]) is is_kept
        assert len(report.body) < 10_000
