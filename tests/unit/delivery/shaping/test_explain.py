"""What people are told of a site."""

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.explain import Limit, concerning, limits, shown
from fastemailnet.delivery.shaping.frames import FOR_GOOD, Hit, Of, Scope, Suspend, scope_of
from fastemailnet.delivery.shaping.overrides import Overrides
from fastemailnet.delivery.shaping.policy import Setting
from fastemailnet.delivery.shaping.reader import read

TEXT = """
["default"]
idle_timeout = "90s"
max_message_rate = "10/s"

[provider."big"]
match = [{MXSuffix=".big.test"}]
provider_connection_limit = 5

[[provider."big".automation]]
regex = "slow"
action = {SetConfig={name="max_message_rate", value="1/m"}}
duration = "1h"
"""


def overrides() -> Overrides:
    return Overrides(read([("f.toml", TEXT)]))


def test_each_limit_is_told_with_where_it_comes_from() -> None:
    made = overrides()
    site = made.policy.site("d.test", ["mx.big.test"])
    elsewhere = {
        "idle_timeout": Setting("60s", "delivery.connection_idle_s"),
        "enable_tls": Setting(TlsPolicy.ENCRYPT, "a route"),
    }
    told = {one.name: (one.value, one.origin) for one in limits(made, site, 0, elsewhere)}
    assert told["connection_limit"] == ("32", "settings")
    assert told["idle_timeout"] == ("1m 30s", 'f.toml ["default"]')
    assert told["provider_connection_limit"] == ("5", 'f.toml [provider."big"]')
    assert told["enable_tls"] == ("encrypt", "a route")
    assert told["max_connection_rate"] == ("none", "settings")
    plain = Overrides(read([]))
    unsaid = limits(plain, plain.policy.site("d.test", ["mx.d.test"]), 0, elsewhere)
    assert Limit("idle_timeout", "60s", "delivery.connection_idle_s") in unsaid
    (key,) = made.policy.by_key
    made.apply(Hit(key, site.name, "d.test", "", 0, "451 slow", "a"))
    value, origin = {one.name: (one.value, one.origin) for one in limits(made, site, 1, elsewhere)}["max_message_rate"]
    assert value == "1/m"
    assert "heard: 451 slow" in origin


def test_what_stands_for_a_domain_is_told_whose_ever_mail_it_is_about() -> None:
    made = overrides()
    site = made.policy.site("d.test", ["mx.big.test"])
    about = ("all", "d.test", "site:mx.big.test", "provider:big")
    for target in (*about, "e.test", "site:other.test", "provider:small"):
        made.apply(Suspend(scope_of(target, "acme", "bulk"), 1, FOR_GOOD, target))
    found = concerning(made, "d.test", site, 2)
    assert {one.reason for one in found} == set(about)
    assert {scope_of(shown(one)["target"], "acme", "bulk") for one in found} == {one.scope for one in found}


def test_a_tenant_is_told_nothing_of_anothers_mail() -> None:
    made = overrides()
    site = made.policy.site("d.test", ["mx.big.test"])
    for tenant in ("acme", "rival", ""):
        made.apply(Suspend(scope_of("d.test", tenant), 1, FOR_GOOD, tenant))
    assert {one.reason for one in concerning(made, "d.test", site, 2)} == {"acme", "rival", ""}
    assert {one.reason for one in concerning(made, "d.test", site, 2, "acme")} == {"acme", ""}
    assert {one.reason for one in concerning(made, "d.test", site, 2, "")} == {""}


def test_something_that_stands_is_told_in_plain_values() -> None:
    made = overrides()
    made.apply(Suspend(Scope(Of.DOMAIN, "d.test", "acme"), 1, 9, "r"))
    (one,) = made.standing(2)
    assert shown(one) == {
        "target": "d.test",
        "tenant": "acme",
        "lane": "",
        "what": "suspend",
        "by": "person",
        "at_ms": 1,
        "until_ms": 9,
        "reason": "r",
    }
    assert str(one.scope) == "d.test of tenant acme"
