"""The embedded log and its files: reopening, other handles and processes, damage, full disks, busy files."""

import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from fastemailnet.errors import LimitExceeded, LogAppendUnknown, LogCorrupt, LogError
from fastemailnet.log import embedded, partition_file, partition_format
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.pool import Pool

PROJECT = Path(__file__).parents[2]
NODE = Token("node-a", 1)


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_reopening_keeps_records_fences_and_offsets(tmp_path: Path) -> None:
    first = EmbeddedLog(tmp_path)
    first.append("journal", 0, [b"%d" % n for n in range(9)])
    first.fence("journal", 0, NODE, b"fence")
    first.trim("journal", 0, 10)
    first.close()
    again = EmbeddedLog(tmp_path)
    assert again.partitions("journal") == [0]
    assert (again.begin("journal", 0), again.end("journal", 0)) == (10, 10)
    assert again.append("journal", 0, [b"late"], token=NODE) == Fenced(9)
    assert again.append("journal", 0, [b"on"]) == range(10, 11)
    again.close()


def test_the_end_that_a_handle_remembers_follows_other_handles(tmp_path: Path) -> None:
    writer, reader = EmbeddedLog(tmp_path), EmbeddedLog(tmp_path)
    for turn in range(1, 200):
        writer.append("journal", 0, [b"x"])
        assert writer.end("journal", 0) == reader.end("journal", 0) == turn
        assert reader.end("journal", 0) == turn
    writer.close()
    reader.close()


