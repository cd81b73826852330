"""Files are followed, those of tenants say: what changes counts, what breaks changes nothing and is told until it is mended."""

import json
import logging
import os
from pathlib import Path

import pytest

from actors.watched_files import LOOK_EVERY_S, SETTLED_MS, Watched
from fastemailnet.admission.tenants import kept, new_key
from fastemailnet.errors import ConfigError
from fastemailnet.tenants_file import read_tenants_file

OLD, NEW = (new_key(bytes([number]) * 32) for number in (1, 2))


class World:
    """A file, a clock, and who follows the one by the other."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tenants.toml"
        self.now_s = 0.0
        self.wall_ms = 1_000_000
        self.edits = 0
        self.write(table(OLD))
        read = lambda: read_tenants_file(self.path)  # noqa: E731
        self.followed = Watched((self.path,), read, "the tenants", lambda: self.now_s, lambda: self.wall_ms)

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
        assert "the tenants stay as they were" in said
        assert "is not TOML" in said
        assert world.followed.problem == said
    world.write(table(NEW))
    assert world.valid() == [NEW]
    assert world.followed.problem == ""


def test_what_could_not_be_read_is_read_as_soon_as_it_can_be(world: World, caplog: pytest.LogCaptureFixture) -> None:
    read, world.followed._read = world.followed._read, lambda: read_tenants_file(world.path / "not allowed")
    world.write(table(NEW))
    with caplog.at_level(logging.WARNING):
        assert [world.valid() for _ in range(3)] == [[OLD]] * 3
    assert len(caplog.messages) == 1
    world.followed._read = read  # as after a chmod, which changes no content
    assert world.valid() == [NEW]
    assert world.followed.problem == ""


def test_a_file_that_is_gone_counts_on_until_there_is_another(world: World) -> None:
    world.path.unlink()
    assert world.valid() == [OLD]
    world.write(table(NEW))
    assert world.valid() == [NEW]


def test_at_the_start_it_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    with pytest.raises(ConfigError):
        Watched((path,), lambda: read_tenants_file(path), "the tenants")
    assert list(Watched((), lambda: read_tenants_file(None), "the tenants").now()) == []


def test_of_several_files_each_is_looked_at_and_none_is_read_before_all_lie_still(tmp_path: Path) -> None:
    paths, now_s, wall = (tmp_path / "a", tmp_path / "b"), [0.0], [1_000_000]

    def write(path: Path, text: str, at_ms: int) -> None:
        path.write_text(text)
        os.utime(path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))

    def seen() -> str:
        now_s[0] += LOOK_EVERY_S
        return both.now()

    for path in paths:
        write(path, "1", 0)
    both = Watched(paths, lambda: "".join(path.read_text() for path in paths), "", lambda: now_s[0], lambda: wall[0])
    assert seen() == "11"
    write(paths[1], "2", wall[0])
    assert seen() == "11"
    write(paths[0], "2", wall[0] + 150)
    wall[0] += SETTLED_MS
    assert seen() == "11"
    wall[0] += SETTLED_MS
    assert seen() == "22"
