"""The log of one machine: a directory of SQLite files, opened directly by every process. No server.

``<directory>/<stream>/<partition>.sqlite3``, one file for each partition, never one for all: a small journal commit
would wait 50 to 230 ms for the checkpoint of a file that also holds bodies. The directory must be on a local disk (the
WAL's index is shared memory). ``partition_format`` says what is in a file, ``pool`` who uses which connection.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from time import sleep
from typing import Final

from fastemailnet.errors import LogError
from fastemailnet.log.interface import Fenced, Token, Where
from fastemailnet.log.partition_format import create
from fastemailnet.log.pool import Pool

TRIM_PAUSE_S: Final = 0.001  # between two steps: neither lock of a file is fair, and a step takes about as long
MAX_IDLE_CONNECTIONS: Final = 200  # of this process; each holds two or three file descriptors
_SUFFIX: Final = ".sqlite3"
_STREAM_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class EmbeddedLog:
    """Implements ``interface.Log``. Any number of threads and processes; after a fork the child must open its own."""

    def __init__(self, directory: Path) -> None:
        """A log in ``directory``, which is made at the first append."""
        self._directory = directory
        self._pools: dict[tuple[str, int], Pool] = {}
        # Made once: a stream that does not exist is asked for at every mail.
        self._paths: dict[tuple[str, int], Path] = {}
        self._ticks = count(1)
        self._opening = threading.Lock()
        self._closed = False

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> range | Fenced:
        """See ``interface.Log.append``. Durable on return: one fsync, 0.2 ms on a fast disk."""
        with self._at_first_use(stream, partition).writer() as file:
            return file.append(records, token)

    def fence(self, stream: str, partition: int, token: Token, record: bytes) -> int:
        """See ``interface.Log.fence``. No append with the token succeeds after this returned, from any process."""
        with self._at_first_use(stream, partition).writer() as file:
            return file.fence(token, record)

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        """See ``interface.Log.fetch``."""
        pool = self._existing(stream, partition)
        if pool is None:
            return []
        with pool.reader() as file:
            return file.fetch(start, count, max_octets)

    def follow(self, stream: str, partition: int, start: int) -> None:
        """See ``interface.Log.follow``; everything is near."""

    def at_hand(self, stream: str, partition: int, start: int) -> bool:
        """See ``interface.Log.at_hand``."""
        return True

    def end(self, stream: str, partition: int) -> int:
        """See ``interface.Log.end``. About 4 µs while nothing changes."""
        pool = self._existing(stream, partition)
        return 0 if pool is None else pool.end()

    def begin(self, stream: str, partition: int) -> int:
        """See ``interface.Log.begin``."""
        pool = self._existing(stream, partition)
        if pool is None:
            return 0
        with pool.reader() as file:
            return file.begin()

    def ends(self, *streams: str) -> dict[Where, int]:
        """See ``interface.Log.ends``."""
        return {
            (stream, partition): self.end(stream, partition)
            for stream in streams
            for partition in self.partitions(stream)
        }

    def partitions(self, stream: str) -> list[int]:
        """See ``interface.Log.partitions``."""
        self._refuse_if_closed()
        stems = (path.name.removesuffix(_SUFFIX) for path in (self._directory / stream).glob(f"*{_SUFFIX}"))
        return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdecimal())

    def trim(self, stream: str, partition: int, before: int) -> None:
        """See ``interface.Log.trim``. In small transactions, so that appends go on. The file keeps its size."""
        pool = self._existing(stream, partition)
        if pool is None:
            return
        with pool.writer() as file:
            file.move_begin(before)
        more = True
        while more:
            sleep(TRIM_PAUSE_S)
            with pool.writer() as file:
                more = file.drop_hidden()

    def mark(self, marks: Mapping[Where, int]) -> None:
        """See ``interface.Log.mark``; there are no tools."""

    def close(self) -> None:
        """See ``interface.Log.close``."""
        with self._opening:
            self._closed = True
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def _existing(self, stream: str, partition: int) -> Pool | None:
        """The pool of a partition that exists; None where there is none, and none is made."""
        pool = self._pools.get((stream, partition))
        if pool is None:
            self._refuse_if_closed()
            return self._at_first_use(stream, partition) if self._path(stream, partition).exists() else None
        pool.used = next(self._ticks)
        return pool

    def _at_first_use(self, stream: str, partition: int) -> Pool:
        """The pool of the partition, which is made if it does not exist."""
        pool = self._pools.get((stream, partition))
        if pool is None:
            pool = self._open(stream, partition)
        pool.used = next(self._ticks)
        return pool

    def _open(self, stream: str, partition: int) -> Pool:
        path = self._path(stream, partition)
        with self._opening:
            self._refuse_if_closed()
            if not path.exists():
                create(path)
            # Only now: a pool that others can see has its file.
            return self._pools.setdefault((stream, partition), Pool(path, self._make_room))

    def _path(self, stream: str, partition: int) -> Path:
        known = self._paths.get((stream, partition))
        if known is not None:
            return known
        if not _STREAM_NAME.fullmatch(stream) or partition < 0:
            raise ValueError(f"no stream can be named {stream!r} or no partition {partition}")
        self._paths[stream, partition] = path = self._directory / stream / f"{partition}{_SUFFIX}"
        return path

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LogError("the log is closed")

    def _make_room(self) -> None:
        """Close the connections of the pools used longest ago until one more is within the limit."""
        pools = sorted(self._pools.copy().values(), key=lambda pool: pool.used)
        idle = sum(map(len, pools))
        for pool in pools:
            if idle < MAX_IDLE_CONNECTIONS:
                break
            idle -= len(pool)
            pool.release_idle()
