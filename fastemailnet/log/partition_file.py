"""One partition of the embedded log: one SQLite file, and one connection to it.

The file is in WAL mode with ``synchronous=FULL``: a commit returns after its fsync, readers never wait for writers, and
a commit cut short by a crash is not there at the next opening. The fence table lives in the same file as the records,
so that one transaction checks the token and appends: no fence can come between the two.

The WAL is copied into the file (by the commit that fills it) every ``CHECKPOINT_OCTETS``: small, so that the
append which does the copying waits 2 ms and not 5 to 15.

An append is **one** SQL statement, which is its own transaction: the records arrive as one joined blob and a JSON list
of their places in it. Python's SQLite lets go of the interpreter lock around every step and must win it back from a
busy event loop each time; with a statement for each record, a commit of 100 beside a busy loop took 2 ms, with one for
all it takes 0.6 ms.

Processes that write to one file take turns by trying again every ``BUSY_PAUSE_S``. SQLite's own busy handler sleeps up
to 100 ms between two tries, and a second writer beside a tireless first one got a thirteenth of the appends: too late
for a fence. A process that holds the file and is stopped gets ``STOPPED_S`` to go on, then it is ended (``holder``).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from fastemailnet.errors import LimitExceeded, LogAppendUnknown, LogCorrupt, LogError
from fastemailnet.log.holder import end_stopped_holder
from fastemailnet.log.interface import Fenced, Token
from fastemailnet.log.partition_format import PAGE_OCTETS, check_format

CHECKPOINT_OCTETS: Final = 1_048_576
WAL_KEPT_OCTETS: Final = 16_777_216  # a WAL that grew (a reader held it up) is cut back to this
CACHE_KIB: Final = 1_024  # per connection; records are read about once, so there is nothing to win by more
BUSY_TIMEOUT_S: Final = 30.0
BUSY_PAUSE_S: Final = 0.000_2
STOPPED_S: Final = 2.0
MAX_APPEND_OCTETS: Final = 536_870_912  # of one append; SQLite's own limit for a blob is 1e9
TRIM_STEP_RECORDS: Final = 256  # records deleted in one transaction: an append waits for at most that

_END = "SELECT coalesce((SELECT offset FROM record ORDER BY offset DESC LIMIT 1) + 1, (SELECT begin FROM kept))"
_LENGTH_BITS: Final = 32
# coalesce: the substr of an empty blob is NULL.
_APPEND = f"""
INSERT INTO record
SELECT ({_END}) + key, coalesce(substr(?1, value >> {_LENGTH_BITS}, value & {(1 << _LENGTH_BITS) - 1}), x'')
FROM json_each(?2)
WHERE NOT EXISTS (SELECT 1 FROM fence WHERE node = ?3 AND incarnation = ?4)
"""
_FENCE = "SELECT offset FROM fence WHERE node = ? AND incarnation = ?"
_FETCH = "SELECT offset, octets FROM record WHERE offset >= max(?, (SELECT begin FROM kept)) ORDER BY offset LIMIT ?"
_CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BEFORE_WRITING_CODES = _CORRUPT_CODES | {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_UNSEEN = -1


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 for an error of Python's own module."""
    code = getattr(error, "sqlite_errorcode", 0)
    assert isinstance(code, int)
    return code & 0xFF


def _places(records: Sequence[bytes]) -> str:
    """Where each record lies in all of them joined: a JSON list of start (from 1) << 32 | length."""
    starts = accumulate(map(len, records), initial=1)
    places = [start << _LENGTH_BITS | len(record) for start, record in zip(starts, records, strict=False)]
    return str(places)


