"""MTA-STS policies in a file of the node, so that a restart lifts none of them.

A policy holds for its ``max_age`` whatever becomes of its record and its host (RFC 8461 section 5.1): who can suppress both must not
be able to wait for a restart either. The file is written before a policy is used for the first time, a transaction for each, and
read at the start. It is a memory and no truth: one that cannot be read is made anew, with a warning, and its policies are fetched
again; one that cannot be written leaves the node with what it has in memory.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastemailnet.delivery.sts import Kept, revive

log = logging.getLogger(__name__)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS policy (
    domain TEXT PRIMARY KEY, id TEXT NOT NULL, lines TEXT NOT NULL, fetched_ms INTEGER NOT NULL
) WITHOUT ROWID
"""


class PolicyFile:
    """The policies of one node. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def load(self, now_ms: int, most: int) -> dict[str, Kept]:
        """The policies that still hold, the latest ``most``, oldest first; all others are dropped from the file."""
        try:
            return self._load(now_ms, most)
        except (sqlite3.Error, OSError) as error:
            log.warning("%s cannot be read, and its MTA-STS policies are fetched again: %s", self.path, error)
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
            return {}

    def keep(self, domain: str, kept: Kept, gone: str = "") -> None:
        """Keep the policy of a domain, if it has one, in place of its former one; durable on return. ``gone``: a domain to forget."""
        try:
            with self._open() as file:
                file.execute("DELETE FROM policy WHERE domain = ?", (gone,))
                if kept.policy is not None:
                    row = (domain, kept.id, "\n".join(kept.policy.lines), kept.fetched_ms)
                    file.execute("INSERT OR REPLACE INTO policy VALUES (?, ?, ?, ?)", row)
        except (sqlite3.Error, OSError) as error:
            log.warning("%s cannot be written, and MTA-STS policies do not outlive a restart: %s", self.path, error)

    def _load(self, now_ms: int, most: int) -> dict[str, Kept]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        found: dict[str, Kept] = {}
        with self._open() as file:
            rows = file.execute("SELECT domain, id, lines, fetched_ms FROM policy ORDER BY fetched_ms").fetchall()
            for domain, record_id, lines, fetched_ms in rows:
                kept = revive(record_id, lines, fetched_ms, now_ms)
                if isinstance(kept, str):
                    log.warning("%s: the MTA-STS policy of %s is passed over: %s", self.path, domain, kept)
                elif kept is not None:
                    found[domain] = kept
            found = dict(list(found.items())[-most:])
            gone = ((row[0],) for row in rows if row[0] not in found)
            file.executemany("DELETE FROM policy WHERE domain = ?", gone)
        return found

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction, committed at its end. Policies come seldom, so nothing stays open in between."""
        with self._lock, contextlib.closing(sqlite3.connect(self.path)) as file, file:
            file.execute(_SCHEMA)
            yield file
