"""A keeper that ends between any two effects, or in the middle of any write, goes on where it was and signs nothing
twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from fastemailnet.archive.keeper import Keeper
from fastemailnet.archive.lock import Lock, Locked
from fastemailnet.archive.receipts import Receipts
from fastemailnet.errors import LedgerConflict, LedgerCorrupt, LedgerError
from fastemailnet.ledger import checkpoint, tile
from fastemailnet.ledger.fact import Fact
from tests.integration.ledger_world import (
    Crash,
    CrashingKeeper,
    assert_each_fact_once,
    entries,
    feed,
    frames,
    journal_of,
    keeper,
    locked_text,
    opened,
    segment,
)
from tests.unit.ledger.samples import NOW_MS, mth

EFFECTS_OF_THE_RUN = 5 + 3 * 7  # a start, then three blocks, each sealed and published


def die() -> NoReturn:
    raise Crash


def crash(directory: Path, crash_at: int, journal: list[Fact]) -> tuple[bool, str | None]:
    """Run until the crash; returns whether it came, and the checkpoint that was locked then."""
    one = keeper(directory, CrashingKeeper)
    assert isinstance(one, CrashingKeeper)
    one.crash_at = crash_at
    try:
        one.open()
        for upto in range(60, len(journal) + 1, 60):
            feed(one, journal, upto, now_ms=NOW_MS)
    except Crash:
        return True, locked_text(directory) if one._held.checkpoint else None  # what the dead one held
    finally:
        one.close()
    return False, None


def test_a_crash_before_any_effect(tmp_path: Path) -> None:
    journal = journal_of(180)
    for crash_at in range(EFFECTS_OF_THE_RUN + 1):
        directory = tmp_path / str(crash_at)
        came, signed = crash(directory, crash_at, journal)
        assert came == (crash_at < EFFECTS_OF_THE_RUN), (
            f"the run has another number of effects than {EFFECTS_OF_THE_RUN}"
        )
        one = opened(directory)
        feed(one, journal, len(journal))
        assert one.fsck().findings == ()
        if signed is not None:
            before = checkpoint.verify(signed, one.verifier)
            assert before.root == mth(entries(directory)[: before.size]), (
                "a checkpoint was signed that is not of this tree"
            )
        one.close()
        assert_each_fact_once(directory, journal)


def test_a_frame_torn_at_any_octet_is_cut_off_and_its_facts_come_again(tmp_path: Path) -> None:
    journal = journal_of(3)
    base = tmp_path / "base"
    one = opened(base)
    feed(one, journal, 2)
    before = segment(base).stat().st_size
    one.close()
    torn = opened(base)
    torn._lock.swap = lambda *_: die()  # type: ignore[method-assign]  # dies before it
    with pytest.raises(Crash):
        feed(torn, journal, 3)
    torn.close()
    path = segment(base)
    size = path.stat().st_size
    assert before
    assert size
    for length in range(size + 1):
        directory = tmp_path / "torn"
        shutil.copytree(base, directory)
        os.truncate(directory / "journal" / path.name, length)
        again = keeper(directory)
        recovery = again.open()
        whole = length == size
        assert recovery.torn_octets == (0 if whole else length)
        assert (directory / "journal" / path.name).stat().st_size == (size if whole else 0)
        assert recovery.newly_signed == (2 if whole else 0)
        assert again.positions() == {0: 3 if whole else 2}
        if length % 97 == 0 or whole:
            feed(again, journal, 3)
            assert again.fsck().findings == ()
            assert_each_fact_once(directory, journal)
        again.close()
        shutil.rmtree(directory)


@pytest.mark.parametrize("damage", ["flip", "cut", "lose"])
def test_damage_below_the_lock_refuses_to_start(tmp_path: Path, damage: str) -> None:
    journal = journal_of(30)
    one = opened(tmp_path)
    feed(one, journal, 10)
    feed(one, journal, 30)
    one.close()
    path = segment(tmp_path)
    octets = bytearray(path.read_bytes())
    if damage == "flip":
        octets[300] ^= 1
    path.write_bytes(octets[:-1] if damage == "cut" else octets)
    if damage == "lose":
        path.unlink()
    signed = locked_text(tmp_path)
    for _ in range(2):
        again = keeper(tmp_path)
        with pytest.raises(LedgerCorrupt, match="mirror"):
            again.open()
        with pytest.raises(LedgerError):
            again.append(journal[:1], {0: 31}, NOW_MS)
        again.close()
    assert locked_text(tmp_path) == signed
    assert (not path.exists()) if damage == "lose" else path.stat().st_size == len(octets) - (damage == "cut")


def test_the_older_of_two_keepers_never_signs_again(tmp_path: Path) -> None:
    journal = journal_of(40)
    zombie = opened(tmp_path)
    feed(zombie, journal, 10)
    zombie.append(journal[10:15], {0: 15}, NOW_MS)
    successor = opened(tmp_path)
    signed = locked_text(tmp_path)
    for _ in range(2):
        with pytest.raises(LedgerConflict):
            zombie.flush(NOW_MS)
    assert locked_text(tmp_path) == signed
    feed(successor, journal, 40)
    with pytest.raises(LedgerConflict):
        zombie.append(journal[10:15], {0: 15}, NOW_MS)
    assert successor.fsck().findings == ()
    successor.close()
    zombie.close()
    assert_each_fact_once(tmp_path, journal)


@pytest.mark.parametrize("wakes_in", ["openings", "frame", "swap"])
def test_a_zombie_that_wakes_in_the_middle_of_a_block_changes_nothing(tmp_path: Path, wakes_in: str) -> None:
    journal = journal_of(40)
    zombie = opened(tmp_path)
    feed(zombie, journal, 10)
    zombie.append(journal[10:20], {0: 20}, NOW_MS)
    successors: list[Keeper] = []

    def take_over_before(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def late(*arguments: object) -> object:
            successors.append(opened(tmp_path))
            feed(successors[0], journal, 12)
            return real(*arguments)

        setattr(owner, name, late)

    owner, name = {
        "openings": (zombie._receipts, "add"),  # the test stands between two effects
        "frame": (zombie._writer, "append"),
        "swap": (zombie._lock, "swap"),
    }[wakes_in]
    take_over_before(owner, name)
    with pytest.raises(LedgerConflict):
        zombie.flush(NOW_MS)
    zombie.close()
    (successor,) = successors
    feed(successor, journal, 30)
    assert successor.fsck().findings == ()
    successor.close()
    last = opened(tmp_path)
    feed(last, journal, 40)
    assert last.fsck().findings == ()
    last.close()
    assert_each_fact_once(tmp_path, journal)


def test_a_keeper_overtaken_while_it_reads_leaves_no_segment(tmp_path: Path) -> None:
    journal = journal_of(20)
    first = opened(tmp_path)
    feed(first, journal, 10)
    slow, successors = keeper(tmp_path), []
    real = slow._replay  # the test stands between reading and writing

    def replay(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]  # passed on
        first._lock.swap = lambda *_: False  # type: ignore[method-assign]  # the frame stays, unsigned
        first.append(journal[10:15], {0: 15}, NOW_MS)
        with pytest.raises(LedgerConflict):
            first.flush(NOW_MS)
        successors.append(opened(tmp_path))
        return found

    slow._replay = replay  # type: ignore[assignment,method-assign]
    with pytest.raises(LedgerConflict):
        slow.open()
    slow.close()
    first.close()
    successors[0].close()
    last = opened(tmp_path)
    assert last.positions() == {0: 15}
    feed(last, journal, 20)
    assert last.fsck().findings == ()
    last.close()
    assert_each_fact_once(tmp_path, journal)


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "write", "rename"])
def test_a_failing_system_call_ends_the_keeper_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    journal = journal_of(30)
    one = opened(tmp_path)
    feed(one, journal, 10)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path if call == "rename" else os, call, fail)
        with pytest.raises(LedgerError, match="start again"):
            feed(one, journal, 20)
    with pytest.raises(LedgerError, match="start again"):
        one.append(journal[20:], {0: 30}, NOW_MS)
    one.close()
    again = opened(tmp_path)
    feed(again, journal, 30)
    assert again.fsck().findings == ()
    again.close()
    assert_each_fact_once(tmp_path, journal)


RUNNER = """
import itertools, sys
from pathlib import Path
from tests.integration.ledger_world import feed, journal_of, opened
journal = journal_of(3000)
one = opened(Path(sys.argv[1]))
print("open", flush=True)
for upto in itertools.count(one.positions().get(0, 0) + 50, 50):
    feed(one, journal, min(upto, 3000), step=7)
