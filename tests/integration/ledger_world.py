"""A journal and keepers over it, for the ledger's tests with real files."""

import sqlite3
from pathlib import Path

from fastemailnet.archive import wal
from fastemailnet.archive.keeper import Keeper
from fastemailnet.archive.reader import Reader
from fastemailnet.ledger import batch, leaf, tile
from fastemailnet.ledger.fact import Fact
from fastemailnet.ledger.frame import Frame
from tests.unit.ledger.samples import NOW_MS, ORIGIN, fact


class Crash(BaseException):
    """The process ends here."""


class CrashingKeeper(Keeper):
    """Ends before the effect number ``crash_at`` that it is asked to perform, or never."""

    crash_at: int | None = None
    performed = 0

    def _perform(self, effect: batch.Effect) -> None:
        if self.performed == self.crash_at:
            raise Crash
        self.performed += 1
        super()._perform(effect)


def keeper(directory: Path, kind: type[Keeper] = Keeper) -> Keeper:
    """A keeper that is not open yet."""
    return kind(directory, ORIGIN, directory / "seed")


def opened(directory: Path) -> Keeper:
    """A keeper that is open."""
    one = keeper(directory)
    one.open()
    return one


def feed(one: Keeper, journal: list[Fact], upto: int, step: int = 100, now_ms: int = NOW_MS) -> None:
    """Give the journal's facts from where the keeper stands, then flush."""
    for at in range(one.positions().get(0, 0), upto, step):
        end = min(at + step, upto)
        one.append(journal[at:end], {0: end}, now_ms)
    one.flush(now_ms)


def journal_of(count: int) -> list[Fact]:
    """So many facts."""
    return [fact(number) for number in range(count)]


def frames(directory: Path) -> list[Frame]:
    """The frames that count."""
    return [item for item in wal.read(directory / "journal") if isinstance(item, Frame)]


def entries(directory: Path) -> list[bytes]:
    """Every leaf, seals too."""
    return [entry for frame in frames(directory) for entry in tile.split_bundle(frame.payload)]


def assert_each_fact_once(directory: Path, journal: list[Fact]) -> None:
    """The leaves that are no seals are those of the journal, in its order, and each has its openings."""
    found = [entry for entry in entries(directory) if not leaf.is_seal(entry)]
    assert found == [leaf.pack(one) for one in journal]
    reader = Reader(directory)
    try:
        assert all(len(reader.receipts(one.delivery)) == 1 for one in journal[:: max(1, len(journal) // 10)])
    finally:
        reader.close()


def locked_text(directory: Path) -> str:
    """The signed checkpoint in the lock row."""
    db = sqlite3.connect(directory / "lock.db")
    try:
        (text,) = db.execute("SELECT checkpoint FROM lock").fetchone()
        return str(text)
    finally:
        db.close()


def segment(directory: Path) -> Path:
    """The newest segment that is not empty."""
    return [found.path for found in wal.segments(directory / "journal") if found.path.stat().st_size][-1]
