"""Files whose content counts while the gateway runs: looked at when somebody asks, at most once a second, and read where they changed.

So a key that is taken out of the file of tenants is refused from the next mail on, in sessions that are open too, and a renewed
certificate serves the next STARTTLS. What cannot be read, or not any more, changes nothing: a slip of the pen takes nobody's key
away. It is said once in the log, stands in ``problem`` until it is mended, and is read again until then: what kept us from reading may
be no matter of the file's content. Nor is a file read that was written this moment: an editor may be in the middle of it, and half a
file is a file without half of the tenants; a certificate may be ahead of its key.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from actors.clock import wall_ms
from fastemailnet.errors import ConfigError

log = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 1.0
SETTLED_MS: Final = 200  # since a file was written last
Mark = tuple[int, int, int] | None  # of one file; None: it cannot be seen
T = TypeVar("T")


class Watched(Generic[T]):
    """What some files say together."""

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], T],
        what: str,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = wall_ms,
    ) -> None:
        """Read them. ``what``: they are, for people, as in "the tenants".

        Raises:
            ConfigError: they cannot be used.
        """
        self._paths, self._read, self._what, self._clock, self._wall = tuple(paths), read, what, clock, wall
        self.problem = ""
        self._marks = self._look()
        self._found = read()
        self._looked_s = clock()

    def now(self) -> T:
        """What they say now; while there is a ``problem``, what they said before."""
        if self._paths and self._clock() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._clock()
            marks = self._look()
            if (marks != self._marks or self.problem) and all(map(self._is_settled, marks)):
                self._marks = marks  # taken before the files are read, so that what is written meanwhile is read next
                self._read_again()
        return self._found

    def _look(self) -> tuple[Mark, ...]:
        return tuple(map(_mark, self._paths))

    def _is_settled(self, mark: Mark) -> bool:
        """Whether nobody is writing it just now. A time of writing that is still to come says nothing."""
        return mark is None or not 0 <= self._wall() - mark[0] // 1_000_000 < SETTLED_MS

    def _read_again(self) -> None:
        try:
            self._found = self._read()
        except ConfigError as error:
            was, self.problem = self.problem, f"{self._what} stay as they were: {error}"
            if self.problem != was:
                log.warning("%s", self.problem)
        else:
            self.problem = ""
            log.info("read again: %s", ", ".join(map(str, self._paths)))


def _mark(path: Path) -> Mark:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