"""


def test_kill_9_again_and_again(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    last = 0
    for pause_s in (0.02, 0.05, 0.11, 0.17):
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(tmp_path)], env=environment, cwd=root, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        one = opened(tmp_path)
        assert one.fsck().findings == ()
        assert one.positions().get(0, 0) >= last
        last = one.positions().get(0, 0)
        one.close()
    assert last > 0
    assert_each_fact_once(tmp_path, journal_of(last))


def test_a_lost_lock_row_refuses_to_start(tmp_path: Path) -> None:
    one = opened(tmp_path)
    feed(one, journal_of(5), 5)
    one.close()
    for path in tmp_path.glob("lock.db*"):
        path.unlink()
    with pytest.raises(LedgerCorrupt, match=r"lock\.db"):
        keeper(tmp_path).open()


def test_unpublished_blocks_are_published_at_the_next_start(tmp_path: Path) -> None:
    journal = journal_of(700)
    one = opened(tmp_path)
    feed(one, journal, 10)
    one._site.store = lambda files: die()  # type: ignore[method-assign]  # dies there
    with pytest.raises(Crash):
        feed(one, journal, 700)
    one.close()
    again = opened(tmp_path)
    assert checkpoint.verify(again.checkpoint(), again.verifier).size == 702 == len(entries(tmp_path))
    assert again.fsck().findings == ()
    assert {file.name for file in (tmp_path / "export/tile/0").iterdir()} == {"000", "001", "002.p"}
    assert tile.split_bundle((tmp_path / "export/tile/entries/000").read_bytes()) == entries(tmp_path)[:256]
    again.close()


def test_a_new_segment_begins_where_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastemailnet.archive.wal.MAX_SEGMENT_OCTETS", 5_000)
    journal = journal_of(100)
    one = opened(tmp_path)
    for upto in range(20, 101, 20):
        feed(one, journal, upto)
    assert len(list((tmp_path / "journal").iterdir())) == 5 == len(frames(tmp_path))
    one.close()
    again = opened(tmp_path)
    assert again.size == 105
    again.close()
    assert_each_fact_once(tmp_path, journal)


def test_a_block_is_on_disk_before_its_checkpoint_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, done = opened(tmp_path), list[str]()
    real_sync, real_swap = os.fdatasync, one._lock.swap

    def sync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().suffix)
        real_sync(descriptor)

    def swap(origin: str, held: Locked, text: str) -> bool:
        done.append("swap")
        return real_swap(origin, held, text)

    monkeypatch.setattr(os, "fdatasync", sync)
    monkeypatch.setattr(one._lock, "swap", swap)
    feed(one, journal_of(3), 3)
    assert done[:2] == [".wal", "swap"]
    one.close()


def test_the_lock_moves_only_for_its_last_writer_that_has_seen_the_last_checkpoint(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock.db")
    assert lock.read("log") is None
    first = lock.take("log")
    assert first == Locked(1, None) == lock.read("log")
    assert lock.swap("log", first, "a")
    assert not lock.swap("log", first, "b"), "it has not seen checkpoint a"
    assert lock.take("log") == Locked(2, "a")
    assert not lock.swap("log", Locked(1, "a"), "b"), "a later writer is there"
    assert not lock.swap("other", Locked(2, "a"), "b")
    assert lock.read("log") == Locked(2, "a")
    assert lock.swap("log", Locked(2, "a"), "b")
    assert lock.read("log") == Locked(2, "b")
    lock.close()


def test_openings_are_taken_from_the_last_writer_only(tmp_path: Path) -> None:
    journal = journal_of(4)
    store = Receipts(tmp_path / "receipts.db")
    assert store.take(1, 0)
    assert store.add(1, list(enumerate(journal[:2])))
    assert store.take(2, 1), "a later writer forgets what is above the tree it found"
    assert not store.add(1, [(0, journal[3])])
    assert not store.take(1, 0)
    assert not store.take(2, 0)
    assert store.add(2, [(1, journal[2])])
    assert list(store.all(10)) == [(0, journal[0]), (1, journal[2])]
    store.close()
