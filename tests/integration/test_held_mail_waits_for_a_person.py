"""Held mail is seen, released and rejected over the real log, ledger, node, sockets and HTTP API: once, whoever dies when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from actors import build
from actors.bodies import Bodies
from actors.clock import wall_ms
from actors.coordinator import CoordinatorActor
from actors.journal_check import check_journal
from actors.ledger import LedgerActor
from actors.main import app, main
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.client import AsyncClient
from fastemailnet.delivery.suppression import DAY_MS
from fastemailnet.envelope import Lane, Position, Recipient, Unit, encode_unit
from fastemailnet.errors import BlobMissing, FleetError, NotFound
from fastemailnet.flashsync.frames import JOURNAL, Deferral, Resolve, Verdict, encode
from fastemailnet.flashsync.snapshot import SNAPSHOT
from models.spam import data
from tests.integration.test_a_fleet_in_one_process import House, house

BAD = (0.05, 0.15, 0.8)
TIER = "defer.now.standard"


@dataclass
class Quarantined:
    """A fleet with gateways and a ledger, and what stands between the gateways and the coordinator."""

    fleet: House
    ledger: LedgerActor
    urls: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # of the next reviews: the call, or its answer

    async def call(self, actor: str, method: str, *args: Any) -> Any:
        """Reach a process, or not."""
        lost = self.lost.pop(0) if method == "review" and self.lost else ""
        if lost == "call":
            raise FleetError("coordinator cannot be reached")
        answer = await getattr({"coordinator": self.fleet.coordinator, "ledger": self.ledger}[actor], method)(*args)
        if lost == "answer":
            raise FleetError("coordinator cannot be reached")
        return answer

    async def hold(self, *recipients: str, **given: Any) -> str:
        """Accept one mail that the gate holds; its id among what is held."""
        before = self.fleet.auditor.balance()["held"]
        self.fleet.accept(*recipients, **given)
        await self.fleet.until(lambda b: b["held"] == before + len(recipients))
        newest = max(self.fleet.auditor.fold.held.values(), key=lambda entry: entry.spot)
        return f"{newest.spot[0]}-{newest.spot[1]}"

    def copies(self) -> int:
        """How many copies stand in the tier, orphans with them."""
        return self.fleet.log.end(TIER, 0)

    def decisions(self) -> list[Verdict]:
        """Every RESOLVE, void ones with them."""
        return [frame.verdict for frame in self.fleet.frames() if isinstance(frame, Resolve)]

    def is_sound(self) -> None:
        """What a check of the whole log says."""
        assert check_journal(self.fleet.log).violations == []
        assert self.fleet.auditor.balance()["difference"] == 0


@asynccontextmanager
async def quarantine(tmp_path: Path, gateways: int = 1, **given: str) -> AsyncIterator[Quarantined]:
    """A fleet of one node whose gate takes every mail for phish."""
    async with house(tmp_path, CLASSIFIER__HOLD_THRESHOLD="0.5", **given) as fleet:
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))
        built = Quarantined(fleet, ledger)
        ports = {"http_port": 0, "smtp_port": 0}
        settings = fleet.settings.model_copy(update={"gateway": fleet.settings.gateway.model_copy(update=ports)})
        doors = [build.gateway(settings, built.call) for _ in range(gateways)]
        built.urls = [f"http://127.0.0.1:{(await door.start())[0]}" for door in doors]
        fleet.start_node("a", BAD)
        try:
            yield built
        finally:
            for door in doors:
                await door.close()
                await door.submissions.group.close()


async def test_what_is_held_is_listed_by_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        of_acme = [await held.hold("r@x.example", tenant="acme") for _ in range(2)]
        of_other = await held.hold("s@x.example", tenant="other")
        of_acme.append(await held.hold("t@x.example", tenant="acme"))
        page = await client.held(tenant="acme")
        assert [(entry["id"], entry["tenant"]) for entry in page["entries"]] == [(one, "acme") for one in of_acme]
        assert (page["next"], page["attempts"]) == (None, 4)
        first = await client.held(tenant="acme", limit=2)
        assert [entry["id"] for entry in first["entries"]] == of_acme[:2]
        assert [e["id"] for e in (await client.held(first["next"], tenant="acme"))["entries"]] == of_acme[2:]
        assert [entry["id"] for entry in (await client.held(tenant="other"))["entries"]] == [of_other]
        assert (await client.held(tenant="acme "))["entries"] == []
        monkeypatch.setattr("actors.quarantine.MAX_LOOKS", 1)
        assert ((short := await client.held(tenant="other"))["entries"], short["next"]) == ([], of_acme[0])
        monkeypatch.undo()
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", held.urls[0].rpartition(":")[2])
        with pytest.raises(SystemExit):
            await asyncio.to_thread(main, lambda: app(["held", "list", "--tenant", "other"]))
        told = capsys.readouterr().out
        assert "tenant" in told
        assert "other" in told
        assert of_other in told
        assert not any(one in told for one in of_acme)


async def test_what_is_released_is_sent_and_what_is_rejected_is_not(tmp_path: Path, over: dict[str, str]) -> None:
    async with quarantine(tmp_path, **over) as held, AsyncClient(held.urls[0]) as client:
        good = await held.hold("r@x.example", "s@x.example")
        bad = await held.hold("t@x.example")
        page = await client.held()
        assert (page["attempts"], page["deliveries"], page["next"]) == (2, 3, None)
        assert [entry["id"] for entry in page["entries"]] == [good, bad]
        assert (await client.held(limit=1))["next"] == good
        assert [entry["id"] for entry in (await client.held(after=good))["entries"]] == [bad]

        entry = await client.quarantined(good)
        assert entry["reason"] == "held by the spam gate: phish score 0.950"
        assert (entry["scores"], entry["text"], entry["sender"]) == ([0.05, 0.15, 0.8], "hello", "a@example.org")
        assert entry["headers"]["From"] == "a@example.org"
        assert [one["recipient"] for one in entry["recipients"]] == ["r@x.example", "s@x.example"]
        message = entry["message"]
        assert {d["state"] for d in (await client.timeline(message))["deliveries"]} == {"held"}

        answer = await client.review(good, "release", "a customer")
        assert answer["reviewed"] == {"verdict": "release", "reason": "a customer", "label": "ham"}
        await held.fleet.until(lambda b: (b["held"], b["relayed"]) == (1, 2))
        answer = await client.review(bad, "reject", "a fraud")
        assert answer["reviewed"]["label"] == "phish"
        balance = await held.fleet.until(lambda b: b["held"] == 0)
        assert (balance["relayed"], balance["rejected"], balance["accepted"], balance["deferred"]) == (2, 1, 3, 0)

        (arrival,) = held.fleet.arrivals()
        assert arrival["recipients"] == ["r@x.example", "s@x.example"]
        assert str(arrival["message"]) == message
        for delivery in (await client.timeline(message))["deliveries"]:
            assert [(one["state"], one["attempt"]) for one in delivery["events"]] == [
                ("held", 1),
                ("released", 1),
                ("relayed", 2),
            ]
            assert delivery["events"][1]["reason"] == "a customer"
            assert delivery["events"][2]["gate"] == "released: a customer"
        (rejected,) = (await client.timeline(answer["message"]))["deliveries"]
        assert [one["state"] for one in rejected["events"]] == ["held", "rejected"]
        assert rejected["events"][1]["label"] == "phish"

        for late, verdict, past in (
            (good, "reject", "released"),
            (good, "release", "released"),
            (bad, "release", "rejected"),
        ):
            with pytest.raises(NotFound, match=f"{late} is not held any more: it was {past} before"):
                await client.review(late, verdict, "too late")
        assert held.copies() == 1
        assert held.decisions() == [Verdict.RELEASE, Verdict.REJECT]
        held.is_sound()


async def test_two_people_who_release_at_one_moment_send_one_mail(tmp_path: Path, over: dict[str, str]) -> None:
    async with quarantine(tmp_path, gateways=2, **over) as held:
        one = await held.hold("r@x.example")
        async with AsyncClient(held.urls[0]) as first, AsyncClient(held.urls[1]) as second:
            asked = (client.review(one, "release", name) for client, name in ((first, "first"), (second, "second")))
            answers = await asyncio.gather(*asked, return_exceptions=True)
        (refused,) = [answer for answer in answers if isinstance(answer, NotFound)]
        assert "it was released before (" in str(refused)
        await held.fleet.until(lambda b: b["relayed"] == 1)
        assert held.copies() == 2  # both had made a copy; one of them is an orphan
        held.is_sound()
        assert len(held.fleet.arrivals()) == 1


async def test_a_second_decision_of_a_deposed_coordinator_has_no_copy_sent_and_no_leaf(tmp_path: Path) -> None:
    """It had read that the mail is held, and appends its RESOLVE behind that of its successor; the ledger dies in between."""
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        fleet = held.fleet
        one = await held.hold("r@x.example")
        partition, outcome = map(int, one.split("-"))
        entry = fleet.auditor.fold.held[partition, outcome]
        unit = fleet.auditor.unit(entry.place)
        assert unit is not None
        message = (await client.quarantined(one))["message"]
        await client.review(one, "release", "a customer")
        await fleet.until(lambda b: b["relayed"] == 1)
        first = await client.timeline(message)
        held.ledger.keeper.close()
        fleet.tasks[1].cancel()

        (frame,) = [frame for frame in fleet.frames() if isinstance(frame, Resolve)]
        copy = msgspec.structs.replace(unit, attempt=2, source=entry.place, released="again")
        (offset,) = fleet.log.append(TIER, 0, [encode_unit(copy)])
        second = Deferral(Position(TIER, 0, offset), entry.place, 2, 0, 1)
        fleet.log.append(JOURNAL, partition, [encode(msgspec.structs.replace(frame, deferral=second))])
        fleet.log.append(
            JOURNAL, partition, [encode(msgspec.structs.replace(frame, deferral=None, verdict=Verdict.REJECT))]
        )
        held.ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(held.ledger.run()))
        await held.hold("s@x.example")
        await held.ledger.reach(fleet.auditor.journal_positions())
        assert await client.timeline(message) == first
        assert len(fleet.arrivals()) == 1
        held.is_sound()


@pytest.mark.parametrize(("lost", "copies"), [("call", 2), ("answer", 1)])
async def test_a_release_whose_call_or_answer_is_lost_sends_one_mail(tmp_path: Path, lost: str, copies: int) -> None:
    """Lost between the copy and the RESOLVE, the copy is an orphan and the client tries again; behind it, it is told so."""
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        one = await held.hold("r@x.example")
        held.lost = [lost]
        if lost == "call":
            await client.review(one, "release", "a customer")
        else:
            with pytest.raises(NotFound, match=r"it was released before \(a customer\)"):
                await client.review(one, "release", "a customer")
        await held.fleet.until(lambda b: (b["relayed"], b["held"]) == (1, 0))
        assert held.copies() == copies
        assert len(held.fleet.arrivals()) == 1
        held.is_sound()


async def test_a_gateway_that_dies_before_the_decision_leaves_the_mail_held(tmp_path: Path) -> None:
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        one = await held.hold("r@x.example")
        held.lost = ["call"] * 6
        with pytest.raises(FleetError):
            await client.review(one, "release", "a customer")
        assert held.copies() == 6
        assert (await client.held())["attempts"] == 1
        await asyncio.sleep(0.3)
        assert not (tmp_path / "inbox" / "received.jsonl").exists() or not held.fleet.arrivals()
        held.is_sound()
        await client.review(one, "reject", "a fraud")
        await held.fleet.until(lambda b: (b["rejected"], b["held"]) == (1, 0))
        held.is_sound()


async def test_the_next_coordinator_sends_what_was_released_before_it_came(tmp_path: Path) -> None:
    """The first dies between the RESOLVE and the lease, and leaves a snapshot that its successor cannot read."""
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        fleet = held.fleet
        one = await held.hold("r@x.example")
        fleet.tasks.pop(0).cancel()
        await asyncio.sleep(0)
        await client.review(one, "release", "a customer")
        assert fleet.auditor.balance()["deferred"] == 1
        fleet.log.append(SNAPSHOT, 0, [b"\x91\x01"])
        fleet.coordinator = CoordinatorActor(build.log(fleet.settings), build.policy(fleet.settings))
        fleet.tasks.append(asyncio.create_task(fleet.coordinator.run()))
        await fleet.until(lambda b: b["relayed"] == 1)
        assert len(fleet.arrivals()) == 1
        held.is_sound()


async def test_mail_that_expired_while_it_was_held_is_sent(tmp_path: Path) -> None:
    async with quarantine(tmp_path) as held, AsyncClient(held.urls[0]) as client:
        one = await held.hold("r@x.example", expires_in_ms=1_500)
        await asyncio.sleep(1.6)
        await client.review(one, "release", "a customer")
        await held.fleet.until(lambda b: b["relayed"] == 1)
        held.is_sound()


async def test_a_large_body_is_kept_for_as_long_as_its_release_lives(tmp_path: Path) -> None:
    large = Bodies(FolderBlobs(tmp_path / "blobs"), inline_octets=10)
    now_ms = wall_ms()
    people = (Recipient("r@x.example", 0),)
    accepted_ms = now_ms - 6 * DAY_MS
    given = Unit(
        b"m" * 16, Lane.BULK, "", accepted_ms, accepted_ms + 5 * DAY_MS, "", people, "x.example", False, b"x" * 99
    )
    (unit,) = await large.put_out([given])
    copy = await large.renew(unit, now_ms)
    assert copy.blob != unit.blob
    await large.sweep(now_ms + 4 * DAY_MS)
    assert (await large.bring_in(copy)).body == given.body
    with pytest.raises(BlobMissing):
        await large.renew(unit, now_ms)


def commanded(*words: str) -> int | None:
    """Run a command as from a shell; its exit code."""
    try:
        main(lambda: app(["held", *words]))
    except SystemExit as end:
        return int(end.code or 0)
    return None


async def test_the_commands_show_decide_and_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    async with quarantine(tmp_path) as held:
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", held.urls[0].rpartition(":")[2])
        good, bad = await held.hold("r@x.example"), await held.hold("t@x.example")
        figures, raw, labelled = (tmp_path / name for name in ("held.json", "held.eml", "reviewed.parquet"))

        async def told(*words: str, code: int = 0) -> tuple[str, str]:
            assert await asyncio.to_thread(commanded, *words) == code
            return capsys.readouterr()

        out, _ = await told("list", "--json", str(figures))
        assert good in out
        assert "phish score 0.950" in out
        assert out.splitlines()[-1].startswith("held attempts=2 deliveries=2 shown=2 oldest=")
        assert len(msgspec.json.decode(figures.read_bytes())["entries"]) == 2
        out, _ = await told("show", good, "--raw", str(raw))
        for word in ("a@example.org", "r@x.example", "ham 0.0500, spam 0.1500, phish 0.8000", "hello"):
            assert word in out
        assert b"\r\n\r\nhello\r\n" in raw.read_bytes()

        await told("release", good, code=2)  # no reason
        _, err = await told("release", good, "--reason", " ", code=1)
        assert "no reason" in err
        out, err = await told("release", good, "9-9", "--reason", "a customer", code=1)
        assert f"release {good} as ham" in out
        assert out.splitlines()[-1] == "release decided=1 deliveries=1 refused=1"
        assert "9-9 holds no mail" in err
        out, _ = await told("reject", bad, "--reason", "a fraud", "--label", "spam", "--json", str(figures))
        assert out.splitlines()[-1] == "reject decided=1 deliveries=1 refused=0"
        _, err = await told("reject", good, "--reason", "r", code=1)
        assert "it was released before (a customer)" in err
        _, err = await told("show", bad, code=1)
        assert "it was rejected before (a fraud)" in err
        out, _ = await told("list")
        assert out.splitlines()[-1] == "held attempts=0 deliveries=0 shown=0 oldest=none"

        out, _ = await told("export", str(labelled), "--json", str(figures))
        assert out.strip() == "export rows=2 ham=1 spam=1 phish=0 missing=0"
        rows = pq.read_table(labelled).to_pylist()
        assert [(row["label"], row["reason"], row["p_phish"]) for row in rows] == [
            ("ham", "a customer", 0.8),
            ("spam", "a fraud", 0.8),
        ]
        assert rows[0]["raw"] == raw.read_bytes()
        examples = data.from_parquet(labelled)  # what training reads
        assert [(one.label, one.source, one.split, one.lang) for one in examples] == [
            ("ham", "review", "train", "und"),
            ("spam", "review", "train", "und"),
        ]
        assert "hello" in examples[0].text
        await held.fleet.until(lambda b: (b["relayed"], b["rejected"], b["held"]) == (1, 1, 0))
        held.is_sound()
