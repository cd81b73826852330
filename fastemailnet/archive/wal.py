"""The append-only files: segments of frames, one ``fdatasync`` a block.

Each writer appends to segments of its own, named by its generation and the first leaf index that they may hold. A
frame counts only if it begins below the first index of the next segment: so a writer that was overtaken, however late
it wakes, can append only where nobody reads, and never into the file of its successor.
"""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fastemailnet.archive.durable import make_directory, sync_directory, write_all
from fastemailnet.ledger.frame import Frame, decode, encode, frames

MAX_SEGMENT_OCTETS = 1 << 30
_NO_LIMIT = 1 << 64


class Segment(NamedTuple):
    """One file; sorts by writer, then by place in the log."""

    generation: int
    first: int
    path: Path


class Tail(NamedTuple):
    """Octets at the end of the newest segment that are no whole frame."""

    path: Path
    sound: int  # octets before them
    torn: int


def segments(directory: Path) -> list[Segment]:
    """The segments in order."""
    found = []
    for path in directory.glob("*-*.wal"):
        generation, first = path.stem.split("-")
        found.append(Segment(int(generation), int(first), path))
    return sorted(found)


def read(directory: Path) -> Iterator[Frame | Tail]:
    """The frames that count, in order; at the very end a ``Tail`` if the newest segment has one."""
    chosen = segments(directory)
    limits = [*(segment.first for segment in chosen[1:]), _NO_LIMIT]
    for segment, limit in zip(chosen, limits, strict=False):  # without segments there is one limit too many
        size = segment.path.stat().st_size
        sound = 0
        for frame, end in _frames(segment.path, size):
            if frame.first >= limit:
                break
            yield frame
            sound = end
        if limit == _NO_LIMIT and sound < size:
            yield Tail(segment.path, sound, size - sound)


def truncate(tail: Tail) -> None:
    """Cut a torn tail off, durably."""
    descriptor = os.open(tail.path, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, tail.sound)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Writer:
    """The segment that one generation appends to."""

    def __init__(self, directory: Path, generation: int, first: int) -> None:
        """A new segment from leaf index ``first`` on."""
        make_directory(directory)
        self._directory, self._generation = directory, generation
        self._open(first)

    def append(self, frame: Frame) -> Frame:
        """Append durably; returns the frame as it reads back.

        Raises:
            OSError: the state of the file is unknown; only a new start may read it.
        """
        octets = encode(frame)
        if self._size + len(octets) > MAX_SEGMENT_OCTETS and self._size:
            self.close()
            self._open(frame.first)
        write_all(self._descriptor, octets)
        os.fdatasync(self._descriptor)
        found = decode(memoryview(os.pread(self._descriptor, len(octets), self._size)))
        self._size += len(octets)
        if found is None:
            raise OSError(f"the frame at leaf {frame.first} does not read back")
        return found[0]

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Remove the segment again, which must still be empty."""
        assert not self._size, "frames are never removed"
        self._path.unlink()
        sync_directory(self._directory)

    def _open(self, first: int) -> None:
        self._path = self._directory / f"{self._generation:08d}-{first:020d}.wal"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._size = 0
        sync_directory(self._directory)


def _frames(path: Path, size: int) -> Iterator[tuple[Frame, int]]:
    if not size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        try:
            yield from frames(view)
        finally:
            view.release()
