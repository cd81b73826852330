"""The published site: files any web server can serve.

Tiles and bundles never change: they are created, or compared equal. The checkpoint is put in place by rename once
everything it stands on is durable.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from fastemailnet.archive.durable import make_directory, replace, sync_directory
from fastemailnet.errors import LedgerCorrupt
from fastemailnet.ledger.tile import File

CHECKPOINT = "checkpoint"
POLICY = "policy.txt"


class Site:
    """The directory ``export``."""

    def __init__(self, root: Path, generation: int = 0) -> None:
        """At ``root``; writers of different generations use different temporary files."""
        self._root = root
        self._temporary = root / f".new-{generation}"

    def store(self, files: Iterable[File]) -> None:
        """Create files, or compare them equal; all are durable on return.

        Raises:
            LedgerCorrupt: one exists with other content.
        """
        touched = set()
        for file in files:
            path = self._root / file.path
            if path.exists():
                self._compare(path, file)
                continue
            make_directory(path.parent)
            replace(path, file.content, self._temporary)
            touched.add(path.parent)
        for directory in touched:
            sync_directory(directory)

    def put(self, name: str, text: str) -> None:
        """Put a file at the site's root in place, whole or not at all."""
        make_directory(self._root)
        replace(self._root / name, text.encode(), self._temporary)
        sync_directory(self._root)

    def prune(self, paths: Iterable[str]) -> None:
        """Remove the partial files beside these full ones."""
        for path in paths:
            shutil.rmtree(self._root / f"{path}.p", ignore_errors=True)

    def text(self, name: str) -> str | None:
        """A file at the site's root, or None where there is none."""
        path = self._root / name
        return path.read_text("utf-8") if path.exists() else None

    def read(self, path: str) -> bytes:
        """A tile or bundle; the beginning of the full one where a partial one has been pruned.

        Raises:
            LedgerCorrupt: neither is there.
        """
        full, _, _ = path.partition(".p/")
        for candidate in (self._root / path, self._root / full):
            if candidate.is_file():
                return candidate.read_bytes()
        raise LedgerCorrupt(f"the published file {path} is missing; start the ledger once to derive it again")

    @staticmethod
    def _compare(path: Path, file: File) -> None:
        if path.read_bytes() != file.content:
            raise LedgerCorrupt(
                f"{path} exists with other content than the journal gives; files of the tree never change"
            )
