"""What rules and people do, for how long, and to which mail."""

import msgspec
import pytest

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.frames import (
    FOR_GOOD,
    Frame,
    Hit,
    Of,
    Resume,
    Scope,
    Suspend,
    decode_frame,
    encode_frame,
    scope_of,
)
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.shaping.overrides import MAX_REASON_CHARACTERS, OUTSTANDING_MS, TIDY_EVERY, Overrides
from fastemailnet.delivery.shaping.policy import Site
from fastemailnet.delivery.shaping.reader import read
from fastemailnet.delivery.shaping.rules import Heard

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000
HOSTS = ("mx1.big.test", "mx2.big.test")
SITE = "(mx1|mx2).big.test"
RULES = """
["default"]
connection_limit = 10

[provider."big"]
match = [{MXSuffix=".big.test"}]
"""
RULE = """
[[provider."big".automation]]
regex = "WORDS"
action = ACTION
duration = "2h"
"""


def overrides(action: str = '"Suspend"', words: str = "slow down", more: str = "", node: str = "a") -> Overrides:
    text = RULES + RULE.replace("WORDS", words).replace("ACTION", action) + more
    return Overrides(read([("f.toml", text)]), node)


def site(made: Overrides, domain: str = "d.test", hosts: tuple[str, ...] = HOSTS) -> Site:
    return made.policy.site(domain, hosts)


def hear(
    made: Overrides, text: str = "451 slow down", at_ms: int = NOW_MS, domain: str = "d.test", tenant: str = "t"
) -> list[Hit]:
    """What a process does with a reply: write down what it is worth, and read it as it stands in the log."""
    hits = made.hits(site(made, domain), domain, tenant, Heard(text), at_ms)
    for hit in hits:
        made.apply(decode_frame(encode_frame(hit)))
    return hits


def stops(made: Overrides, at_ms: int, domain: str = "d.test", tenant: str = "t", lane: str = "bulk") -> str:
    """ "", "wait" or "bounce"."""
    found = made.suspended(domain, site(made, domain), tenant, lane, at_ms)
    return "" if found is None else "bounce" if found.is_bounce else "wait"


def test_a_reply_suspends_the_site_for_the_duration() -> None:
    made = overrides()
    assert not hear(made, "250 fine")
    assert stops(made, NOW_MS) == ""
    (hit,) = hear(made)
    assert (hit.site, hit.domain, hit.tenant, hit.text, hit.node) == (SITE, "d.test", "t", "451 slow down", "a")
    assert stops(made, NOW_MS) == stops(made, NOW_MS + 2 * HOUR_MS - 1, "other.test", "u") == "wait"
    assert stops(made, NOW_MS + 2 * HOUR_MS) == ""
    elsewhere = made.policy.site("e.test", ("mx.else.test",))
    assert made.suspended("e.test", elsewhere, "t", "bulk", NOW_MS) is None
    told = made.suspended("d.test", site(made), "t", "bulk", NOW_MS)
    assert told is not None
    assert "'slow down'" in told.reason
    assert "451 slow down" in told.reason
    assert told.until_ms == NOW_MS + 2 * HOUR_MS


@pytest.mark.parametrize("action", ["SuspendTenant", "SuspendCampaign", "BounceTenant", "BounceCampaign"])
def test_an_action_of_a_tenant_is_about_his_mail_to_the_domain(action: str) -> None:
    made = overrides(f'"{action}"')
    assert not hear(made, tenant="")
    assert hear(made)
    assert stops(made, NOW_MS) == ("bounce" if "Bounce" in action else "wait")
    assert stops(made, NOW_MS, tenant="u") == stops(made, NOW_MS, domain="other.test") == ""
    assert hear(made, tenant="u")  # another one's is news
    assert stops(made, NOW_MS, tenant="u") != ""


def test_a_bounce_is_about_the_domain() -> None:
    made = overrides('"Bounce"')
    hear(made)
    assert stops(made, NOW_MS, tenant="u") == "bounce"
    assert stops(made, NOW_MS, domain="other.test") == ""


def test_a_setting_counts_for_the_site_as_long_as_it_stands() -> None:
    made = overrides(
        '[{SetConfig={name="max_message_rate", value="1/minute"}}, {SetConfig={name="connection_limit", value=1}}]'
    )
    before = made.shape(site(made), NOW_MS)
    hear(made)
    during = made.shape(site(made, "other.test"), NOW_MS)
    assert (before.connection_limit, before.max_message_rate) == (10, None)
    assert (during.connection_limit, during.max_message_rate) == (1, Rate(1, 60))
    assert made.shape(site(made), NOW_MS + 2 * HOUR_MS) == before
    assert stops(made, NOW_MS) == ""


