"""Settings: who overrides whom, and what a mistake is answered with."""

import pickle
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from actors.build_delivery import routes
from fastemailnet.config import Settings, keys, load, render_defaults
from fastemailnet.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config" / "fastemailnet.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "some.toml"
    path.write_text(text)
    return path


def refusal(path: Path | None, environ: dict[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value


def test_the_shipped_file_is_the_defaults() -> None:
    assert SHIPPED.read_text() == render_defaults()
    assert load(SHIPPED, {}) == load(None, {})


def test_every_key_is_described_and_in_the_file() -> None:
    text = SHIPPED.read_text()
    given = {f"{section}.{key}" for section, table in tomllib.loads(text).items() for key in table}
    unset = set(keys()) - given
    assert given <= set(keys())
    assert all(f"\n# {key.partition('.')[2]} =" in text for key in unset)
    for section in Settings.model_fields.values():
        assert section.annotation is not None
        assert section.annotation.__doc__
        assert all(field.description for field in section.annotation.model_fields.values())


def test_the_environment_overrides_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "[gateway]\nhttp_port = 1\nsmtp_port = 2\n")
    settings = load(path, {"FASTEMAILNET_GATEWAY__SMTP_PORT": "3", "PATH": "/bin"})
    assert (settings.gateway.http_port, settings.gateway.smtp_port, settings.sandbox.smtp_port) == (1, 3, 2526)


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("CLASSIFIER__ENABLED", "false", lambda s: s.classifier.enabled is False),
        ("GATEWAY__RELAY_NETWORKS", '["192.0.2.0/24"]', lambda s: s.gateway.relay_networks == ("192.0.2.0/24",)),
        ("CLASSIFIER__HOLD_THRESHOLD", "0.5", lambda s: s.classifier.hold_threshold == 0.5),
        ("IN_DOUBT__RETRY_DELAY_S", "90", lambda s: s.in_doubt.retry_delay_s == 90),
        ("BLOBS__INLINE_OCTETS", "4096", lambda s: s.blobs.inline_octets == 4096),
        ("BLOBS__INLINE_OCTETS", "auto", lambda s: s.blobs.inline_octets == "auto"),
        ("GATEWAY__BIND", "[::1]", lambda s: s.gateway.bind == "[::1]"),
    ],
)
def test_values_of_every_type_come_from_the_environment(name: str, text: str, read: object) -> None:
    assert callable(read)
    assert read(load(None, {f"FASTEMAILNET_{name}": text}))


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[gateway]\nhttp_prot = 1\n", "gateway.http_prot", "gateway.http_port"),
        ("[gatway]\nhttp_port = 1\n", "gatway.http_port", "gateway.http_port"),
        ("[sandbx]\nbind = 1\n", "sandbx.bind", "sandbox.bind"),
        ("[route]\nhold_threshold = 0.5\n", "route.hold_threshold", "classifier.hold_threshold"),
        ("nodes = 3\n", "nodes", "fleet.nodes"),
        ("[fleet]\nqqq = 3\n", "fleet.qqq", ""),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    error = refusal(written(tmp_path, text), {})
    assert (error.key, error.nearest) == (key, nearest)
    assert (f"did you mean {nearest!r}?" in str(error)) == bool(nearest)


def test_an_unknown_name_in_the_environment_is_refused_too() -> None:
    error = refusal(None, {"FASTEMAILNET_FLEET__NODE": "3"})
    assert (error.key, error.nearest) == ("fleet.node", "fleet.nodes")


