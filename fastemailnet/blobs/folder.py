"""Bodies as files: ``folder/day/id``. For one machine, or a file system that every node mounts."""

import itertools
import os
import shutil
from pathlib import Path

from fastemailnet.archive.durable import make_directory, replace, sync_directory
from fastemailnet.blobs.interface import is_past
from fastemailnet.errors import BlobError, BlobMissing


class FolderBlobs:
    """Implements ``interface.Blobs``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()

    def put(self, key: str, octets: bytes) -> None:
        """See ``interface.Blobs.put``: the file's octets first, then its name, then the directory that has the name."""
        path = self.folder / key
        part = path.with_name(f".{path.name}.{os.getpid()}.{next(self._numbers)}.part")
        try:
            make_directory(path.parent)
            replace(path, octets, part, 0o600)
            sync_directory(path.parent)
        except OSError as error:
            raise BlobError(f"cannot keep {path}: {error.strerror}") from error

    def get(self, key: str) -> bytes:
        """See ``interface.Blobs.get``."""
        path = self.folder / key
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing(key, str(self.folder)) from error
        except OSError as error:
            raise BlobError(f"cannot read {path}: {error.strerror}") from error

    def sweep(self, now_ms: int) -> int:
        """See ``interface.Blobs.sweep``."""
        try:
            past = [path for path in self.folder.iterdir() if is_past(path.name, now_ms)]
            for path in past:
                shutil.rmtree(path)
        except FileNotFoundError:
            return 0  # nothing was ever kept here, or another gateway sweeps too
        except OSError as error:
            raise BlobError(f"cannot sweep {self.folder}: {error.strerror}") from error
        return len(past)

    def check(self) -> None:
        """See ``interface.Blobs.check``."""
        try:
            make_directory(self.folder)
        except OSError as error:
            raise BlobError(f"cannot make {self.folder}: {error.strerror}") from error
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise BlobError(f"{self.folder} may not be read and written")
