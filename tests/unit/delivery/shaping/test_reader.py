"""What a file may say, how files are laid over each other, and what is refused."""

import pytest

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.limits import Rate, Shape
from fastemailnet.delivery.shaping.options import HEEDED, NOT_HEEDED
from fastemailnet.delivery.shaping.policy import Policy
from fastemailnet.delivery.shaping.reader import read
from fastemailnet.errors import ConfigError


def policy(*texts: str, source: str = "") -> Policy:
    return read([(f"{number}.toml", text) for number, text in enumerate(texts)], source=source)


def shape(made: Policy, domain: str = "x.example", *hosts: str) -> Shape:
    return made.shape(made.site(domain, hosts))


BASE = """
["default"]
connection_limit = 10
max_connection_rate = "100/min"
max_deliveries_per_connection = 100
max_message_rate = "100/s"
idle_timeout = "60s"
enable_tls = "Opportunistic"

["first.example"]
max_deliveries_per_connection = 20

["apart.example"]
mx_rollup = false
max_deliveries_per_connection = 50
connection_limit = 3

["apart.example".sources."IP-1"]
max_deliveries_per_connection = 5
"""


def test_the_example_of_the_manual_comes_out_as_the_manual_says() -> None:
    # docs.kumomta.com, "MX Rollups and Option Inheritance"; the two domains have the same hosts
    made = policy(BASE, source="IP-1")
    hosts = ("mta5.am0.example", "mta6.am0.example")
    first, apart = shape(made, "first.example", *hosts), shape(made, "apart.example", *hosts)
    assert (first.connection_limit, first.max_deliveries_per_connection) == (10, 20)
    assert (apart.connection_limit, apart.max_deliveries_per_connection) == (3, 5)
    assert (apart.max_connection_rate, apart.max_message_rate) == (Rate(100, 60), Rate(100, 1))
    assert shape(policy(BASE, source="IP-2"), "apart.example", *hosts).max_deliveries_per_connection == 50
    assert (first.idle_timeout_s, first.tls) == (60.0, TlsPolicy.OPPORTUNISTIC)


def test_without_files_the_house_has_its_limits() -> None:
    assert shape(read([], Shape(7, 8))) == Shape(7, 8)
    assert shape(policy()) == Shape(32, 100)


def test_a_later_file_is_laid_over_an_earlier_one() -> None:
    later = '["default"]\nmax_message_rate = "5/s"\n["first.example"]\nconnection_limit = 2\n'
    found = shape(policy(BASE, later), "first.example", "mx.example")
    assert (found.connection_limit, found.max_deliveries_per_connection, found.max_message_rate) == (2, 20, Rate(5, 1))


def test_replace_base_forgets_what_files_before_said_of_the_block() -> None:
    rule = '[["default".automation]]\nregex = "a"\naction = "Suspend"\nduration = "1m"\n'
    made = policy(
        BASE + rule, '["default"]\nreplace_base = true\nconnection_limit = 4\n', '["default"]\nidle_timeout = "9s"'
    )
    assert shape(made) == Shape(connection_limit=4, idle_timeout_s=9.0)
    assert not made.by_key


def test_rules_of_several_files_add_up_and_the_same_one_counts_once() -> None:
    rule = '[["default".automation]]\nregex = "{}"\naction = "Suspend"\nduration = "1m"\n'
    made = policy(rule.format("a"), rule.format("a"), rule.format("b"))
    assert [one.shown for one in made.rules(made.site("x.example", ()))] == ["a", "b"]


def test_json_has_the_same_structure() -> None:
    made = read([("own.json", '{"default": {"connection_limit": "1_000"}}')])
    assert shape(made).connection_limit == 1_000


