"""An attempt in doubt is seen and decided over the real HTTP API and by the commands, while the fleet runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import build
from actors.journal_check import check_journal
from actors.main import app, main
from actors.sandbox_faults import Faults
from fastemailnet.client import AsyncClient, Client
from fastemailnet.errors import MessageError, NotFound
from fastemailnet.flashsync.frames import JOURNAL, NOT_NUMBERED, Outcome, Resolve, Verdict, decode_journal, encode
from fastemailnet.outcome import Kind
from tests.integration.test_a_fleet_in_one_process import House, house


@asynccontextmanager
async def doubtful(tmp_path: Path, faults: Faults, *recipients: str, **given: str) -> AsyncIterator[tuple[House, str]]:
    """A fleet with one unit in doubt, of two recipients unless others are named, and the URL of its gateway."""
    people = recipients or ("r@x.example", "bounce@x.example")
    async with house(tmp_path, faults, **given) as fleet:

        async def call(actor: str, method: str, *args: Any) -> Any:
            assert actor == "coordinator"
            return await getattr(fleet.coordinator, method)(*args)

        ports = {"http_port": 0, "smtp_port": 0}
        settings = fleet.settings.model_copy(update={"gateway": fleet.settings.gateway.model_copy(update=ports)})
        gateway = build.gateway(settings, call)
        http_port, _ = await gateway.start()
        try:
            fleet.start_node("a")
            fleet.accept(*people)
            await fleet.until(lambda b: b["in_doubt"] == len(people))
            yield fleet, f"http://127.0.0.1:{http_port}"
        finally:
            await gateway.close()
            await gateway.submissions.group.close()


async def test_everything_is_known_about_it_and_a_retry_sends_it_again(tmp_path: Path) -> None:
    # The first draw of this seed breaks the connection, the second does not.
    async with doubtful(tmp_path, Faults(break_after=0.5, seed=1)) as (fleet, url), AsyncClient(url) as client:
        (listed,) = await client.in_doubt()
        entry = await client.doubt(listed["id"])
        assert all(entry[key] == value for key, value in listed.items() if key != "recipients")
        assert {(one["recipient"], one["state"]) for one in entry["recipients"]} == {
            ("r@x.example", "in_doubt"),
            ("bounce@x.example", "bounced"),
        }
        assert (entry["sender"], entry["lane"], entry["attempt"], entry["node"]) == (
            "a@example.org",
            "standard",
            1,
            "a.1",
        )
        assert entry["host"] == "127.0.0.1"
        assert entry["intent_ms"] <= entry["since_ms"]
        assert entry["next"] == {"verdict": "retry", "at_ms": entry["since_ms"] + 60_000}
        assert "no reply" in entry["reason"]
        assert not entry["can_ask"]

        for verdict, reason, what in (
            ("forget", "r", "no verdict"),
            ("retry", " ", "no reason"),
            ("retry", "x" * 401, "401 characters"),
            ("ask", "r", "keeps no record that could be asked"),
        ):
            with pytest.raises(MessageError, match=what):
                await client.resolve(entry["id"], verdict, reason)
        assert len(await client.in_doubt()) == 1

        answer = await client.resolve(entry["id"], "retry", "not in their log")
        assert answer["resolved"] == {"verdict": "retry", "reason": "not in their log"}
        await fleet.until(lambda b: b["relayed"] == 1)
        (resolve,) = [frame for frame in fleet.frames() if isinstance(frame, Resolve)]
        assert (resolve.verdict, resolve.reason) == (Verdict.RETRY, "not in their log")
        for ask in (client.doubt(entry["id"]), client.resolve(entry["id"], "bounce", "too late")):
            with pytest.raises(NotFound, match="not in doubt"):
                await ask
        with pytest.raises(NotFound, match="no id"):
            await client.doubt("nonsense/..")


def commanded(*words: str) -> int | None:
    """Run a command as from a shell; its exit code."""
    try:
        main(lambda: app(["in-doubt", *words]))
    except SystemExit as end:
        return int(end.code or 0)
    return None


async def test_the_commands_show_and_decide_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    async with doubtful(tmp_path, Faults(break_after=1.0)) as (fleet, url):
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        (known,) = fleet.auditor.in_doubt()
        figures = tmp_path / "doubt.json"

        assert await asyncio.to_thread(commanded, "list") == 0
        assert known["id"] in capsys.readouterr().out
        assert await asyncio.to_thread(commanded, "show", known["id"], "--json", str(figures)) == 0
        told = capsys.readouterr().out
        for word in ("r@x.example (in_doubt)", "<a@example.org>", "127.0.0.1", "retry at ", "peer can be asked"):
            assert word in told
        assert f'"id": "{known["id"]}"' in figures.read_text()

        assert await asyncio.to_thread(commanded, "resolve", known["id"], "forget", "--reason", "r") == 1
        assert capsys.readouterr().err.count("\n") == 1
        assert await asyncio.to_thread(commanded, "resolve", known["id"], "bounce") == 2  # no reason
        capsys.readouterr()
        assert await asyncio.to_thread(commanded, "resolve", known["id"], "bounce", "--reason", "they are gone") == 0
        assert f"resolved {known['id']} verdict=bounce" in capsys.readouterr().out
        await fleet.until(lambda b: b["in_doubt"] == 0 and b["bounced"] == 2)
        assert await asyncio.to_thread(commanded, "show", known["id"]) == 1
        refused = capsys.readouterr().err
        assert "not in doubt" in refused
        assert refused.count("\n") == 1


@pytest.mark.parametrize("kinds", [(Kind.IN_DOUBT, Kind.BOUNCED), (Kind.RELAYED, Kind.BOUNCED)])
async def test_a_verdict_counts_unless_its_node_spoke_just_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: tuple[Kind, ...]
) -> None:
    async with doubtful(tmp_path, Faults(break_after=1.0), IN_DOUBT__STANDARD="hold") as (fleet, _):
        (doubt,) = fleet.auditor.in_doubt()
        (said,) = [frame for frame in fleet.frames() if isinstance(frame, Outcome) and Kind.IN_DOUBT in frame.kinds]
        append = fleet.coordinator.log.append

        def behind_the_nodes_word(stream: str, partition: int, records: list[bytes], **more: Any) -> Any:
            if stream == JOURNAL and isinstance(decode_journal(records[0]), Resolve):
                append(stream, partition, [encode(msgspec.structs.replace(said, kinds=kinds, seq=NOT_NUMBERED))])
            return append(stream, partition, records, **more)

        monkeypatch.setattr(fleet.coordinator.log, "append", behind_the_nodes_word)
        verdict = (doubt["journal"], doubt["intent"], "bounce", "they are gone")
        assert not await fleet.coordinator.resolve(*verdict)
        monkeypatch.setattr(fleet.coordinator.log, "append", append)
        is_in_doubt = Kind.IN_DOUBT in kinds
        assert bool(fleet.auditor.in_doubt()) is is_in_doubt
        assert await fleet.coordinator.resolve(*verdict) is is_in_doubt
        balance = await fleet.until(lambda b: b["in_doubt"] == 0)
        assert (balance["bounced"], balance["relayed"]) == ((2, 0) if is_in_doubt else (1, 1))
        assert check_journal(fleet.log).violations == []


async def test_the_synchronous_client_decides_too(tmp_path: Path) -> None:
    async with doubtful(tmp_path, Faults(break_after=1.0)) as (fleet, url):

        def decide() -> None:
            with Client(url) as client:
                (listed,) = client.in_doubt()
                assert client.doubt(listed["id"])["id"] == listed["id"]
                client.resolve(listed["id"], "assume-relayed", "seen")

        await asyncio.to_thread(decide)
        await fleet.until(lambda b: b["relayed"] == 1 and b["bounced"] == 1)
