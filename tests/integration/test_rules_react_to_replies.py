"""Replies, rules and people's words over the real log, nodes, name server, sockets and HTTP API: who waits and who goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors import build
from actors.clock import wall_ms
from actors.ledger import LedgerActor
from actors.main import app, main
from actors.shaping import Shaping
from fastemailnet.client import AsyncClient
from fastemailnet.config import Settings
from fastemailnet.delivery import retry
from fastemailnet.delivery.retry import Schedule
from fastemailnet.delivery.shaping.frames import FOR_GOOD, STREAM, Suspend, encode_frame, scope_of
from fastemailnet.delivery.shaping.limits import Shape
from fastemailnet.delivery.shaping.policy import Site
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.errors import FleetError, MessageError, NotFound
from fastemailnet.flashsync.frames import Outcome as OutcomeFrame
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.shaping_files import read_policy
from tests.integration.dns_world import naming
from tests.integration.test_a_fleet_in_one_process import House, house

ZONE = {
    "x.example. MX": ["10 mx1.big.test."],
    "y.example. MX": ["10 mx1.big.test."],
    "z.example. MX": ["10 mx.small.test."],
    "mx1.big.test. A": ["127.0.0.1"],
    "mx.small.test. A": ["127.0.0.1"],
}
SLOW = """
["x.example"]
connection_limit = 7

[provider."big"]
match = [{MXSuffix = ".big.test"}]

[[provider."big".automation]]
regex = "451 4\\\\.7\\\\.1 greylisted"
action = ["Suspend", {SetConfig={name="max_deliveries_per_connection", value=1}}]
duration = "1h"
"""
GONE = """
[[default.automation]]
regex = "^550 5.1.1 no such mailbox"
action = "Bounce"
duration = "1h"
"""
SITE = "mx1.big.test"


@asynccontextmanager
async def shaping(tmp_path: Path, rules: str, **environ: str) -> AsyncIterator[tuple[House, str]]:
    """A fleet that routes by MX and has rules, with its ledger and gateway. ``environ``: more settings, as of ``house``."""
    (tmp_path / "own.toml").write_text(rules)
    async with naming(ZONE) as (dns, _), house(tmp_path, **environ) as fleet:
        given: dict[str, dict[str, Any]] = {
            "route": {"kind": "mx", "port": fleet.settings.sandbox.smtp_port, "allow_loopback": True},
            "dns": {"servers": ("127.0.0.1",), "port": dns.resolver.port},
            "tls": {"mta_sts": False},
            "gateway": {"http_port": 0, "smtp_port": 0},
            "shaping": {"files": (tmp_path / "own.toml",)},
        }
        changed = {name: getattr(fleet.settings, name).model_copy(update=values) for name, values in given.items()}
        fleet.settings = fleet.settings.model_copy(update=changed)
        ledger = LedgerActor(**build.ledger_parts(fleet.settings))
        fleet.tasks.append(asyncio.create_task(ledger.run()))

        async def call(actor: str, method: str, *args: Any) -> Any:
            others = {node.name: node for node in fleet.nodes}
            if actor != "ledger" and actor not in others:
                raise FleetError(f"{actor} cannot be reached")
            return await getattr(others.get(actor, ledger), method)(*args)

        gateway = build.gateway(fleet.settings, call)
        http_port, fleet.smtp_port = await gateway.start()
        try:
            yield fleet, f"http://127.0.0.1:{http_port}"
        finally:
            await gateway.close()
            await gateway.submissions.group.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is tried again after a second."""
    monkeypatch.setattr(build, "schedule", lambda settings: Schedule((("defer.1m", 1_000),)))
    monkeypatch.setattr(retry, "TURN", ("defer.turn", 1_000))


def reasons(fleet: House) -> list[str]:
    """Why deliveries ended or wait, by the journal's facts."""
    outcomes = [frame for frame in fleet.frames() if isinstance(frame, OutcomeFrame)]
    return [str(fact.detail.get("reason", "")) for frame in outcomes for fact in decode_facts(frame.evidence)]


