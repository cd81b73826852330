"""Paths and widths of tiles and bundles, by the examples of the specification."""

import pytest

from fastemailnet.ledger import tile
from fastemailnet.ledger.hashing import leaf_hashes
from tests.unit.ledger.samples import mth


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "000"),
        (67, "067"),
        (999, "999"),
        (1000, "x001/000"),
        (1234067, "x001/x234/067"),
        (10**9, "x001/x000/x000/000"),
    ],
)
def test_paths(index: int, path: str) -> None:
    assert tile.tile_path(2, index) == f"tile/2/{path}"
    assert tile.tile_path(tile.ENTRIES, index, 8) == f"tile/entries/{path}.p/8"


def entries_of(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") * 44 for number in range(count)]


def published(count: int, step: int) -> tuple[dict[str, bytes], tile.Frontier]:
    frontier, files = tile.Frontier(), dict[str, bytes]()
    entries = entries_of(count)
    for at in range(0, count, step):
        part = entries[at : at + step]
        files |= dict(frontier.extend(tile.bundle(part), leaf_hashes(part)))
    return files | dict(frontier.partials()), frontier


def test_the_files_of_a_tree_of_70000_leaves() -> None:
    files, frontier = published(70_000, 1_025)
    hashes = [path for path in files if "entries" not in path]
    level = {number: [path for path in hashes if path.startswith(f"tile/{number}/")] for number in range(4)}
    assert len(level[0]) == 274
    assert "tile/0/273.p/112" in level[0]
    assert sorted(level[1]) == ["tile/1/000", "tile/1/001.p/17"]
    assert level[2] == ["tile/2/000.p/1"]
    assert not level[3]
    assert len(files["tile/entries/273.p/112"]) == 112 * 178
    reader = tile.TileReader(70_000, files.__getitem__)
    assert reader.entry(69_999) == entries_of(70_000)[-1]
    assert files["tile/2/000.p/1"] == reader(16, 0) == frontier.range.nodes[0].hash


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
@pytest.mark.parametrize("step", [1, 7, 256, 600])
def test_files_do_not_depend_on_how_the_leaves_came(count: int, step: int) -> None:
    files, frontier = published(count, step)
    entries = entries_of(count)
    full = {path: content for path, content in files.items() if ".p/" not in path}
    assert frontier.range.root() == mth(entries)
    for number in range(count // 256):
        assert full[f"tile/0/{number:03d}"] == b"".join(leaf_hashes(entries[number * 256 : number * 256 + 256]))
        assert tile.split_bundle(full[f"tile/entries/{number:03d}"]) == entries[number * 256 : number * 256 + 256]
    assert (f"tile/0/{count // 256:03d}.p/{count % 256}" in files) == bool(count % 256)


def test_a_tree_of_256_leaves_has_one_full_tile_and_one_hash_above_it() -> None:
    files, _ = published(256, 256)
    assert sorted(files) == ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]


@pytest.mark.parametrize("octets", [b"\0", b"\x00\xb1" + bytes(176), b"\x01\xb0" + bytes(176), bytes(178)])
def test_other_octets_are_no_bundle(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"entries of 178|length prefix"):
        tile.split_bundle(octets)


def test_an_empty_bundle_has_no_entries() -> None:
    assert tile.split_bundle(tile.bundle([])) == []
