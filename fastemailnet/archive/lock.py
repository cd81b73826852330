"""The lock row: for each origin, which writer is the last (its generation) and which checkpoint was signed last.

Every swap names both as they must be, in one durable transaction: a writer that another one has overtaken, or that
has not seen the last checkpoint, changes nothing and learns so before anything it wrote can be seen.
"""

import sqlite3
from pathlib import Path
from typing import NamedTuple

BUSY_TIMEOUT_S = 10.0
_TABLE = """
    CREATE TABLE IF NOT EXISTS lock (origin TEXT PRIMARY KEY, generation INTEGER NOT NULL, checkpoint TEXT) STRICT
"""


class Locked(NamedTuple):
    """A row: the generation of the last writer and the signed checkpoint, None before the first."""

    generation: int
    checkpoint: str | None


class Lock:
    """lock.db."""

    def __init__(self, path: Path) -> None:
        """Open or create the file."""
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_TABLE)

    def read(self, origin: str) -> Locked | None:
        """The row of an origin, if there is one."""
        row = self._db.execute("SELECT generation, checkpoint FROM lock WHERE origin = ?", (origin,)).fetchone()
        return Locked(*row) if row else None

    def take(self, origin: str) -> Locked:
        """Become the last writer: the row with the new generation. Every earlier writer's swap fails from here on."""
        row = self._db.execute(
            "INSERT INTO lock VALUES (?, 1, NULL) ON CONFLICT (origin) DO UPDATE SET generation = generation + 1"
            " RETURNING generation, checkpoint",
            (origin,),
        ).fetchall()[0]
        return Locked(*row)

    def swap(self, origin: str, held: Locked, checkpoint: str) -> bool:
        """Put ``checkpoint`` in the place of what ``held`` says; False, and no change, where the row is another."""
        changed = self._db.execute(
            "UPDATE lock SET checkpoint = ? WHERE origin = ? AND generation = ? AND checkpoint IS ?",
            (checkpoint, origin, held.generation, held.checkpoint),
        )
        return changed.rowcount == 1

    def close(self) -> None:
        """Close the file."""
        self._db.close()