class PartitionFile:
    """One connection to the file of a partition. Any thread may use it, one at a time; it does not survive a fork.

    Every method raises ``LogError`` where the file cannot be used and ``LogCorrupt`` where it is damaged.
    """

    __slots__ = ("_connection", "_end", "_path", "_version")

    def __init__(self, path: Path) -> None:
        """Open an existing partition.

        Raises:
            LogCorrupt: the file is none of ours, or of a format that this version does not know.
        """
        self._path = path
        self._version = self._end = _UNSEEN
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=BUSY_TIMEOUT_S,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._translated(error) from error
        try:
            check_format(self._connection, self._path)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_OCTETS // PAGE_OCTETS}")
            self._connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_OCTETS}")
            self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            self._connection.execute("PRAGMA busy_timeout = 0")  # from here on _execute waits
        except BaseException as error:
            self._connection.close()
            if isinstance(error, sqlite3.Error):
                raise self._translated(error) from error
            raise

    def append(self, records: Sequence[bytes], token: Token | None) -> range | Fenced:
        """See ``interface.Log.append``: the fence check, the records and nothing else in one transaction."""
        octets = sum(map(len, records))
        if octets > MAX_APPEND_OCTETS:
            raise LimitExceeded("octets of one append", octets, MAX_APPEND_OCTETS)
        node, incarnation = token or (None, None)
        try:
            if records:
                cursor = self._execute(_APPEND, (b"".join(records), _places(records), node, incarnation))
                if cursor.rowcount:
                    assert cursor.rowcount == len(records)
                    assert cursor.lastrowid is not None
                    return range(cursor.lastrowid + 1 - len(records), cursor.lastrowid + 1)
            fence = self._execute(_FENCE, (node, incarnation)).fetchone()
            if fence is not None:
                return Fenced(fence[0])
            assert not records, "an append without a fence inserts"
            (end,) = self._execute(_END).fetchone()
            return range(end, end)
        except sqlite3.Error as error:
            raise self._append_failed(error) from error

    def fence(self, token: Token, record: bytes) -> int:
        """See ``interface.Log.fence``. A second fence of a token is a record more and changes nothing else."""
        self._begin()
        try:
            (offset,) = self._connection.execute(_END).fetchone()
            self._connection.execute("INSERT INTO record VALUES (?, ?)", (offset, record))
            self._connection.execute("INSERT OR IGNORE INTO fence VALUES (?, ?, ?)", (*token, offset))
        except BaseException as error:
            raise self._undone(error) from error
        self._commit()
        assert isinstance(offset, int)
        return offset

    def fetch(self, start: int, count: int, max_octets: int) -> list[tuple[int, bytes]]:
        """See ``interface.Log.fetch``."""
        found: list[tuple[int, bytes]] = []
        octets = 0
        try:
            cursor = self._execute(_FETCH, (start, count))
            for row in cursor:
                if not isinstance(row[1], bytes):
                    raise LogCorrupt(f"{self._path}: what stands at offset {row[0]} is no record")
                octets += len(row[1])
                if octets > max_octets and found:
                    break
                found.append(row)
            cursor.close()  # ends the read transaction, which would hold up the next copying of the WAL
        except sqlite3.Error as error:
            raise self._translated(error) from error
        if found and found[-1][0] - found[0][0] != len(found) - 1:
            raise LogCorrupt(f"{self._path}: records are missing between {found[0][0]} and {found[-1][0]}")
        return found

    def end(self) -> int:
        """See ``interface.Log.end``: a look at the WAL's index, and a query only if another connection committed."""
        try:
            (version,) = self._execute("PRAGMA data_version").fetchone()
            if version != self._version:
                # In this order: a commit between the two is seen now and once more, never missed.
                (self._end,) = self._execute(_END).fetchone()
                self._version = version
        except sqlite3.Error as error:
            raise self._translated(error) from error
        return self._end

    def begin(self) -> int:
        """See ``interface.Log.begin``."""
        try:
            (begin,) = self._execute("SELECT begin FROM kept").fetchone()
        except sqlite3.Error as error:
            raise self._translated(error) from error
        assert isinstance(begin, int)
        return begin

    def move_begin(self, before: int) -> None:
        """Hide the records below ``before``, or all if it lies behind the end. The begin never moves back."""
        self._begin()
        try:
            (end,) = self._connection.execute(_END).fetchone()
            self._connection.execute("UPDATE kept SET begin = max(begin, ?)", (min(before, end),))
        except BaseException as error:
            raise self._undone(error) from error
        self._commit()

    def drop_hidden(self) -> bool:
        """Delete up to ``TRIM_STEP_RECORDS`` hidden records; whether there may be more. A crash leaves them hidden."""
        self._begin()
        try:
            gone = self._connection.execute(
                "DELETE FROM record WHERE offset IN"
                " (SELECT offset FROM record WHERE offset < (SELECT begin FROM kept) ORDER BY offset LIMIT ?)",
                (TRIM_STEP_RECORDS,),
            ).rowcount
        except BaseException as error:
            raise self._undone(error) from error
        self._commit()
        return gone == TRIM_STEP_RECORDS

    def close(self) -> None:
        """Release the file. Closing twice is harmless."""
        self._connection.close()

    def _execute(self, statement: str, parameters: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Execute, and while another process has the file, try again."""
        since: float | None = None
        look_at = 0.0
        while True:
            try:
                return self._connection.execute(statement, parameters)
            except sqlite3.OperationalError as error:
                now = monotonic()
                since = since or now
                if _primary_code(error) != sqlite3.SQLITE_BUSY or now > since + BUSY_TIMEOUT_S:
                    raise
            if now > max(look_at, since + STOPPED_S):
                look_at = now + STOPPED_S
                end_stopped_holder(self._path)
            sleep(BUSY_PAUSE_S)

    def _begin(self) -> None:
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            # The frames may be in the WAL, whole, and only their fsync may have failed.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise LogAppendUnknown(f"{self._path}: the commit failed: {error}") from error

    def _append_failed(self, error: sqlite3.Error) -> LogError:
        """Definite only where SQLite stops before it writes; later the frames may stand in the WAL, whole, unsynced."""
        translated = self._translated(error)
        if _primary_code(error) in _BEFORE_WRITING_CODES:
            return translated
        return LogAppendUnknown(*translated.args)

    def _undone(self, error: BaseException) -> BaseException:
        """End the transaction; the error to raise."""
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        return self._translated(error) if isinstance(error, sqlite3.Error) else error

    def _translated(self, error: sqlite3.Error) -> LogError:
        text = f"{self._path}: {error}"
        return LogCorrupt(text) if _primary_code(error) in _CORRUPT_CODES else LogError(text)
