from pathlib import Path

import pytest

from actors.key_file import KeyFile
from fastemailnet.admission.replay import Entry
from fastemailnet.errors import LogError

WHERE = ("mail.standard", 0)


def entry(number: int, at_ms: int) -> Entry:
    return Entry(number.to_bytes(16, "big"), at_ms.to_bytes(6, "big") + bytes(26))


def test_keys_and_how_far_the_log_was_read_are_there_after_a_restart(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.sqlite3")
    file.put([entry(1, 5), entry(2, 6)], {WHERE: 2}, forget_ms=0)
    file.put([entry(1, 9)], {WHERE: 3}, forget_ms=0)  # a key that is used again after its window
    file.close()
    file = KeyFile(tmp_path / "keys.sqlite3")
    assert file.reached() == {WHERE: 3}
    assert file.find(entry(1, 9).name) == entry(1, 9).kept
    assert file.find(entry(2, 6).name) == entry(2, 6).kept
    assert file.find(entry(3, 0).name) is None
    file.close()


def test_what_lies_behind_the_window_is_forgotten(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.sqlite3")
    file.put([entry(number, number) for number in range(100)], {}, forget_ms=-1)
    file.put([], {}, forget_ms=60)
    assert file.find(entry(60, 60).name) is None
    assert file.find(entry(61, 61).name) is not None
    file.close()


def test_a_file_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite3").write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(LogError, match="may be deleted"):
        KeyFile(tmp_path / "keys.sqlite3")
