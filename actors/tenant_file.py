"""The file of tenants as the gateway has it: looked at when somebody asks, at most once a second, and read again where it changed.

A key that is taken out of the file is refused from the next mail on, in sessions that are open too. A file that cannot be read, or not
any more, changes nothing: a slip of the pen takes nobody's key away. It is said once, and read again when it changes again. Nor is one
read that was written this moment: an editor may be in the middle of it, and half a file is a file without half of the tenants.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.clock import wall_ms
from fastemailnet.admission.tenants import Tenants
from fastemailnet.errors import ConfigError
from fastemailnet.tenants_file import read_tenants_file

log = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
SETTLED_MS: Final = 200  # since the file was written last
Mark = tuple[int, int, int] | None


class TenantFile:
    """Follows one file."""

    def __init__(
        self, path: Path | None, clock: Callable[[], float] = time.monotonic, wall: Callable[[], int] = wall_ms
    ) -> None:
        """Read it.

        Raises:
            ConfigError: it cannot be used.
        """
        self._path, self._clock, self._wall = path, clock, wall
        self._mark = self._look()
        self._tenants = read_tenants_file(path)
        self._looked_s = clock()

    def now(self) -> Tenants:
        """The tenants of now."""
        if self._path is not None and self._clock() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._clock()
            if (mark := self._look()) != self._mark and self._is_settled(mark):
                self._mark = mark  # taken before the file is read, so that what is written meanwhile is read next
                self._read(self._path)
        return self._tenants

    def _look(self) -> Mark:
        if self._path is None:
            return None
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

    def _is_settled(self, mark: Mark) -> bool:
        """Whether nobody is writing it just now. A time of writing that is still to come says nothing."""
        return mark is None or not 0 <= self._wall() - mark[0] // 1_000_000 < SETTLED_MS

    def _read(self, path: Path) -> None:
        try:
            self._tenants = read_tenants_file(path)
        except ConfigError as error:
            log.warning("the tenants stay as they were: %s", error)
        else:
            log.info("%s was read again", path)
