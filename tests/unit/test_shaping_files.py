"""The sample file, files that cannot be read, and the command that checks them."""

import json
from pathlib import Path

import pytest

from actors.main import app, main
from fastemailnet.config_shaping import ShapingSection
from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.limits import Rate
from fastemailnet.delivery.shaping.rules import Act
from fastemailnet.errors import ConfigError
from fastemailnet.shaping_files import read_policy

SAMPLE = Path(__file__).parents[2] / "config" / "shaping.toml"


def test_the_sample_loads_and_all_of_it_is_heeded() -> None:
    policy = read_policy(ShapingSection(files=(SAMPLE,), source="warming"))
    assert policy.notes == ()
    site = policy.site("x.example", ["1.mx.bigmail.example", "inbound.bigmail.test"])
    shape = policy.shape(site)
    assert (site.provider, shape.tls, shape.provider_connection_limit) == ("bigmail", TlsPolicy.REQUIRED, 40)
    assert shape.max_message_rate == Rate(5_000, 86_400, 1)
    assert policy.shape(policy.site("strict.example", ["mx.example"])).connection_limit == 1
    acts = {action.act for rule in policy.by_key.values() for action in rule.actions}
    assert acts == {Act.SET_CONFIG, Act.SET_DOMAIN_CONFIG, Act.SUSPEND, Act.SUSPEND_TENANT, Act.BOUNCE}


def test_the_house_has_limits_of_its_own() -> None:
    policy = read_policy(ShapingSection(connection_limit=3, max_deliveries_per_connection=4))
    shape = policy.shape(policy.site("x.example", ()))
    assert (shape.connection_limit, shape.max_deliveries_per_connection) == (3, 4)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml.*No such file"):
        read_policy(ShapingSection(files=(tmp_path / "none.toml",)))
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_policy(ShapingSection(files=(tmp_path / "a.toml",)))


def checked(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(lambda: app(["shaping", "check", *words]))
    return int(end.value.code or 0)


def test_files_are_checked_without_a_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    (tmp_path / "own.toml").write_text('["x.example"]\nehlo_domain = "[/b]"\n')
    figures = tmp_path / "figures.json"
    assert checked(str(SAMPLE), str(tmp_path / "own.toml"), "--json", str(figures)) == 0
    told = capsys.readouterr().out
    assert r"^421 4\.7\.\d+ \[BM0[12]\]" in told
    assert "ehlo_domain is not heeded: gateway.hostname" in told
    assert json.loads(figures.read_text()) == {"blocks": 5, "providers": 1, "rules": 5, "notes": 1}
    (tmp_path / "own.toml").write_text('["x.example"]\nconection_limit = 1\n')
    assert checked(str(tmp_path / "own.toml")) == 1
    assert "did you mean 'connection_limit'" in capsys.readouterr().err


def test_a_pattern_that_cannot_be_used_is_quoted_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(
        """[["default".automation]]\nregex = '[a-z] [/x] ('\naction = "Suspend"\nduration = "1h"\n"""
    )
    assert checked(str(tmp_path / "own.toml")) == 1
    assert "'[a-z] [/x] ('" in capsys.readouterr().err


def test_blocks_of_domains_that_go_to_a_smarthost_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text(
        '["x.example"]\nconnection_limit = 1\n["relay.example"]\nconnection_limit = 2\n["y.example"]\nconnection_limit = 3\n'
    )
    (tmp_path / "routes.toml").write_text('["x.example"]\nhost = "relay.example"\n')
    monkeypatch.setenv("FASTEMAILNET_ROUTE__KIND", "mx")
    monkeypatch.setenv("FASTEMAILNET_ROUTE__TABLE", str(tmp_path / "routes.toml"))
    assert checked(str(tmp_path / "own.toml")) == 0
    said = capsys.readouterr().out
    assert (
        '- ["x.example"] is not heeded: its mail goes to relay.example, and what counts there is a block ["relay.example"]'
        in said
    )
    assert said.count("is not heeded") == 1
    assert "notes=1" in said