def test_a_setting_of_a_domain_makes_it_a_site_of_its_own_as_long_as_it_stands() -> None:
    made = overrides('{SetDomainConfig={name="enable_tls", value="Disabled"}}')
    hear(made)
    apart = made.site(site(made), "d.test", NOW_MS)
    assert (apart.name, apart.hosts, apart.provider) == ("d.test", SITE, "big")
    assert made.shape(apart, NOW_MS).tls is TlsPolicy.NONE
    assert made.shape(apart, NOW_MS).connection_limit == 10
    other = made.site(site(made, "other.test"), "other.test", NOW_MS)
    assert other.name == SITE
    assert made.shape(other, NOW_MS).tls is None
    assert made.site(site(made), "d.test", NOW_MS + 2 * HOUR_MS) == site(made)


def test_of_two_values_the_one_that_holds_longest_counts() -> None:
    short = RULE.replace("WORDS", "worse").replace("ACTION", '{SetConfig={name="connection_limit", value=2}}')
    made = overrides('{SetConfig={name="connection_limit", value=5}}', more=short.replace('"2h"', '"1h"'))
    hear(made, "451 slow down, worse")
    assert made.shape(site(made), NOW_MS).connection_limit == 5


def test_an_option_that_is_not_heeded_is_not_written_down() -> None:
    assert not hear(overrides('{SetConfig={name="ehlo_domain", value="x.example"}}'))


THRESHOLD = 'duration = "2h"\ntrigger = {Threshold="3/hr"}'


def counting(node: str = "a") -> Overrides:
    made = overrides(node=node)
    text = RULES + RULE.replace("WORDS", "slow down").replace("ACTION", '"Suspend"').replace(
        'duration = "2h"', THRESHOLD
    )
    return Overrides(read([("f.toml", text)]), made.node)


def test_a_threshold_counts_in_its_time_over_all_nodes() -> None:
    made = counting()
    hear(made, at_ms=NOW_MS)
    hear(made, at_ms=NOW_MS + 1)
    assert stops(made, NOW_MS + 2) == ""
    (hit,) = counting("b").hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS + HOUR_MS)
    made.apply(hit)
    assert stops(made, NOW_MS + HOUR_MS) == "wait"
    assert stops(made, NOW_MS + 3 * HOUR_MS) == ""


def test_hits_that_are_too_far_apart_trigger_nothing() -> None:
    made = counting()
    for at_ms in (0, HOUR_MS // 2, HOUR_MS + 1, 3 * HOUR_MS):
        hear(made, at_ms=NOW_MS + at_ms)
    assert stops(made, NOW_MS + 3 * HOUR_MS) == ""


def test_a_hit_that_comes_late_completes_the_count() -> None:
    made = counting()
    (hit,) = made.hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS)
    for at_ms in (2, 1, 0):
        made.apply(msgspec.structs.replace(hit, at_ms=NOW_MS + at_ms))
    assert stops(made, NOW_MS + 2) == "wait"


def test_a_thousand_equal_replies_are_worth_one_frame_or_as_many_as_are_counted() -> None:
    for made, worth in ((overrides(), 1), (counting(), 3)):
        given = [
            made.hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS + at // 500) for at in range(1_000)
        ]
        hits = [hit for some in given for hit in some]
        assert len(hits) == worth
        assert len({hit.at_ms for hit in hits}) == worth
        for hit in hits:
            made.apply(hit)
        assert not hear(made, at_ms=NOW_MS + 1_001)


def test_a_hit_that_was_lost_is_given_out_again() -> None:
    made = overrides()
    assert made.hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS)
    assert not made.hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS + OUTSTANDING_MS - 1)
    assert made.hits(site(made), "d.test", "t", Heard("451 slow down"), NOW_MS + OUTSTANDING_MS)


def test_what_stands_is_prolonged_in_its_second_half() -> None:
    made = overrides('{SetConfig={name="connection_limit", value=1}}')
    hear(made)
    assert not hear(made, at_ms=NOW_MS + HOUR_MS - 1)
    assert hear(made, at_ms=NOW_MS + HOUR_MS)
    assert made.shape(site(made), NOW_MS + 3 * HOUR_MS - 1).connection_limit == 1


def test_a_rule_that_is_in_no_file_any_more_does_nothing() -> None:
    (hit,) = hear(overrides(words="slow"), "451 slow down")
    made = overrides()
    made.apply(hit)
    assert stops(made, NOW_MS) == ""


EVERYTHING = {("d.test", "t", "bulk"), ("d.test", "u", "bulk"), ("d.test", "t", "standard"), ("e.test", "t", "bulk")}


