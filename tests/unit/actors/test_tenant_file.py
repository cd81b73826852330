"""The file of tenants is followed: what changes counts, what breaks changes nothing."""

import json
import logging
import os
from pathlib import Path

import pytest

from actors.tenant_file import LOOK_EVERY_S, SETTLED_MS, TenantFile
from fastemailnet.admission.tenants import kept, new_key
from fastemailnet.errors import ConfigError

OLD, NEW = (new_key(bytes([number]) * 32) for number in (1, 2))


class World:
    """A file, a clock, and who follows the one by the other."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tenants.toml"
        self.now_s = 0.0
        self.wall_ms = 1_000_000
        self.edits = 0
        self.write(table(OLD))
        self.followed = TenantFile(self.path, lambda: self.now_s, lambda: self.wall_ms)

    def write(self, text: str) -> None:
        self.edits += 1
        self.path.write_text(text)
        os.utime(self.path, ns=(self.edits, self.edits))  # however coarse the clock of the file system is

    def valid(self, after_s: float = LOOK_EVERY_S) -> list[str]:
        self.now_s += after_s
        return [key for key in (OLD, NEW) if self.followed.now().of_key(key)]


def table(*keys: str) -> str:
    return f"[acme]\nkeys = {json.dumps(list(map(kept, keys)))}\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_key_is_rotated_without_a_restart(world: World) -> None:
    assert world.valid() == [OLD]
    world.write(table(OLD, NEW))
    assert world.valid() == [OLD, NEW]
    world.write(table(NEW))
    assert world.valid() == [NEW]


def test_the_file_is_looked_at_seldom(world: World) -> None:
    world.write(table(NEW))
    assert world.valid(LOOK_EVERY_S / 2) == [OLD]
    assert world.valid(LOOK_EVERY_S / 2) == [NEW]


@pytest.mark.parametrize(
    ("age_ms", "found"),
    [(-1, [NEW]), (0, [OLD]), (SETTLED_MS - 1, [OLD]), (SETTLED_MS, [NEW]), (10**9, [NEW])],
)
def test_a_file_is_not_read_while_it_is_written(world: World, age_ms: int, found: list[str]) -> None:
    world.write("")  # as an editor leaves it for a moment
    os.utime(world.path, ns=(world.wall_ms * 1_000_000,) * 2)
    assert world.valid() == [OLD]
    world.write(table(NEW))
    os.utime(world.path, ns=(world.wall_ms * 1_000_000,) * 2)
    world.wall_ms += age_ms
    assert world.valid() == found


def test_a_slip_of_the_pen_takes_nobodys_key_away_and_is_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        world.write("[acme")
        assert world.valid() == [OLD]
        assert world.valid() == [OLD]
        (said,) = caplog.messages
        assert "is not TOML" in said
    world.write(table(NEW))
    assert world.valid() == [NEW]


def test_a_file_that_is_gone_counts_on_until_there_is_another(world: World) -> None:
    world.path.unlink()
    assert world.valid() == [OLD]
    world.write(table(NEW))
    assert world.valid() == [NEW]


def test_at_the_start_it_must_be_right(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        TenantFile(tmp_path / "nowhere")
    assert list(TenantFile(None).now()) == []
