"""Keys on the command line: what is printed is what the file takes."""

from pathlib import Path

import pytest

from actors.tenant_cli import tenant_key, tenant_list
from fastemailnet.errors import ConfigError
from fastemailnet.tenants_file import read_tenants_file


def printed(capsys: pytest.CaptureFixture[str], name: str) -> tuple[str, str]:
    """A key, and the lines for the file."""
    tenant_key(name)
    key, _, *lines = capsys.readouterr().out.splitlines()
    return key.removeprefix("key:  "), "\n".join(lines)


@pytest.mark.parametrize("name", ["acme", 'a "b" c', "grüße", "a.b", "]["])
def test_the_lines_make_the_key_right(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    key, lines = printed(capsys, name)
    path = tmp_path / "tenants.toml"
    path.write_text(lines)
    tenants = read_tenants_file(path)
    assert tenants.of_key(key) is tenants.named(name) is not None
    assert key not in lines
    assert printed(capsys, name)[0] != key


def test_what_can_be_no_tenant_gets_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError):
        tenant_key("")
    assert capsys.readouterr().out == ""


def test_the_list_tells_tenants_and_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config, path = tmp_path / "my.toml", tmp_path / "tenants.toml"
    config.write_text('[gateway]\ntenants = "tenants.toml"\n')
    path.write_text(printed(capsys, "acme")[1] + '\nsender_domains = ["acme.example"]\nrate = "600/m"\n')
    tenant_list(config)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "acme" in line]
    assert [word.strip() for word in line.strip("│").split("│")] == ["acme", "1", "600/m", "any", "acme.example"]
    path.write_text("[acme")
    with pytest.raises(ConfigError, match="not TOML"):
        tenant_list(config)
    with pytest.raises(ConfigError, match="names no file"):
        tenant_list(None)