@pytest.mark.parametrize(
    ("target", "tenant", "lane", "stopped"),
    [
        ("D.test.", "", "", {("d.test", "t", "bulk"), ("d.test", "u", "bulk"), ("d.test", "t", "standard")}),
        ("d.test", "t", "", {("d.test", "t", "bulk"), ("d.test", "t", "standard")}),
        ("d.test", "", "bulk", {("d.test", "t", "bulk"), ("d.test", "u", "bulk")}),
        ("d.test", "t", "bulk", {("d.test", "t", "bulk")}),
        (f"site:{SITE}", "", "", EVERYTHING),
        ("provider:big", "", "", EVERYTHING),
        ("provider:big", "u", "", {("d.test", "u", "bulk")}),
        ("all", "", "", EVERYTHING),
        ("all", "", "standard", {("d.test", "t", "standard")}),
        ("provider:small", "", "", set()),
        ("site:d.test", "", "", set()),
    ],
)
def test_a_person_suspends_a_scope(target: str, tenant: str, lane: str, stopped: set[tuple[str, str, str]]) -> None:
    made = overrides()
    made.apply(Suspend(scope_of(target, tenant, lane), NOW_MS, NOW_MS + 10, "a person"))
    assert {one for one in EVERYTHING if stops(made, NOW_MS, *one)} == stopped
    assert not {one for one in EVERYTHING if stops(made, NOW_MS + 10, *one)}


def test_the_later_word_of_a_person_counts() -> None:
    scope = scope_of("d.test")
    long, short = Suspend(scope, NOW_MS, FOR_GOOD, "long"), Suspend(scope, NOW_MS + 1, NOW_MS + 9, "short")
    for frames in ((long, short), (short, long), (long, short, long)):
        made = overrides()
        for frame in frames:
            made.apply(frame)
        assert stops(made, NOW_MS + 9) == ""


def test_a_resume_ends_what_people_and_rules_did_to_the_scope_and_old_hits_stay_without_effect() -> None:
    made = overrides()
    (hit,) = hear(made)
    made.apply(Suspend(scope_of(f"site:{SITE}"), NOW_MS + 1, FOR_GOOD, "a person"))
    made.apply(Resume(scope_of("d.test"), NOW_MS + 2, "another scope"))
    assert stops(made, NOW_MS + 2) == "wait"
    made.apply(Resume(scope_of(f"site:{SITE}"), NOW_MS + 2, "mended"))
    made.apply(hit)
    assert stops(made, NOW_MS + 3) == ""
    assert hear(made, at_ms=NOW_MS + 3)
    assert stops(made, NOW_MS + 3) == "wait"


def test_hits_from_before_a_resume_are_not_counted_behind_it() -> None:
    made = counting()
    for at_ms in range(3):
        hear(made, at_ms=NOW_MS + at_ms)
    made.apply(Resume(Scope(Of.SITE, SITE), NOW_MS + 3, "mended"))
    for at_ms in (4, 5):
        hear(made, at_ms=NOW_MS + at_ms)
        assert stops(made, NOW_MS + at_ms) == ""
    hear(made, at_ms=NOW_MS + 6)
    assert stops(made, NOW_MS + 6) == "wait"


def test_a_persons_wait_is_heavier_than_a_rules_bounce() -> None:
    made = overrides('["Suspend", "Bounce"]')
    hear(made)
    assert stops(made, NOW_MS) == "bounce"
    made.apply(Suspend(scope_of("all"), NOW_MS, NOW_MS + 10, "a person"))
    assert stops(made, NOW_MS) == "wait"