async def test_a_reply_suspends_its_site_for_the_whole_fleet_and_a_person_resumes_it(
    tmp_path: Path, soon: None
) -> None:
    async with shaping(tmp_path, SLOW) as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        fleet.start_node("b")
        fleet.accept("defer@x.example", domain="x.example", expires_in_ms=4_000)
        await fleet.until(lambda b: b["deferred"] == 1)
        for number in range(20):
            fleet.accept(f"r{number}@y.example", domain="y.example")
            fleet.accept(f"r{number}@z.example", domain="z.example")
        await fleet.until(lambda b: (b["relayed"], b["deferred"] + b["expired"]) == (20, 21))
        assert all(str(one["recipients"]).endswith("@z.example']") for one in fleet.arrivals())
        told = [reason for reason in reasons(fleet) if reason.startswith("suspended until 20")]
        assert len(told) >= 20
        assert all("greylisted" in reason and 'own.toml [provider."big"]' in reason for reason in told)

        ((effect,), (setting,)) = [
            [one for one in (await client.shaping.standing())["standing"] if one["what"].startswith(what)]
            for what in ("suspend", "max_deliveries_per_connection = 1")
        ]
        assert (effect["target"], effect["by"], setting["target"]) == (f"site:{SITE}", "rule", f"site:{SITE}")
        with pytest.raises(NotFound, match=r"what does: site:mx1\.big\.test"):
            await client.shaping.resume("y.example", "it is over")
        await fleet.until(lambda b: b["expired"] == 1)  # or it would have its reply again
        assert len((await client.shaping.resume(f"site:{SITE}", "they called"))["ended"]) == 2
        await fleet.until(lambda b: b["relayed"] == 40)


async def test_a_domain_that_is_gone_costs_no_connection_any_more(tmp_path: Path) -> None:
    async with shaping(tmp_path, GONE) as (fleet, _):
        fleet.start_node("a")
        fleet.accept("bounce@x.example", domain="x.example", sender="")  # nobody to tell
        await fleet.until(lambda b: b["bounced"] == 1)
        fleet.accept("ok@x.example", domain="x.example", sender="")
        fleet.accept("ok@y.example", domain="y.example")
        await fleet.until(lambda b: (b["bounced"], b["relayed"]) == (2, 1))
        assert any(reason.startswith("not sent (5.7.1): rule '^550") for reason in reasons(fleet))


async def test_a_person_suspends_a_lane_of_a_domain_and_the_others_go(tmp_path: Path) -> None:
    async with shaping(tmp_path, "") as (fleet, url), AsyncClient(url) as client:
        fleet.start_node("a")
        told = await client.shaping.suspend("Y.example", "they move house", lane="bulk", seconds=3_600)
        assert (told["target"], told["until_ms"] - told["at_ms"]) == ("y.example", 3_600_000)
        fleet.accept("r@y.example", domain="y.example", lane=Lane.BULK)
        fleet.accept("r@y.example", domain="y.example", lane=Lane.STANDARD)
        fleet.accept("r@x.example", domain="x.example", lane=Lane.BULK)
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (2, 1))
        assert any("they move house" in reason for reason in reasons(fleet))
        for wrong in ({"target": "no domain"}, {"target": "site:"}, {"reason": " "}, {"lane": "fast"}, {"seconds": 0}):
            with pytest.raises(MessageError):
                await client.shaping.suspend(**{"target": "x.example", "reason": "r", **wrong})
        with pytest.raises(NotFound, match="known: none"):
            await client.shaping.suspend("provider:big", "r")


async def test_what_is_suspended_comes_again_before_it_expires(tmp_path: Path) -> None:
    async with shaping(tmp_path, "") as (fleet, url), AsyncClient(url) as client:
        await client.shaping.suspend("z.example", "they asked us to wait")
        fleet.accept("r@z.example", domain="z.example", expires_in_ms=100_000)
        fleet.start_node("a")
        balance = await fleet.until(lambda b: b["open"] == 0)
        assert (balance["deferred"], balance["expired"]) == (1, 0)
        [waiting] = [one for one in fleet.frames() if isinstance(one, OutcomeFrame) and one.deferral is not None]
        assert waiting.deferral is not None
        assert waiting.deferral.copy.stream == "defer.1m"


async def test_a_file_demands_tls_of_hosts_that_have_none(tmp_path: Path) -> None:
    async with shaping(tmp_path, '["x.example"]\nmx_rollup = false\nenable_tls = "Required"') as (fleet, _):
        fleet.start_node("a")
        fleet.accept("r@x.example", domain="x.example")
        fleet.accept("r@y.example", domain="y.example")
        await fleet.until(lambda b: (b["relayed"], b["deferred"]) == (1, 1))
        assert [one["recipients"] for one in fleet.arrivals()] == [["r@y.example"]]
        assert any("4.7.4" in reason for reason in reasons(fleet))