@pytest.mark.parametrize(
    ("text", "key", "value", "allowed"),
    [
        ("[fleet]\nnodes = 0\n", "fleet.nodes", "0", "greater than or equal to 1"),
        ("[fleet]\nnodes = 'two'\n", "fleet.nodes", "'two'", "valid integer"),
        ("[gateway]\nhttp_port = 65536\n", "gateway.http_port", "65536", "less than or equal to 65535"),
        ("[gateway]\nrelay_networks = ['home']\n", "gateway.relay_networks", "'home'", "IPv4 or IPv6 network"),
        ("[route]\nkind = 'pigeon'\n", "route.kind", "'pigeon'", "'sandbox', 'smarthost' or 'mx'"),
        ("[log]\nurl = 'stone:'\n", "log.url", "'stone:'", "fit: log back end: embedded: or kafka://host"),
        ("fleet = 3\n", "fleet", "3", "not a setting"),
        ("[blobs]\ninline_octets = -1\n", "blobs.inline_octets", "-1", "must be auto, 0 or"),
        ("[blobs]\nurl = 'ftp://x'\n", "blobs.url", "'ftp://x'", "s3:"),
        ("[blobs]\naccess_key_id = 'k'\n", "blobs.secret_key_file", "none", "must be set"),
        ("[route]\nkind = 'smarthost'\n", "route.host", "''", "must name the smarthost"),
        ("[gateway]\nkey_file = 'k'\n", "gateway.certificate_file", "none", "must be set"),
        ("[route]\nusername = 'u'\n", "route.password_file", "none", "must be set"),
        ("[dkim]\ndomain = 'a.example'\n", "dkim.key_file", "none", "must be set"),
        ("[unsubscribe]\nurl = 'http://a.example'\n", "unsubscribe.url", "'http://a.example'", "fit: https URL"),
        ("[unsubscribe]\nurl = 'https://a.example/>'\n", "unsubscribe.url", "'https://a.example/>'", "fit: https URL"),
        (
            "[classifier]\nhold_threshold = 0.9\nreject_threshold = 0.5\n",
            "classifier.reject_threshold",
            "0.5",
            "at least classifier.hold_threshold (0.9)",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, key: str, value: str, allowed: str
) -> None:
    error = refusal(written(tmp_path, text), {})
    assert (error.key, error.value) == (key, value)
    assert allowed in str(error)


@pytest.mark.parametrize("key", ["password", "passwd", "api_token", "password_file"])
def test_a_secret_is_never_shown(tmp_path: Path, key: str) -> None:
    error = refusal(written(tmp_path, f"[route]\n{key} = ['hunter2']\n"), {})
    assert error.key == f"route.{key}"
    assert "hunter2" not in f"{error} {error.args}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "No such file" in str(refusal(tmp_path / "none.toml", {}))
    assert "not TOML" in str(refusal(written(tmp_path, "[fleet\n"), {}))


def test_paths_are_absolute_so_that_every_process_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(
        None,
        {
            "FASTEMAILNET_FLEET__DATA": "d",
            "FASTEMAILNET_CLASSIFIER__MODEL": "m",
            "FASTEMAILNET_SHAPING__FILES": '["s", "/t"]',
        },
    )
    assert settings.fleet.data == tmp_path / "d"
    assert settings.classifier.model == tmp_path / "m"
    assert settings.shaping.files == (tmp_path / "s", Path("/t"))
    assert settings.route.password_file is None


def test_a_path_starts_at_the_folder_of_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, etc = tmp_path / "here", tmp_path / "etc"
    here.mkdir()
    etc.mkdir()
    monkeypatch.chdir(here)
    text = """
        [route]
        table = "routes.toml"
        [shaping]
        files = ["shaping.toml", "/t", "../own.toml"]
        [dkim]
        key_file = "dkim.pem"
        [tls]
        ca_file = "ca.pem"
        """
    written(etc, text).rename(etc / "f.toml")
    for path in (etc / "f.toml", Path("..") / "etc" / "f.toml"):
        settings = load(path, {"FASTEMAILNET_TLS__CA_FILE": "ours.pem"})
        found = (settings.route.table, *settings.shaping.files, settings.dkim.key_file)
        names = (etc / "routes.toml", etc / "shaping.toml", Path("/t"), tmp_path / "own.toml", etc / "dkim.pem")
        assert [one.resolve() for one in found if one is not None] == list(names)
        assert settings.tls.ca_file == here / "ours.pem"
        assert settings.fleet.data == here / "data"  # nobody named it
    with pytest.raises(ConfigError, match=f"{etc}/routes.toml.*No such file"):
        routes(load(etc / "f.toml", {}))
    assert "shaping.files" in str(refusal(written(etc, '[shaping]\nfiles = "shaping.toml"\n'), {}))


def test_a_data_directory_that_was_meant_from_the_working_directory_is_not_silently_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, etc = tmp_path / "here", tmp_path / "etc"
    (here / "kept").mkdir(parents=True)
    etc.mkdir()
    monkeypatch.chdir(here)
    path = written(etc, '[fleet]\ndata = "kept"\n')
    assert load(path, {}).fleet.data == etc / "kept"
    (here / "kept" / "log.id").write_text("embedded")
    error = refusal(path, {})
    assert (error.key, error.value) == ("fleet.data", str(etc / "kept"))
    assert str(here / "kept") in str(error)
    assert load(path, {"FASTEMAILNET_FLEET__DATA": "kept"}).fleet.data == here / "kept"
    (etc / "kept").mkdir()
    assert load(path, {}).fleet.data == etc / "kept"


def test_settings_never_change_and_travel_between_processes() -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__NODES": "5"})
    with pytest.raises(ValidationError, match="frozen"):
        settings.fleet.nodes = 6
    assert pickle.loads(pickle.dumps(settings)) == settings
