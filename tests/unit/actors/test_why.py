"""What is said of a delivery, by its state and what stands for its site."""

from typing import Any

import msgspec
import pytest
import typer

from actors.why_cli import check_asked, constraint, domain_of, is_message, last_of, seen_by_nodes, why
from fastemailnet import ids
from fastemailnet.client import Client
from fastemailnet.delivery.shaping.frames import FOR_GOOD
from fastemailnet.web.calls import Call

SUSPENDED = {
    "target": "x.example",
    "tenant": "acme",
    "lane": "bulk",
    "what": "suspend",
    "by": "person",
    "until_ms": FOR_GOOD,
    "reason": "they move",
}
SET = {**SUSPENDED, "what": "connection_limit = 1"}
TOLD = "suspend of x.example for tenant acme in lane bulk until somebody resumes it (they move)"


def delivery(state: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {"recipient": "r@x.example", "tenant": "acme", "state": state, "events": list(events)}


def event(state: str, **more: Any) -> dict[str, Any]:
    return {"state": state, "at_ms": 0, "attempt": 1, **more}


@pytest.mark.parametrize(
    ("state", "standing", "said"),
    [
        ("held", [], "held by the spam gate"),
        ("in_doubt", [SUSPENDED], "in doubt"),
        ("deferred", [], "the next attempt is due at 1970-01-01 00:00:09"),
        ("deferred", [SUSPENDED], f"{TOLD}; the next attempt is due at 1970"),
        ("open", [SUSPENDED], TOLD),
        ("open", [SET], "it waits for its turn"),
        ("accepted", [], "it waits for its turn"),
        ("relayed", [SUSPENDED], "nothing: it is relayed"),
    ],
)
def test_the_constraint_is_named(state: str, standing: list[dict[str, Any]], said: str) -> None:
    assert said in constraint(delivery(state, event(state, next_ms=9_000)), standing)


def test_a_throttle_is_named_with_the_turn_at_it() -> None:
    first = event(
        "deferred", gate="throttled: spam score 0.900 (sender x)", throttle="throttle of acme", turn_ms=1, next_ms=2
    )
    again = event("deferred", throttle="throttle of acme", turn_ms=7_000, next_ms=9_000)
    said = constraint(delivery("deferred", first, again), [SUSPENDED])
    assert said == (
        f"{TOLD}; throttled by the spam gate (spam score 0.900 (sender x)): its turn is at 1970-01-01 00:00:07.000Z; "
        "the next attempt is due at 1970-01-01 00:00:09.000Z"
    )
    assert "throttled" not in constraint(delivery("deferred", first, event("deferred", next_ms=9_000)), [])


def test_what_stands_for_another_lane_holds_nothing() -> None:
    standard = delivery("open", event("accepted", lane="standard"))
    assert "it waits for its turn" in constraint(standard, [SUSPENDED])
    assert constraint(standard, [{**SUSPENDED, "lane": "standard"}]).startswith("suspend of x.example")


def test_what_stands_for_another_tenant_holds_nothing() -> None:
    other = {**SUSPENDED, "tenant": "rival"}
    assert "it waits for its turn" in constraint(delivery("open"), [other])
    assert constraint(delivery("open"), [other, SUSPENDED]) == TOLD
    assert constraint(delivery("open"), [{**SUSPENDED, "tenant": ""}]).startswith("suspend of x.example")


def test_of_a_message_nothing_is_asked_about_other_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Call] = []
    answers: dict[str, Any] = {
        "/v1/messages": {"deliveries": [delivery("open")]},
        "/v1/shaping": {
            "site": "x",
            "door": "x:25",
            "targets": ["x:25"],
            "providers": [],
            "limits": [],
            "standing": [],
        },
        "/v1/status": {"processes": {}},
    }

    def answer(_: Client, call: Call) -> bytes:
        asked.append(call)
        return msgspec.json.encode(next(told for path, told in answers.items() if call.path.startswith(path)))

    monkeypatch.setattr(Client, "_ask", answer)
    why(ids.to_text(bytes(16)))
    why("x.example")
    why("x.example", tenant="rival")
    sites = [call.path for call in asked if "/sites/" in call.path]
    assert [site.removeprefix("/v1/shaping/sites/x.example") for site in sites] == ["?tenant=acme", "", "?tenant=rival"]


def test_a_recipient_stands_for_its_domain() -> None:
    assert (domain_of("r@x.example"), domain_of("x.example")) == ("x.example", "x.example")


def test_the_last_reply_is_told_where_the_last_event_is_our_own() -> None:
    reply = event("deferred", code=451, reply="slow down", host="mx.test")
    ours = event("deferred", reason="suspended until then")
    assert len(list(last_of(delivery("deferred", ours, reply)))) == 1
    last, before = last_of(delivery("deferred", reply, ours))
    assert last.endswith("suspended until then")
    assert before.startswith("last reply")
    assert before.endswith("at mx.test  451 slow down")
    assert list(last_of(delivery("open"))) == []


def test_an_id_is_no_domain() -> None:
    assert is_message(ids.to_text(bytes(16)))
    assert not is_message("x.example")


@pytest.mark.parametrize("what", ["nonsense", "no domain.example", "@x.example", "x..example", "", "01J" + "Z" * 20])
def test_what_is_none_of_what_may_be_asked_for_is_a_usage_error(what: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"neither a message's id .* nor a recipient .* nor a domain"):
        check_asked(what)


@pytest.mark.parametrize("what", ["x.example", "r@x.example", "r@localhost", "[192.0.2.1]", "bücher.example"])
def test_a_recipient_and_a_domain_may_be_asked_for(what: str) -> None:
    check_asked(what)
    check_asked(ids.to_text(ids.of_record(0, "x")))


def test_what_a_node_says_of_another_port_or_of_a_host_with_a_longer_name_is_not_told() -> None:
    site = {"door": "relay.test:2525", "targets": ["relay.test:2525"]}
    names = ("relay.test:2525", "relay.test:2526", "test:2525", "relay.test:2525:2525")
    said = {"node-0": {"sites": {name: f"door {name}" for name in names}, "paused": dict.fromkeys(names, "for 9 s")}}
    assert list(seen_by_nodes(said, site)) == [
        "node-0: door relay.test:2525",
        "node-0: relay.test:2525 is left alone for 9 s",
    ]


def test_of_several_hosts_each_one_that_is_left_alone_is_told() -> None:
    site = {"door": "(a|b).test:25", "targets": ["a.test:25", "b.test:25"]}
    said = {"node-0": {"paused": {"b.test:25": "for 9 s"}}}
    assert list(seen_by_nodes(said, site)) == ["node-0: b.test:25 is left alone for 9 s"]
