"""The idempotency keys of the window in a file, so that neither memory nor the length of a restart bounds how many there are.

    log (the truth) ▸ this file, up to an offset of each partition ▸ the newest keys in memory

The file is a look-up table made from the log and never ahead of it: keys and the offsets up to which they were read are written in one
transaction. If it is lost it is made again, from all that the log has of the window. It is written a moment behind the log and
without an fsync of its own; what is missing after a crash is read from the log.
"""

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from fastemailnet.admission.replay import Entry
from fastemailnet.errors import LogError

Where = tuple[str, int]
FORGET_AT_ONCE: Final = 5_000  # rows behind the window that one transaction deletes: more than it adds
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS first (name BLOB PRIMARY KEY, kept BLOB NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_time ON first (at_ms);
CREATE TABLE IF NOT EXISTS reached (
    stream TEXT, partition INTEGER, offset INTEGER NOT NULL, PRIMARY KEY (stream, partition)
) WITHOUT ROWID;
"""


class KeyFile:
    """One gateway's table. ``find`` belongs to one thread; ``put`` may run in any other."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it.

        Raises:
            LogError: it cannot be used.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writing = threading.Lock()
        try:
            self._writer, self._reader = _connect(path), _connect(path)
            self._writer.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise LogError(f"{path}: {error}; it may be deleted and is made again from the log") from error

    def find(self, name: bytes) -> bytes | None:
        """What is kept of the message that a key's name names; about 10 µs."""
        row = self._reader.execute("SELECT kept FROM first WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def reached(self) -> dict[Where, int]:
        """For each partition, the offset below which every key is here."""
        rows = self._reader.execute("SELECT stream, partition, offset FROM reached")
        return {(stream, partition): offset for stream, partition, offset in rows}

    def put(self, entries: Iterable[Entry], reached: Mapping[Where, int], forget_ms: int) -> None:
        """Add keys and how far the log was read, and drop some of what was accepted before ``forget_ms``.

        Raises:
            sqlite3.Error: nothing was written.
        """
        rows = [(entry.name, entry.kept, entry.at_ms) for entry in entries]
        offsets = [(*where, offset) for where, offset in reached.items()]
        with self._writing, self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany("INSERT OR REPLACE INTO first VALUES (?, ?, ?)", rows)
            self._writer.executemany("INSERT OR REPLACE INTO reached VALUES (?, ?, ?)", offsets)
            old = "SELECT name FROM first WHERE at_ms <= ? ORDER BY at_ms LIMIT ?"
            self._writer.execute(f"DELETE FROM first WHERE name IN ({old})", (forget_ms, FORGET_AT_ONCE + len(rows)))

    def close(self) -> None:
        """Release the file."""
        with self._writing:
            self._writer.close()
        self._reader.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
