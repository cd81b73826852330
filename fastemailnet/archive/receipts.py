"""The openings: for each leaf the fact behind it, with its salt. Nothing else in the ledger knows a person.

Rows are durable before the leaf that commits to them. The file knows the generation of the last writer, and refuses
an older one in the same transaction. Deleted rows are overwritten with zeros (``secure_delete``): erasing is the
point of keeping them apart.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fastemailnet.archive.lock import BUSY_TIMEOUT_S
from fastemailnet.ledger import canonical
from fastemailnet.ledger.fact import Fact, LeafType, decode_fact, encode_fact

MAX_ROWS = 100_000  # of one answer
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS opening (
        leaf INTEGER PRIMARY KEY, message BLOB NOT NULL, delivery BLOB NOT NULL, recipient TEXT NOT NULL,
        type INTEGER NOT NULL, at_ms INTEGER NOT NULL, fact BLOB NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS opening_message ON opening (message);
    CREATE INDEX IF NOT EXISTS opening_delivery ON opening (delivery);
    CREATE INDEX IF NOT EXISTS opening_recipient ON opening (recipient);
    CREATE TABLE IF NOT EXISTS writer (only INTEGER PRIMARY KEY CHECK (only = 1), generation INTEGER NOT NULL) STRICT;
    INSERT OR IGNORE INTO writer VALUES (1, 0);
"""
_INSERT = "INSERT OR REPLACE INTO opening VALUES (?, ?, ?, ?, ?, ?, ?)"
_FENCE = "UPDATE writer SET generation = ? WHERE generation {} ?"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One leaf of a message's timeline."""

    leaf: int
    at_ms: int
    type: LeafType
    delivery: bytes
    recipient_index: int
    recipient: str
    attempt: int
    smtp_code: int
    enhanced: tuple[int, int, int] | None
    flags: int
    detail: dict[str, str | int]
    tenant: str = ""


class Receipts:
    """receipts.db."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, or create it where it may be written."""
        uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        if not read_only:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.executescript(_SCHEMA)

    def take(self, generation: int, size: int) -> bool:
        """Become the writer and forget the rows of leaves from ``size`` on; False where a later generation is there."""
        with self._transaction():
            if not self._db.execute(_FENCE.format("<"), (generation, generation)).rowcount:
                return False
            self._db.execute("DELETE FROM opening WHERE leaf >= ?", (size,))
        return True

    def add(self, generation: int, facts: Sequence[tuple[int, Fact]]) -> bool:
        """Durably keep facts by leaf index; False, and no change, where a later generation writes."""
        rows = [
            (leaf, fact.message, fact.delivery, _person(fact.recipient), fact.type, fact.at_ms, encode_fact(fact))
            for leaf, fact in facts
        ]
        with self._transaction():
            if not self._db.execute(_FENCE.format("="), (generation, generation)).rowcount:
                return False
            self._db.executemany(_INSERT, rows)
        return True

    def erase(self, recipient: str) -> int:
        """Delete every row of a recipient, also from the write-ahead file; returns how many there were."""
        deleted = self._db.execute("DELETE FROM opening WHERE recipient = ?", (_person(recipient),)).rowcount
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return deleted

    def of_delivery(self, delivery: bytes, below: int) -> list[tuple[int, Fact]]:
        """The facts of a delivery among the first ``below`` leaves, in order."""
        return self._select("delivery = ?", delivery, below)

    def of_message(self, message: bytes, below: int) -> list[Fact]:
        """The facts of a message among the first ``below`` leaves, in order."""
        return [fact for _, fact in self._select("message = ?", message, below)]

    def timeline(self, message: bytes, below: int) -> list[Row]:
        """What happened to a message, among the first ``below`` leaves, in order."""
        return [_row(leaf, fact) for leaf, fact in self._select("message = ?", message, below)]

    def all(self, below: int) -> Iterator[tuple[int, Fact]]:
        """Every leaf index below ``below`` that has openings, with its fact, in order."""
        for leaf, octets in self._db.execute("SELECT leaf, fact FROM opening WHERE leaf < ? ORDER BY leaf", (below,)):
            yield leaf, decode_fact(octets)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _select(self, condition: str, value: bytes, below: int) -> list[tuple[int, Fact]]:
        query = f"SELECT leaf, fact FROM opening WHERE {condition} AND leaf < ? ORDER BY leaf LIMIT {MAX_ROWS}"
        return [(leaf, decode_fact(octets)) for leaf, octets in self._db.execute(query, (value, below))]

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK where the block raises."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _person(recipient: str) -> str:
    return canonical.address(recipient).decode()


def _row(leaf: int, fact: Fact) -> Row:
    return Row(
        leaf,
        fact.at_ms,
        fact.type,
        fact.delivery,
        fact.recipient_index,
        fact.recipient,
        fact.attempt,
        fact.smtp_code,
        fact.enhanced,
        fact.flags,
        fact.detail,
        fact.tenant,
    )
