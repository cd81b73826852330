"""Which site a domain is of, and whose limits and rules it has."""

import pytest

from fastemailnet.delivery.answer import Answer, Found, Mx
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.shaping.policy import MAX_NAME_CHARACTERS, Policy, hosts_of, name_of
from fastemailnet.delivery.shaping.reader import read

FILE = """
[provider."big"]
match = [{MXSuffix=".mx.big.example"}, {HostName="relay.big.test"}, {DomainSuffix=".big.example"}]
connection_limit = 8
provider_connection_limit = 20
provider_max_message_rate = "50/s"
provider_max_connection_rate = "2/s"

[[provider."big".automation]]
regex = "of the provider"
action = "Suspend"
duration = "1h"

[provider."big".sources."new"]
max_message_rate = "1/s"

[provider."late"]
match = [{MXSuffix=".late.mx.big.example"}]
connection_limit = 6

["shared.example"]
connection_limit = 5

[["shared.example".automation]]
regex = "of the hosts"
action = "Suspend"
duration = "1h"

["also.example"]
connection_limit = 4

["own.example"]
mx_rollup = false
max_message_rate = "9/s"

[["own.example".automation]]
regex = "of the domain"
action = "Suspend"
duration = "1h"
"""
HOSTS = ("b.mx.other.example", "a.mx.other.example")


def policy(source: str = "") -> Policy:
    return read([("a.toml", FILE)], source=source)


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        ((), ""),
        (("MX.Example.",), "mx.example"),
        (("mta6.am0.yahoodns.net", "mta5.am0.yahoodns.net"), "(mta5|mta6).am0.yahoodns.net"),
        (("in.l.example", "alt2.in.l.example", "alt1.in.l.example"), "(alt1|alt2)?.in.l.example"),
        (("a.example", "b.test"), "(a.example|b.test)"),
        (("a.b.example", "c.d.example"), "(a.b|c.d).example"),
    ],
)
def test_a_set_of_hosts_has_a_name(hosts: tuple[str, ...], name: str) -> None:
    assert name_of(hosts) == name


@pytest.mark.parametrize(
    ("domain", "hosts", "is_big"),
    [
        ("x.test", ("1.mx.big.example", "2.mx.big.example"), True),
        ("x.test", ("1.mx.big.example", "relay.big.test"), True),
        ("x.test", ("1.mx.big.example", "mx.elsewhere.test"), False),  # a blend belongs to nobody
        ("x.test", ("mx.big.example",), False),  # the suffix begins with a dot
        ("x.test", ("another-relay.big.test",), False),
        ("x.test", (), False),
        ("of.big.example", ("mx.elsewhere.test",), True),
        ("big.example", ("mx.elsewhere.test",), False),
    ],
)
def test_a_provider_has_a_site_all_of_whose_hosts_match(domain: str, hosts: tuple[str, ...], is_big: bool) -> None:
    made = policy()
    site = made.site(domain, hosts)
    assert site.provider == ("big" if is_big else "")
    found = made.shape(site)
    assert found.connection_limit == (8 if is_big else 32)
    assert found.provider_connection_limit == (20 if is_big else None)
    assert found.provider_max_message_rate == (Rate(50, 1) if is_big else None)
    assert found.provider_max_connection_rate == (Rate(2, 1) if is_big else None)


def test_the_last_of_several_providers_counts() -> None:
    made = policy()
    site = made.site("x.test", ("a.late.mx.big.example",))
    assert (site.providers, site.provider) == (("big", "late"), "late")
    assert made.shape(site).connection_limit == 6
    assert made.shape(site).provider_connection_limit == 20


def test_a_source_of_a_provider_is_laid_over_the_provider() -> None:
    made = policy("new")
    assert made.shape(made.site("x.test", ("1.mx.big.example",))).max_message_rate == Rate(1, 1)
    assert policy().shape(made.site("x.test", ("1.mx.big.example",))).max_message_rate is None


def test_a_block_is_about_every_domain_with_the_hosts_of_its_own_once_they_are_known() -> None:
    made = policy()
    guest = made.site("guest.example", HOSTS)
    assert made.shape(guest).connection_limit == 32
    assert made.rollups == ("shared.example", "also.example")
    made.learn("shared.example", HOSTS[::-1])
    assert made.site("guest.example", HOSTS) == guest == made.site("shared.example", HOSTS)
    assert made.shape(guest).connection_limit == 5
    assert [rule.shown for rule in made.rules(guest)] == ["of the hosts"]
    made.learn("shared.example", ("moved.example",))
    assert made.shape(guest).connection_limit == 32
    assert made.rules(guest) == ()


def test_who_is_asked_for_a_site_learns_of_its_hosts() -> None:
    made = policy()
    made.site("shared.example", HOSTS)
    assert made.shape(made.site("guest.example", HOSTS)).connection_limit == 5


def test_of_two_blocks_about_the_same_hosts_the_later_one_counts_however_they_are_learnt() -> None:
    for order in (("also.example", "shared.example"), ("shared.example", "also.example")):
        made = policy()
        for domain in order:
            made.learn(domain, HOSTS)
        assert made.shape(made.site("guest.example", HOSTS)).connection_limit == 4


def test_a_domain_apart_is_a_site_of_its_own_with_what_its_hosts_have() -> None:
    made = policy()
    made.learn("shared.example", HOSTS)
    own = made.site("own.example", HOSTS)
    assert (own.name, own.hosts) == ("own.example", name_of(HOSTS))
    assert (made.shape(own).connection_limit, made.shape(own).max_message_rate) == (5, Rate(9, 1))
    assert [rule.shown for rule in made.rules(own)] == ["of the hosts", "of the domain"]
    assert made.shape(made.site("guest.example", HOSTS)).max_message_rate is None


def test_a_domain_whose_hosts_nobody_knows_is_its_own_host() -> None:
    made = policy()
    assert made.site("shared.example", ()).name == "shared.example"
    assert made.shape(made.site("shared.example", ())).connection_limit == 5


def test_where_an_option_was_set_is_told() -> None:
    made = policy()
    told = made.options(made.site("shared.example", HOSTS))
    assert told["connection_limit"].origin == 'a.toml ["shared.example"]'


def test_a_long_name_is_bounded_and_tells_sets_apart() -> None:
    many = [f"{number}.mx.example" for number in range(100)]
    assert len(name_of(many)) == len(name_of([*many, "more.test"])) == MAX_NAME_CHARACTERS
    assert name_of(many) != name_of([*many[:-1], "100.mx.example"])


@pytest.mark.parametrize(
    ("answer", "hosts"),
    [
        (Answer(Found.RECORDS, (Mx(10, "b.test"), Mx(20, "a.test"))), ("b.test", "a.test")),
        (Answer(Found.RECORDS, (Mx(0, ""),)), ()),
        (Answer(Found.NO_DATA, (), "d.example"), ("d.example",)),
        (Answer(Found.NO_DATA), ("d.example",)),
        (Answer(Found.NO_NAME), ()),
        (Answer(Found.FAILED), ()),
    ],
)
def test_a_site_is_named_for_all_hosts(answer: Answer[Mx], hosts: tuple[str, ...]) -> None:
    assert hosts_of("d.example", answer) == hosts
