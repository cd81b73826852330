"""Routes of single domains, read from a file."""

from pathlib import Path

import pytest

from actors.build import routes
from fastemailnet.config import load
from fastemailnet.delivery.route import RouteKind, TlsPolicy
from fastemailnet.errors import ConfigError
from fastemailnet.route_table import read_table

TABLE = """
["Partner.example"]
host = "relay.partner.example"
port = 587
username = "us"
password_file = "partner-password"
tls = "required"

[".corp.example"]
kind = "mx"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "routes.toml"
    path.write_text(text)
    return path


def test_a_domain_has_a_smarthost_with_a_password_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "partner-password").write_text("secret\n")
    settings = load(None, {"FASTEMAILNET_ROUTE__TABLE": str(written(tmp_path, TABLE))})
    found = routes(settings)
    partner = found.of("partner.example")
    assert (partner.kind, partner.host, partner.port) == (RouteKind.SMARTHOST, "relay.partner.example", 587)
    assert (partner.username, partner.password, partner.tls) == ("us", "secret", TlsPolicy.REQUIRED)
    assert found.of("mail.corp.example").kind is RouteKind.MX
    assert found.of("corp.example").kind is RouteKind.SANDBOX


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('["a.example"]\nprot = 3\n', "route.table 'a.example': prot"),
        ('["a.example"]\nkind = "smarthost"\n', "route.table 'a.example': host"),
        ('["a.example"]\nhost = "h"\nusername = "u"\n', "route.table 'a.example': password_file"),
        ("[", "route.table"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_table(written(tmp_path, text))
    assert caught.value.key == key