def test_what_is_over_is_forgotten() -> None:
    made = overrides(
        '"Bounce"',
        more=RULE.replace("WORDS", "often").replace("ACTION", '"Bounce"').replace('duration = "2h"', THRESHOLD),
    )
    for number in range(TIDY_EVERY // 2):
        hear(made, "451 slow down, often", NOW_MS + number, f"d{number}.test")
    assert (len(made.effects), len(made.counted)) == (TIDY_EVERY // 2, 1)
    late: Frame = Suspend(scope_of("all"), NOW_MS + 9 * HOUR_MS, NOW_MS, "over already")
    for _ in range(TIDY_EVERY):
        made.apply(late)
    assert (len(made.effects), len(made.counted), made.outstanding) == (0, 0, {})


def test_a_reason_is_bounded() -> None:
    made = overrides(words="x")
    hear(made, "451 " + "x" * 4_000)
    (effect,) = made.standing(NOW_MS)
    assert len(effect.reason) <= MAX_REASON_CHARACTERS


def test_an_older_hit_that_comes_late_shortens_nothing() -> None:
    made = overrides()
    (hit,) = hear(made)
    made.apply(msgspec.structs.replace(hit, at_ms=NOW_MS - HOUR_MS, node="b"))
    assert stops(made, NOW_MS + 2 * HOUR_MS - 1) == "wait"


def test_a_hit_that_is_counted_no_more_does_nothing_when_it_is_read_again() -> None:
    text = RULES + RULE.replace("WORDS", "slow down").replace("ACTION", '"Bounce"').replace(
        'duration = "2h"', THRESHOLD
    )
    made = Overrides(read([("f.toml", text)]))
    first, *_ = [hear(made, at_ms=NOW_MS + at, domain=f"d{at}.test")[0] for at in range(4)]
    assert stops(made, NOW_MS + 4, "d3.test") == "bounce"
    made.apply(first)
    assert stops(made, NOW_MS + 4, "d0.test") == ""


def test_a_suspension_from_before_a_resume_stays_lifted() -> None:
    made = overrides()
    suspend, resume = Suspend(scope_of("d.test"), NOW_MS, FOR_GOOD, "r"), Resume(scope_of("d.test"), NOW_MS, "r")
    for frames in ((suspend, resume, suspend), (resume, suspend)):
        made = overrides()
        for frame in frames:
            made.apply(frame)
        assert stops(made, NOW_MS) == ""
    made.apply(msgspec.structs.replace(suspend, at_ms=NOW_MS + 1))
    assert stops(made, NOW_MS + 1) == "wait"


def test_a_domain_apart_has_what_stands_for_its_hosts() -> None:
    made = overrides(
        '[{SetConfig={name="connection_limit", value=1}}, "Suspend"]', more='["apart.test"]\nmx_rollup = false\n'
    )
    hear(made)
    apart = made.policy.site("apart.test", HOSTS)
    assert (apart.name, made.shape(apart, NOW_MS).connection_limit) == ("apart.test", 1)
    assert stops(made, NOW_MS, "apart.test") == "wait"
    assert hear(made, domain="apart.test")  # but what it hears is its own
    assert made.suspended("d.test", made.policy.site("d.test", ("mx.else.test",)), "t", "bulk", NOW_MS) is None


def test_a_persons_word_counts_after_all_before_it_whatever_the_clocks_say() -> None:
    made, scope = overrides(), scope_of(f"site:{SITE}")
    hear(made, at_ms=NOW_MS + 60_000)  # by a clock that is ahead
    made.apply(Resume(scope, made.next_word_ms(scope, NOW_MS), "r"))
    assert stops(made, NOW_MS + 60_001) == ""
    made.apply(Suspend(scope, made.next_word_ms(scope, NOW_MS), FOR_GOOD, "r"))
    assert stops(made, NOW_MS) == "wait"
    made.apply(Suspend(scope, made.next_word_ms(scope, NOW_MS), NOW_MS + 9, "shorter"))
    assert stops(made, NOW_MS + 9) == ""
    assert made.next_word_ms(scope_of("all"), NOW_MS) == NOW_MS


def test_two_ports_of_a_host_are_two_sites_and_the_host_is_both() -> None:
    made = overrides('"Suspend"', more='\n["relay.big.test"]\nconnection_limit = 3\n')
    first, second = (made.policy.site("relay.big.test", ["relay.big.test"], port) for port in (2525, 2526))
    assert (first.name, first.hosts) == ("relay.big.test:2525", "relay.big.test")
    assert {made.shape(one, NOW_MS).connection_limit for one in (first, second)} == {3}

    def waiting() -> list[bool]:
        return [made.suspended("d.test", one, "t", "bulk", NOW_MS + 9) is not None for one in (first, second)]

    (hit,) = made.hits(first, "d.test", "t", Heard("451 slow down"), NOW_MS)
    made.apply(hit)
    assert waiting() == [True, False]
    made.apply(Resume(Scope(Of.SITE, first.name), NOW_MS + 1, "r"))
    made.apply(Suspend(scope_of("site:relay.big.test:2526"), NOW_MS + 2, FOR_GOOD, "r"))
    assert waiting() == [False, True]
    made.apply(Suspend(scope_of("site:relay.big.test"), NOW_MS + 3, FOR_GOOD, "r"))
    assert waiting() == [True, True]


def test_a_fixed_next_hop_has_its_blocks_however_it_is_written() -> None:
    made = overrides('"Suspend"', more='\n["relay.big.test"]\nmx_rollup = false\nconnection_limit = 3\n')
    site = made.policy.site("Relay.Big.test.", ["Relay.Big.test."], 2525)
    assert site == made.policy.site("relay.big.test", ["relay.big.test"], 2525)
    assert made.shape(site, NOW_MS).connection_limit == 3
    made.apply(Suspend(scope_of("site:Relay.Big.test:2525"), NOW_MS, FOR_GOOD, "r"))
    assert made.suspended("d.test", site, "t", "bulk", NOW_MS) is not None
