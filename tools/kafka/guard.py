"""Brokers that do not outlive whoever started them, however it ends.

A guard is a process that leads a process group and waits for the end of its standard input, which nobody writes to. The
kernel closes that pipe when the starter is gone, even by kill -9; then the guard kills its group, itself included.
"""

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO

_WAIT = "import os, signal, sys; sys.stdin.read(); os.killpg(0, signal.SIGKILL)"


class Guard:
    """Start processes with ``process_group=guard.group``; all of them end with us."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-S", "-c", _WAIT], stdin=subprocess.PIPE, process_group=0)
        self.group = self._process.pid

    def close(self) -> None:
        """End the guard and all that is left in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)
        self._process.wait()
        stdin: IO[bytes] | None = self._process.stdin
        if stdin is not None:
            stdin.close()