SAMPLES = {
    "connection_limit": "5",
    "max_deliveries_per_connection": "5",
    "max_connection_rate": '"1/s"',
    "max_message_rate": '"1/s"',
    "idle_timeout": '"1s"',
    "enable_tls": '"Required"',
    "additional_connection_limits": '{"a" = 5}',
    "additional_message_rate_throttles": '{"a" = "1/s"}',
    "additional_source_selection_rates": '{"a" = "1/s"}',
    "source_selection_rate": '"1/s"',
    "provider_source_selection_rate": '"1/s"',
    "provider_name": '"a"',
    "tls_certificate": '"/a.pem"',
    "tls_private_key": '{vault_mount = "a", vault_path = "b"}',
    "smtp_auth_plain_password": '{key_data = "secret"}',
    "rustls_cipher_suites": '["TLS13_AES_256_GCM_SHA384"]',
    "prohibited_hosts": '["10.0.0.0/8"]',
    "skip_hosts": '["10.0.0.0/8"]',
    "ip_lookup_strategy": '"Ipv4Only"',
    "refresh_strategy": '"Ttl"',
    "reconnect_strategy": '"TerminateSession"',
    "smtp_port": "2525",
    **dict.fromkeys(("low_memory_reduction_policy", "no_memory_reduction_policy"), '"NoShrink"'),
    **dict.fromkeys(("dispatcher_wakeup_strategy", "maintainer_wakeup_strategy"), '"Relaxed"'),
    **dict.fromkeys(("max_ready", "consecutive_connection_failures_before_delay", "max_recipients_per_batch"), "5"),
    **dict.fromkeys(("smtp_auth_plain_username", "ehlo_domain", "readyq_pool_name"), '"a"'),
    **dict.fromkeys(("openssl_cipher_list", "openssl_cipher_suites", "openssl_options"), '"a"'),
    **{
        name: '"1m"'
        for name in NOT_HEEDED
        if name.endswith("_timeout") or name in ("remember_broken_tls", "refresh_interval")
    },
}


@pytest.mark.parametrize("name", [*HEEDED, *NOT_HEEDED])
def test_every_option_of_kumomta_is_read_and_what_is_not_heeded_is_told(name: str) -> None:
    made = policy(f'["default"]\n{name} = {SAMPLES.get(name, "true")}')
    told = [note for note in made.notes if f": {name} is not heeded: " in note]
    assert len(told) == (name in NOT_HEEDED)
    assert all("secret" not in note for note in made.notes)
    with pytest.raises(ConfigError, match="must be"):
        policy(f'["default"]\n{name} = -1')


def test_a_limit_of_each_node_is_told() -> None:
    (note,) = policy('["default"]\nmax_message_rate = "local:5/s"').notes
    assert "the whole fleet's" in note


WRONG = [
    ('["default"]\nconection_limit = 1', "connection_limit"),
    ('["default"]\nconnection_limit = 0', "at least 1"),
    ('["default"]\nconnection_limit = true', "at least 1"),
    ('["default"]\nmax_message_rate = 5', "a rate"),
    ('["default"]\nenable_tls = "required"', "Opportunistic, "),
    ('["default"]\nprovider_connection_limit = 1', "is no option"),
    ('["default"]\nreplace_base = 1', "true or false"),
    ('["a.example"]\nmx_rollup = "no"', "true or false"),
    ("[a.example]\nconnection_limit = 1", r'\["a.example"\]'),
    ("connection_limit = 1", "must be a block"),
    ("[provider]\na = 1", "must be a block"),
    ('[provider."p"]\nmatch = [{Suffix = ".a"}]', "MXSuffix"),
    ('[provider."p"]\nmatch = {MXSuffix = ".a"}', "MXSuffix"),
    ('[provider."p"]\nmatch = [{MXSuffix = ""}]', "MXSuffix"),
    ('["a.example".sources]\nb = 1', "must be tables"),
    ('["a.example".sources."b"]\nlimit = 1', "is no option"),
    ('["a.example"]\nautomation = {}', "must be a list"),
    ("a = [", "is not TOML"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_file_is_refused_and_the_place_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        policy(text)
    assert "0.toml" in str(error.value)


def test_wrong_json_is_told_as_such() -> None:
    with pytest.raises(ConfigError, match="is not JSON"):
        read([("a.json", "{")])
    with pytest.raises(ConfigError, match="a table of blocks"):
        read([("a.json", "[]")])


def test_a_domain_of_one_label_is_told() -> None:
    (note,) = policy("[localhost]\nconnection_limit = 1").notes
    assert "a domain of one label" in note


def test_a_provider_that_matches_nothing_is_told() -> None:
    (note,) = policy('[provider."lost"]\nconnection_limit = 1').notes
    assert "'lost' has no match" in note
