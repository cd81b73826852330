"""A leaner selector for kafka-python's event loops.

kafka-python asks its selector for a socket's key before each wait, and expects a KeyError where the socket waits for nothing. The
standard selectors put a description of the socket into that error: two system calls and some formatting, a quarter of the CPU of a
produce request (docs/decisions/0025).
"""

import selectors
from typing import Any


class LeanSelector(selectors.DefaultSelector):
    """Finds a key by its file descriptor alone."""

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """The key of a registered socket; KeyError where there is none. A closed one is looked for, as the standard selectors do."""
        if not isinstance(fileobj, int) and fileobj.fileno() < 0:
            return super().get_key(fileobj)
        key: selectors.SelectorKey = self._fd_to_key[fileobj if isinstance(fileobj, int) else fileobj.fileno()]  # type: ignore[attr-defined]
        return key