def test_reading_makes_no_files(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log")
    assert log.end("journal", 0) == 0
    assert log.fetch("journal", 0, 0, 1) == []
    assert log.partitions("journal") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stream", "partition"), [("../journal", 0), ("", 0), ("Journal", 0), (".hidden", 0), ("a/b", 0), ("journal", -1)]
)
def test_no_name_leads_out_of_the_directory(tmp_path: Path, stream: str, partition: int) -> None:
    log = EmbeddedLog(tmp_path / "log")
    for call in (lambda: log.end(stream, partition), lambda: log.append(stream, partition, [b"x"])):
        with pytest.raises(ValueError, match="no stream can be named"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_processes_that_make_one_partition_at_once_share_it(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from fastemailnet.log.embedded import EmbeddedLog
        log = EmbeddedLog(Path(sys.argv[1]))
        while time.time() < float(sys.argv[2]):
            pass
        for partition in range(10):
            log.append("journal", partition, [b"x"] * 3)
    """
    start = time.time() + 1.5
    processes = [run_python(code, tmp_path / "log", start) for _ in range(3)]
    assert [process.wait(20) for process in processes] == [0, 0, 0]
    log = EmbeddedLog(tmp_path / "log")
    assert [log.end("journal", partition) for partition in log.partitions("journal")] == [9] * 10
    assert not list((tmp_path / "log" / "journal").glob("*.new"))
    log.close()


def test_a_creation_cut_short_does_not_stop_the_next(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    directory.mkdir()
    cut = directory / f".0.sqlite3.{os.getpid()}.{threading.get_ident()}.new"
    connection = sqlite3.connect(cut, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE record (x)")
    left = {path: path.read_bytes() for path in directory.iterdir()}
    connection.close()
    for path, content in left.items():
        path.write_bytes(content)
    log = EmbeddedLog(tmp_path)
    assert log.append("journal", 0, [b"x"]) == range(1)
    assert log.partitions("journal") == [0]
    log.close()


def test_a_file_that_is_not_ours_is_named_and_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    directory.mkdir()
    (directory / "0.sqlite3").write_bytes(b"dear diary " * 1_000)
    (directory / "1.sqlite3").write_bytes(b"")
    other = sqlite3.connect(directory / "2.sqlite3")
    other.execute("CREATE TABLE record (x)")
    other.execute("PRAGMA user_version = 1")
    other.commit()
    other.close()
    contents = {path: path.read_bytes() for path in directory.iterdir()}
    log = EmbeddedLog(tmp_path)
    for partition in range(3):
        path = str(directory / f"{partition}.sqlite3")
        with pytest.raises(LogCorrupt, match="sqlite3") as read:
            log.fetch("journal", partition, 0, 1)
        with pytest.raises(LogCorrupt) as written:
            log.append("journal", partition, [b"x"])
        assert path in str(read.value)
        assert path in str(written.value)
    assert {path: path.read_bytes() for path in directory.iterdir()} == contents


def test_a_later_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"x"])
    log.close()
    monkeypatch.setattr(partition_format, "FORMAT", 2)
    with pytest.raises(LogCorrupt, match="format 1; this version reads and writes format 2"):
        EmbeddedLog(tmp_path).end("journal", 0)


def test_damage_within_a_file_is_found_and_not_returned(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"%05d" % n * 200 for n in range(2_000)])
    log.close()
    path = tmp_path / "journal" / "0.sqlite3"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // partition_format.PAGE_OCTETS * partition_format.PAGE_OCTETS
    content[middle : middle + 4_096] = os.urandom(4_096)
    path.write_bytes(content)
    log = EmbeddedLog(tmp_path)
    with pytest.raises(LogCorrupt, match="sqlite3"):
        log.fetch("journal", 0, 0, 2_000)
    log.close()


def test_a_file_that_was_cut_short_is_refused_or_read_to_where_it_ends(tmp_path: Path) -> None:
    records = [bytes([number]) * 3_000 for number in range(40)]
    log = EmbeddedLog(tmp_path / "whole")
    log.append("journal", 0, records)
    log.close()
    whole = (tmp_path / "whole/journal/0.sqlite3").read_bytes()
    refused = 0
    for cut in range(0, len(whole), 2_048):
        path = tmp_path / str(cut) / "journal/0.sqlite3"
        path.parent.mkdir(parents=True)
        path.write_bytes(whole[:cut])
        log = EmbeddedLog(tmp_path / str(cut))
        try:
            assert log.begin("journal", 0) == 0
            found = log.fetch("journal", 0, 0, 100)
            assert found == [*enumerate(records)][: len(found)]
            assert log.append("journal", 0, [b"next"]) == range(len(records), len(records) + 1)
        except LogError:
            refused += 1
        log.close()
    assert refused > len(whole) // 4_096


def test_a_missing_record_is_found(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"x"] * 5)
    raw = sqlite3.connect(tmp_path / "journal" / "0.sqlite3")
    raw.execute("DELETE FROM record WHERE offset = 2")
    raw.commit()
    raw.close()
    with pytest.raises(LogCorrupt, match="missing between 0 and 4"):
        log.fetch("journal", 0, 0, 9)
    log.close()


def test_a_busy_file_refuses_for_certain_and_works_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_file, "BUSY_TIMEOUT_S", 0.05)
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"x"])
    raw = sqlite3.connect(tmp_path / "journal" / "0.sqlite3", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogError, match="locked") as append:
        log.append("journal", 0, [b"y"])
    with pytest.raises(LogError, match="locked") as fence:
        log.fence("journal", 0, NODE, b"y")
    assert append.value.definite
    assert fence.value.definite
    assert log.fetch("journal", 0, 0, 9) == [(0, b"x")]
    raw.execute("ROLLBACK")
    assert log.append("journal", 0, [b"y"], token=NODE) == range(1, 2)
    raw.close()
    log.close()


def test_a_full_disk_loses_nothing_and_claims_nothing(tmp_path: Path) -> None:
    """A file size limit stands in for the disk: writes past it fail with EFBIG."""
    code = """
        import resource, signal, sys
        from pathlib import Path
        from fastemailnet.errors import LogAppendUnknown
        from fastemailnet.log.embedded import EmbeddedLog
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        log = EmbeddedLog(Path(sys.argv[1]))
        log.append("journal", 0, [b"first"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        kept = 1
        try:
            while True:
                kept = log.append("journal", 0, [b"x" * 5_000] * 3).stop
        except LogAppendUnknown as error:
            assert not error.definite
        assert log.end("journal", 0) == kept, "nothing of the failed append shows"
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert log.append("journal", 0, [b"again"]).start == kept
        assert len(log.fetch("journal", 0, 0, 10_000)) == kept + 1
        print(kept)
    """
    process = run_python(code, tmp_path)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    kept = int(output)
    assert kept > 10
    log = EmbeddedLog(tmp_path)
    assert log.fetch("journal", 0, kept, 9) == [(kept, b"again")]
    log.close()


def test_one_append_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_file, "MAX_APPEND_OCTETS", 100)
    log = EmbeddedLog(tmp_path)
    with pytest.raises(LimitExceeded):
        log.append("journal", 0, [b"x" * 51] * 2)
    assert log.append("journal", 0, [b"x" * 50] * 2) == range(2)
    log.close()


def test_more_partitions_than_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MAX_IDLE_CONNECTIONS", 6)
    log = EmbeddedLog(tmp_path)
    for turn in range(3):
        for partition in range(12):
            assert log.append("journal", partition, [b"x"]) == range(turn, turn + 1)
            assert log.end("journal", partition) == turn + 1
    assert 0 < len(open_files(tmp_path)) <= 6
    log.close()
    assert open_files(tmp_path) == []


def open_files(directory: Path) -> list[str]:
    """The partitions in the directory that this process has open, once for each connection."""
    names = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [name for name in names if name.startswith(str(directory)) and name.endswith(".sqlite3")]


def test_a_connection_that_is_out_while_the_log_closes_is_closed_on_its_return(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"x"])
    log.close()
    pool = Pool(tmp_path / "journal" / "0.sqlite3", lambda: None)
    with pool.reader() as reader:
        pool.close()
        assert reader.end() == 1
    assert open_files(tmp_path) == []
    for use in (pool.reader, pool.writer):
        with pytest.raises(LogError, match="closed"), use():
            pass


def test_an_append_does_not_wait_for_a_long_trim(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    for _ in range(10):
        log.append("journal", 0, [b"x" * 1_000] * 1_000)
    trimming = threading.Thread(target=log.trim, args=("journal", 0, 9_999))
    trimming.start()
    during = 0
    while trimming.is_alive():
        log.append("journal", 0, [b"y"])
        during += 1
    trimming.join()
    assert during > 20
    assert log.fetch("journal", 0, 0, 2) == [(9_999, b"x" * 1_000), (10_000, b"y")]
    log.close()


def test_a_trim_cut_short_shows_nothing_it_hid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"%d" % n for n in range(10)])

    def cut_short(_: object) -> bool:
        raise LogAppendUnknown("power gone")

    with monkeypatch.context() as patch:
        patch.setattr(partition_file.PartitionFile, "drop_hidden", cut_short)
        with pytest.raises(LogAppendUnknown):
            log.trim("journal", 0, 7)
    assert log.begin("journal", 0) == 7
    assert log.fetch("journal", 0, 0, 1) == [(7, b"7")]
    log.trim("journal", 0, 8)
    raw = sqlite3.connect(tmp_path / "journal" / "0.sqlite3")
    assert raw.execute("SELECT min(offset), count(*) FROM record").fetchone() == (8, 2)
    raw.close()
    log.close()
