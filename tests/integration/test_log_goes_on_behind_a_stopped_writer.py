"""A writer that is stopped in the middle of its commit holds its partition; whoever else must append there ends it, and nobody else."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Fenced, Token

A = Token("a", 1)
# Holds the write lock of the file, says so, stops itself or sleeps, then commits and ends.
WRITER = """
import os, signal, sqlite3, sys, time
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("BEGIN IMMEDIATE")
file.execute("INSERT INTO record VALUES (1, x'00')")
print("holds", flush=True)
os.kill(os.getpid(), signal.SIGSTOP) if sys.argv[2] == "stop" else time.sleep(3)
file.execute("COMMIT")
"""


def writer(tmp_path: Path, what: str) -> subprocess.Popen[str]:
    path = next((tmp_path / "journal").glob("0.*3"))
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path), what], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def test_a_fence_behind_a_stopped_writer_ends_it(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"first"], token=A)
    process = writer(tmp_path, "stop")
    assert log.fence("journal", 0, A, b"fence") == 1  # what it had not committed is not there
    assert process.wait() == -signal.SIGKILL
    assert log.append("journal", 0, [b"late"], token=A) == Fenced(1)
    log.close()


def test_a_writer_that_is_only_slow_is_waited_for(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path)
    log.append("journal", 0, [b"first"], token=A)
    process = writer(tmp_path, "sleep")
    found: list[int] = []
    fencing = threading.Thread(target=lambda: found.append(log.fence("journal", 0, A, b"fence")))
    fencing.start()
    assert process.wait() == 0
    fencing.join()
    assert found == [2]
    log.close()
