"""The file of tenants: what it may say, and how a mistake is told without telling a key."""

from pathlib import Path

import pytest

from fastemailnet.admission.quota import Quota
from fastemailnet.admission.tenants import kept, new_key
from fastemailnet.errors import ConfigError
from fastemailnet.tenants_file import read_tenants_file

KEY, NEXT = (new_key(bytes([number]) * 32) for number in (1, 2))


def written(folder: Path, text: str) -> Path:
    path = folder / "tenants.toml"
    path.write_text(text)
    return path


def test_a_tenant_has_keys_and_domains(tmp_path: Path) -> None:
    text = f'["acme"]\nkeys = ["{kept(KEY)}", "{kept(NEXT)}"]\nsender_domains = ["Acme.example"]\n[other]\n'
    tenants = read_tenants_file(written(tmp_path, text))
    acme, other = tenants
    assert acme is tenants.of_key(KEY) is tenants.of_key(NEXT) is tenants.named("acme")
    assert acme.sender_domains == ("acme.example",)
    assert (other.name, other.keys, other.sender_domains) == ("other", (), ())


def test_a_tenant_has_a_rate_and_a_number_of_the_day(tmp_path: Path) -> None:
    text = '[acme]\nrate = "600/m,max_burst=100"\ndaily = 5\n[other]\nrate = "60/h"\n[third]\n'
    acme, other, third = read_tenants_file(written(tmp_path, text))
    assert acme.quota == Quota(10.0, 100, "600/m,max_burst=100", 5)
    assert other.quota == Quota(1 / 60, 60, "60/h")
    assert third.quota == Quota()


def test_without_a_file_nobody_has_a_key() -> None:
    assert list(read_tenants_file(None)) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[acme]\nkeys = ["{KEY}"]', r"'acme': keys.*\(not shown\).*sha256:.*tenant key"),
        (f'[acme]\nkeys = "{KEY}"', r"'acme': keys.*\(not shown\).*tuple"),
        (f'[acme]\nkeys = [["{KEY}"]]', r"'acme': keys.*\(not shown\).*string"),
        (f'[acme]\nkey = ["{KEY}"]', r"'acme': key\W.*\(not shown\).*none of keys"),
        (f'acme = "{KEY}"', r"'acme'. = \(not shown\): must be a table"),
        (f'[acme]\nkeys = ["{kept(KEY)}"]\n[other]\nkeys = ["{kept(KEY)}"]', r"two tenants the same key as tenant 'acme'"),
        ('[acme]\nsender_domains = ["a@acme.example"]', r"'acme': sender_domains\W = 'a@acme.example': labels"),
        ('[acme]\nrate = "600"', r"'acme': rate\W = '600': must be a rate such as"),
        ("[acme]\ndaily = -1", r"'acme': daily"),
        ('[""]', r"1 to 255 printable characters"),
        (f'["{"a" * 256}"]', r"1 to 255 printable characters"),
        ('["a\\nb"]', r"1 to 255 printable characters"),
        ("[acme", r"is not TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_no_key_is(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        read_tenants_file(written(tmp_path, text))
    assert "gateway.tenants" in str(refused.value)
    assert KEY not in str(refused.value)
    assert KEY not in repr(refused.value.args)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.tenants.*nowhere.*cannot be read"):
        read_tenants_file(tmp_path / "nowhere")


def test_a_file_in_another_character_set_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_bytes('["café"]\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"gateway\.tenants.*is not TOML, which is UTF-8: octet 5 is 0xe9"):
        read_tenants_file(path)
