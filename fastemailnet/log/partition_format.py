"""What is in the file of a partition of the embedded log, and how an empty one is made.

=============  ===================================================================================================
table          holds
=============  ===================================================================================================
``record``     ``offset`` (the rowid: appending is a B-tree insert at the right edge), ``octets``
``fence``      ``node``, ``incarnation``, ``offset`` of the first fence record of that token
``kept``       one row, ``begin``: the first offset kept. The end is the last offset + 1, or ``begin`` if all is trimmed
=============  ===================================================================================================

The pages are 16 KiB: a 5 KB body lies whole in its leaf instead of in a chain of overflow pages, which makes a fetch of
64 four times cheaper than with SQLite's 4 KiB; a small commit writes at least one page and pays about nothing for its
size.
"""

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from fastemailnet.errors import LogCorrupt, LogError

APPLICATION_ID: Final = 0x46454C31  # "FEL1", in the file's header
FORMAT: Final = 1
PAGE_OCTETS: Final = 16_384
_HEADER_OCTETS: Final = 100
_PAGE_COUNT: Final = slice(28, 32)  # where an SQLite file says how many pages it has

_SCHEMA = """
CREATE TABLE record (offset INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE TABLE fence (
  node TEXT, incarnation INTEGER, offset INTEGER NOT NULL, PRIMARY KEY (node, incarnation)
) WITHOUT ROWID;
CREATE TABLE kept (begin INTEGER NOT NULL);
INSERT INTO kept VALUES (0);
"""


def create(path: Path) -> None:
    """Make an empty partition at ``path``, whole or not at all. Of several that try at once one wins, and all succeed.

    Raises:
        LogError: the file cannot be made.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A creation cut short may have left it: in a container the process and thread numbers come again. SQLite itself
        # throws away a WAL that lies beside an empty file.
        new.unlink(missing_ok=True)
        _write_empty(new)
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
        for directory in (path.parent, path.parent.parent):
            _sync_directory(directory)
    except (OSError, sqlite3.Error) as error:
        raise LogError(f"{path}: cannot be created: {error}") from error


def _write_empty(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT"
        )
    finally:
        connection.close()  # the last connection copies the WAL into the file and removes it


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """See that the open file is a partition of ours.

    Raises:
        LogCorrupt: the file is none of ours, of a format that this version does not know, or was cut short.
    """
    _refuse_cut_short(path)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise LogCorrupt(f"{path}: not a partition of a FastEmailNet log (application id {application:#x})")
    if version != FORMAT:
        raise LogCorrupt(f"{path}: format {version}; this version reads and writes format {FORMAT}")
    # SQLite reads a table whose page is gone as an empty one; an append to such a file would begin anew at 0.
    kept = connection.execute("SELECT begin FROM kept").fetchall()
    if len(kept) != 1 or not isinstance(kept[0][0], int):
        raise LogCorrupt(f"{path}: the file is damaged: it does not say where its records begin")


def _refuse_cut_short(path: Path) -> None:
    """SQLite takes pages behind the end of a file for zeros, and would return records that end in them."""
    if path.with_name(f"{path.name}-wal").exists():
        return  # the missing pages may be there
    with path.open("rb") as file:
        pages = int.from_bytes(file.read(_HEADER_OCTETS)[_PAGE_COUNT])
    octets = path.stat().st_size
    if octets < pages * PAGE_OCTETS:
        raise LogCorrupt(f"{path}: the file was cut short: {octets} of {pages * PAGE_OCTETS} octets")
