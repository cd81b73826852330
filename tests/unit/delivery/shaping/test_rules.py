"""What a rule reads, and which patterns and actions are refused."""

from typing import Any

import pytest

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.shaping.reader import read
from fastemailnet.delivery.shaping.rules import Act, Action, Heard, Rule, heard_in, read_rule
from fastemailnet.errors import ConfigError
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp.classify import MAX_READ_CHARACTERS
from fastemailnet.smtp.reply import make


def rule(**fields: Any) -> Rule:
    return read_rule({"regex": "a", "action": "Suspend", "duration": "1h", **fields}, "domain x", 'f.toml ["x"]')


def refused(reply: Reply) -> Heard:
    return heard_in(Outcome(0, Kind.DEFERRED, "reply to MAIL", reply))


def test_a_rule_reads_the_reply_in_one_line_with_its_codes() -> None:
    heard = refused(make(421, ["4.7.0 [TSS04] Messages from 192.0.2.1 temporarily", "4.7.0 deferred"]))
    assert heard == Heard("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred")
    assert rule(regex=r"421 4\.7\.0 \[TSS04\]").matches(heard)
    assert rule(regex=["no", r"from \d+\.\d+\.\d+\.\d+ temporarily deferred$"]).matches(heard)
    assert not rule(regex="tss04").matches(heard)
    assert refused(Reply(450, None, "later")) == Heard("450 later")


def test_our_own_words_are_read_only_by_rules_that_ask_for_them() -> None:
    heard = heard_in(Outcome(0, Kind.DEFERRED, "no answer", None, None, (4, 4, 1)))
    assert heard == Heard("400 4.4.1 internal: no answer", is_internal=True)
    assert not rule(regex="no answer").matches(heard)
    assert rule(regex="no answer", match_internal=True).matches(heard)


def test_a_reply_is_read_so_far_and_no_further() -> None:
    assert rule(regex="b").matches(Heard("a" * (MAX_READ_CHARACTERS - 1) + "b"))
    assert not rule(regex="b").matches(Heard("a" * MAX_READ_CHARACTERS + "b"))


@pytest.mark.parametrize(
    ("given", "action"),
    [(name, Action(act)) for act in Act if act not in (Act.SET_CONFIG, Act.SET_DOMAIN_CONFIG) for name in [act.value]]
    + [
        ({"SetConfig": {"name": "connection_limit", "value": 1}}, Action(Act.SET_CONFIG, "connection_limit", 1)),
        (
            {"SetConfig": {"name": "max_message_rate", "value": "3/m"}},
            Action(Act.SET_CONFIG, "max_message_rate", Rate(3, 60)),
        ),
        (
            {"SetDomainConfig": {"name": "enable_tls", "value": "Disabled"}},
            Action(Act.SET_DOMAIN_CONFIG, "enable_tls", TlsPolicy.NONE),
        ),
    ],
)
def test_each_action_is_read_alone_or_in_a_list(given: Any, action: Action) -> None:
    assert rule(action=given).actions == (action,)
    assert rule(action=[given, "Suspend"]).actions == (action, Action(Act.SUSPEND))


def test_a_trigger_counts_hits_in_a_time() -> None:
    assert rule().threshold is rule(trigger="Immediate").threshold is None
    assert rule(trigger={"Threshold": "2/hr"}).threshold == Rate(2, 3_600)


WRONG = [
    ({"regex": "("}, "cannot be used as a pattern"),
    ({"regex": "[[:alpha:]]+"}, "cannot be used as a pattern"),
    ({"regex": r"[\w&&[^\d]]"}, "cannot be used as a pattern"),
    ({"regex": r"\p{Lu}"}, "cannot be used as a pattern"),
    ({"regex": "(a+)+$"}, "repeats what repeats"),
    ({"regex": "(a|b*)*c"}, "repeats what repeats"),
    ({"regex": "(?:x(?=a+))*"}, "repeats what repeats"),
    ({"regex": ["a", ""]}, "1 to"),
    ({"regex": "a" * 2_000}, "1 to"),
    ({"regex": 7}, "1 to"),
    ({"action": "Suspends"}, "did you mean 'Suspend'"),
    ({"action": "SetConfig"}, "must be one of"),
    ({"action": {"SetConfig": {"name": "connection_limit"}}}, "must be"),
    ({"action": {"SetConfig": {"name": "conection_limit", "value": 1}}}, "connection_limit"),
    ({"action": {"SetConfig": {"name": "connection_limit", "value": "x"}}}, "at least 1"),
    ({"action": []}, "must be set"),
    ({"regex": []}, "must be set"),
    ({"trigger": "Later"}, "Threshold"),
    ({"trigger": {"Threshold": "often"}}, "a rate"),
    ({"trigger": {"Threshold": "1000000/h"}}, "at most"),
    ({"duration": "0"}, "more than nothing"),
    ({"duration": "soon"}, "a duration"),
    ({"match_internal": "yes"}, "true or false"),
    ({"durations": "1h"}, "duration"),
]


@pytest.mark.parametrize(("fields", "told"), WRONG, ids=[str(fields)[:60] for fields, _ in WRONG])
def test_a_wrong_rule_is_refused_with_its_file_and_block(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        rule(**fields)
    assert 'f.toml ["x"]' in str(error.value)


def test_what_a_rule_must_have_is_told() -> None:
    for name in ("regex", "action", "duration"):
        with pytest.raises(ConfigError, match=f"{name}.*must be set"):
            read_rule({key: "a" for key in ("regex", "action", "duration") if key != name}, "domain x", "f")


@pytest.mark.parametrize(
    "pattern", ["a{1,20}b+", r"(?:ab|cd)+ .*x", r"a++b", r"end\z", "(?i)UPPER", r"^(?!.*internal).*RL"]
)
def test_patterns_that_end_are_taken(pattern: str) -> None:
    assert rule(regex=pattern).patterns


def test_the_key_of_a_rule_is_its_content() -> None:
    assert rule().key == rule().key
    others = [rule(regex="b"), rule(duration="2h"), rule(action="Bounce"), rule(match_internal=True)]
    others += [
        rule(trigger={"Threshold": "1/h"}),
        read_rule({"regex": "a", "action": "Suspend", "duration": "1h"}, "y", "f"),
    ]
    assert len({one.key for one in (rule(), *others)}) == 7


def test_what_is_done_otherwise_is_told() -> None:
    text = """
[["default".automation]]
regex = "a"
action = ["SuspendCampaign", {SetConfig={name="ehlo_domain", value="x.example"}}]
duration = "1h"
match_internal = true
"""
    campaign, option, internal = read([("a.toml", text)]).notes
    assert "is as SuspendTenant" in campaign
    assert "ehlo_domain does nothing: gateway.hostname" in option
    assert "our own words" in internal