async def test_whom_an_earlier_end_may_have_reached_waits_but_never_comes_back(tmp_path: Path) -> None:
    async with shaping(tmp_path, GONE) as (fleet, _):
        one = view(fleet.settings, "one")
        site = one.site("x.example", [SITE])
        gone = Outcome(0, Kind.BOUNCED, "reply to RCPT", Reply(550, (5, 1, 1), "no such mailbox"))
        await one.heard("x.example", site, "", [gone])
        people = (Recipient("a@x.example", 0), Recipient("b@x.example", 1))
        unit = Unit(bytes(16), Lane.BULK, "", 0, 1, "", people, "x.example", False, b"")
        listed = [Outcome(1, Kind.SUPPRESSED, "listed")]
        site = one.site("x.example", [SITE])
        (outcome,) = one.stopped(unit, site, (), listed)
        assert (outcome.recipient, outcome.kind, outcome.enhanced) == (0, Kind.BOUNCED, (5, 7, 1))
        assert one.stopped(unit, site, (0,), listed) == []
        await one.group.append(STREAM, 0, [encode_frame(Suspend(scope_of("all"), 0, FOR_GOOD, "a person"))])
        told = one.stopped(unit, one.site("x.example", [SITE]), (0,), ())
        assert [(had.kind, had.enhanced) for had in told] == [(Kind.DEFERRED, (4, 7, 1))] * 2
        assert told[0].reason == "suspended until somebody resumes it: a person"
        await one.group.close()
        one.frames.log.close()


async def test_a_hit_that_cannot_be_written_holds_no_mail_up(tmp_path: Path) -> None:
    async with shaping(tmp_path, GONE) as (fleet, _):
        one = view(fleet.settings, "one")
        await one.group.close()
        gone = Outcome(0, Kind.BOUNCED, "reply to RCPT", Reply(550, (5, 1, 1), "no such mailbox"))
        await one.heard("x.example", one.site("x.example", [SITE]), "", [gone])
        assert fleet.log.end(STREAM, 0) == 0
        one.frames.log.close()


def view(settings: Settings, node: str) -> Shaping:
    """Shaping as a process of its own has it."""
    over = build.log(settings)
    return Shaping(over, build.group(settings, over), read_policy(settings.shaping), node)


def shape(process: Shaping, site: Site) -> Shape:
    """The limits of a site, as the process has them now."""
    process.catch_up()
    return process.overrides.shape(site, wall_ms())


async def test_what_one_process_hears_counts_for_all_and_outlives_them(tmp_path: Path) -> None:
    async with shaping(tmp_path, SLOW) as (fleet, _):
        one, other = view(fleet.settings, "one"), view(fleet.settings, "other")
        site = one.site("x.example", [SITE])
        assert shape(other, site).max_deliveries_per_connection == 100
        refused = Outcome(0, Kind.DEFERRED, "reply to RCPT", Reply(451, (4, 7, 1), "greylisted,\ntry again"))
        for _ in range(50):
            await one.heard("x.example", site, "t", [refused, refused])
        assert shape(other, site).max_deliveries_per_connection == 1
        held_to = other.terms("y.example", [SITE], 60.0)
        assert (held_to.site, held_to.provider, held_to.deliveries) == (SITE, "big", 1)
        assert other.suspended("y.example", other.site("y.example", [SITE]), "", "bulk") is not None
        assert fleet.log.end(STREAM, 0) == 1  # of a hundred replies
        again = view(fleet.settings, "one")
        assert shape(again, site) == shape(other, site)
        assert again.suspended("x.example", site, "t", "bulk") == other.suspended("x.example", site, "t", "bulk")
        for shut in (one, other, again):
            await shut.group.close()
            shut.frames.log.close()


async def test_a_block_counts_for_its_site_before_anybody_writes_to_its_domain(tmp_path: Path) -> None:
    async with shaping(tmp_path, SLOW) as (_, url), AsyncClient(url) as client:
        told = await client.shaping.site("y.example")
        assert (told["site"], told["providers"], told["route"]) == (SITE, ["big"], "mx")
        limits = {one["name"]: (one["value"], one["origin"]) for one in told["limits"]}
        assert limits["connection_limit"] == ("7", f'{tmp_path / "own.toml"} ["x.example"]')
        assert limits["max_deliveries_per_connection"] == ("100", "settings")


