"""The connections of one process to one partition of the embedded log.

One connection writes, behind a lock: threads of one process then wait for each other on a lock and not in SQLite's busy
handler, which sleeps. Readers take a connection from a stack and put it back; the stack grows to the number of threads
that ever read at once, usually one, and its top is the one whose cached end is freshest.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastemailnet.errors import LogError
from fastemailnet.log.partition_file import PartitionFile


class Pool:
    """Connections to the existing partition at ``path``. ``opening`` is called before each, outside the pool's lock."""

    __slots__ = ("_closed", "_opening", "_path", "_readers", "_writer", "_writing", "used")

    def __init__(self, path: Path, opening: Callable[[], None]) -> None:
        self.used = 0  # the owner's tick of the last use
        self._path = path
        self._opening = opening
        self._readers: list[PartitionFile] = []
        self._writer: PartitionFile | None = None
        self._writing = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        """The number of idle or writing connections (those that readers have out at this moment are not counted)."""
        return len(self._readers) + (self._writer is not None)

    def end(self) -> int:
        """See ``interface.Log.end``. Written out: it is asked a thousand times a second."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._open()
        try:
            end = reader.end()
        except BaseException:
            reader.close()
            raise
        self._put_back(reader)
        return end

    @contextmanager
    def reader(self) -> Iterator[PartitionFile]:
        """A connection for reading; one that failed is not used again."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self._open()
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        self._put_back(reader)

    @contextmanager
    def writer(self) -> Iterator[PartitionFile]:
        """The connection for writing, alone in this process; one that failed is not used again."""
        if self._writer is None:
            self._opening()
        with self._writing:
            if self._writer is None:
                self._writer = self._open_now()
            try:
                yield self._writer
            except BaseException:
                self._writer.close()
                self._writer = None
                raise

    def release_idle(self) -> None:
        """Close the connections that nobody uses at this moment."""
        while self._readers:
            try:
                self._readers.pop().close()
            except IndexError:  # another thread took the last one
                break
        if self._writing.acquire(blocking=False):
            try:
                self._close_writer()
            finally:
                self._writing.release()

    def close(self) -> None:
        """Wait for the append that runs, then close; a reader that is out closes when it comes back."""
        self._closed = True
        self.release_idle()
        with self._writing:
            self._close_writer()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _put_back(self, reader: PartitionFile) -> None:
        self._readers.append(reader)
        if self._closed:
            self.release_idle()

    def _open(self) -> PartitionFile:
        self._opening()
        return self._open_now()

    def _open_now(self) -> PartitionFile:
        if self._closed:
            raise LogError("the log is closed")
        return PartitionFile(self._path)
