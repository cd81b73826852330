"""Small pieces of durable file writing."""

import os
from pathlib import Path


def write_all(descriptor: int, octets: bytes) -> None:
    """Write everything, over however many calls it takes."""
    view = memoryview(octets)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory and its parents, durably; an existing one is left as it is."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def replace(path: Path, octets: bytes, temporary: Path, mode: int = 0o644) -> None:
    """Put a file at ``path``, whole or not at all. The octets are durable; the name is once its directory is synced."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, octets)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(path)