def commanded(*words: str) -> int | None:
    """The exit code of a command."""
    try:
        main(lambda: app(list(words)))
    except SystemExit as end:
        return int(end.code or 0)
    return None


async def test_the_commands_check_show_suspend_and_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    async with shaping(tmp_path, SLOW) as (_, url):
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        add = ("suspend", "provider:big", "--reason", "[they] move", "--for", "2h", "--tenant", "acme")
        assert await asyncio.to_thread(commanded, *add) == 0
        assert "suspended until 20" in capsys.readouterr().out
        assert await asyncio.to_thread(commanded, "shaping", "show", "x.example") == 0
        shown = capsys.readouterr().out
        assert all(word in shown for word in (SITE, "provider big", "connection_limit", "acme", "[they] move"))
        assert await asyncio.to_thread(commanded, "shaping", "list") == 0
        assert "provider:big" in capsys.readouterr().out
        assert await asyncio.to_thread(commanded, "resume", "provider:big", "--reason", "r") == 1
        assert await asyncio.to_thread(commanded, "resume", "provider:big", "--reason", "r", "--tenant", "acme") == 0
        assert "[they] move" in capsys.readouterr().out
        assert await asyncio.to_thread(commanded, "suspend", "all", "--reason", "r", "--for", "soon") == 1
        capsys.readouterr()
        for target, code in (("site:typo", 3), (f"site:{SITE.upper()}", 0), ("all", 0), ("new.example", 0)):
            assert await asyncio.to_thread(commanded, "suspend", target, "--reason", "r") == code, target
            told = capsys.readouterr()
            assert "suspended until somebody resumes it" in told.out
            assert ("has named site:typo" in told.err) is (code == 3)
        assert await asyncio.to_thread(commanded, "resume", "site:typo", "--reason", "r") == 0


async def test_a_site_is_known_by_its_mail_wherever_it_was_worked_on(tmp_path: Path) -> None:
    async with shaping(tmp_path, "") as (fleet, url), AsyncClient(url) as client:
        assert not (await client.shaping.suspend(f"site:{SITE}", "r", seconds=1))["known"]
        fleet.start_node("node-0")
        fleet.accept("r@x.example", domain="x.example")
        await fleet.until(lambda b: b["relayed"] + b["deferred"] == 1)
        assert (await client.shaping.suspend(f"site:{SITE}", "r", seconds=1))["known"]
        assert not (await client.shaping.suspend("site:mx1.big.tset", "r", seconds=1))["known"]


async def test_why_names_what_holds_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shaping(tmp_path, SLOW) as (fleet, url), AsyncClient(url) as client:
        monkeypatch.setenv("FASTEMAILNET_GATEWAY__HTTP_PORT", url.rpartition(":")[2])
        mail = b"From: a@a.example\r\nSubject: x\r\n\r\nx\r\n"
        first = await client.send(mail, "a@a.example", ["defer@x.example", "r@z.example"])
        fleet.start_node("a")
        await fleet.until(lambda b: (b["deferred"], b["relayed"]) == (1, 1))
        assert await asyncio.to_thread(commanded, "why", first.id) == 0
        held, *_, gone = capsys.readouterr().out.split("r@z.example", 1)
        assert "defer@x.example: suspend of site:mx1.big.test until 20" in held
        assert "; the next attempt is due at 20" in held
        assert "451 4.7.1 greylisted, try again later (sandbox)" in held
        assert ": nothing: it is relayed" in gone
        assert "max_deliveries_per_connection = 1 (rule '451" in gone

        await client.shaping.suspend("z.example", "they [move]")
        second = await client.send(mail, "a@a.example", ["s@z.example"])
        await fleet.until(lambda b: b["deferred"] == 2)
        assert await asyncio.to_thread(commanded, "why", second.id) == 0
        assert "suspend of z.example until somebody resumes it (they [move])" in capsys.readouterr().out
        assert await asyncio.to_thread(commanded, "why", "y.example") == 0
        told = capsys.readouterr().out
        assert told.startswith("y.example: suspend of site:mx1.big.test until 20")
        assert "connection_limit = 7 " in told
        assert "idle_timeout = 60s (delivery.connection_idle_s)" in told
        assert await asyncio.to_thread(commanded, "why", "nonsense") == 2
        assert "neither a message's id" in capsys.readouterr().err
