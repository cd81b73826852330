"""Who holds up a file of the embedded log: a process that was stopped (SIGSTOP, Ctrl-Z) in the middle of a commit.

The kernel keeps its lock for as long as it stays stopped, and nobody can append behind it: not the FENCE that would take its work
away, not the others that share the partition. Such a process is ended. A process may die at any moment by design, its commit is there
or is not, and the kernel gives the lock back. One that is only slow, in a long fsync, is never touched.

Linux only, where ``/proc/locks`` tells the holder of a lock; elsewhere nobody is found and the appends wait, then fail.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOCKS: Final = Path("/proc/locks")
_WRITE_LOCK: Final = "120"  # the byte of the WAL's index that a writer locks (sqlite.org/walformat.html, section 2.3.1)
_STOPPED: Final = "T"


def end_stopped_holder(path: Path) -> int:
    """End the process that holds the write lock of the partition at ``path``, if it is stopped; its id, or 0."""
    pid = _holder(Path(f"{path}-shm"))
    if not pid or pid == os.getpid() or _state(pid) != _STOPPED:
        return 0
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    return pid


def _holder(index: Path) -> int:
    try:
        status = index.stat()
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return 0
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        fields = line.split()  # 1: POSIX ADVISORY WRITE pid major:minor:inode first last
        if fields[1] == "POSIX" and fields[-4:-1] == [fields[4], place, _WRITE_LOCK] and fields[3] == "WRITE":
            return int(fields[4])
    return 0


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
