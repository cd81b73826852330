"""Mail servers that others wrote, each as its package has it, in a world of its own.

A server is unpacked beside the system by ``tools/mail-servers.sh`` and runs in its own mount and process namespaces: its files lie over
/usr and /etc there and nowhere else, with the users that it wants, a spool and a /run that end with it. So servers that cannot be
installed together run together, nothing of the machine is touched, and the end of the namespace's first process ends them all.
``folder`` is /srv inside. Only loopback is spoken to.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNPACK_S = 300
START_S = 20.0
ARRIVE_S = 10.0
USERS = ("postfix", "postdrop", "Debian-exim", "opensmtpd", "opensmtpq", "dovecot", "dovenull", "mailbox")
WORLD = """
set -eu
mkdir -p "$SERVER/usr" "$SERVER/etc" "$SERVER/var"
mount -t overlay overlay -o "lowerdir=$SERVER/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir=$FOLDER/etc:$SERVER/etc:/etc" /etc
mount -t overlay overlay -o "lowerdir=$FOLDER/var:$SERVER/var:/var" /var
mount --bind "$FOLDER" /srv
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool
install -d -m 711 /var/spool/smtpd
cd /srv
"$@" &
wait $!
"""


@dataclass
class Peer:
    """A server that runs. What it kept lies in ``kept``, a file a message."""

    port: int
    folder: Path
    knock: bytes = b""  # what makes it speak, where it does not greet

    def kept(self, count: int) -> list[bytes]:
        """Wait for so many messages; their octets with CRLF, whatever the server writes at the end of a line."""
        deadline = time.monotonic() + ARRIVE_S
        box = self.folder / "maildir" / "new"
        while len(found := sorted(box.glob("*")) if box.exists() else []) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages; the log says: {self.log()}"
            time.sleep(0.02)
        return [re.sub(rb"\r?\n", b"\r\n", path.read_bytes()) for path in found]

    def log(self) -> str:
        """What the server says, its last lines."""
        texts = (path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*")))
        return "".join(texts)[-2_000:]


def unpacked(server: str, *packages: str) -> Path:
    """The folder with the server's files; the first time they are fetched."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: needs root, for the namespaces in which a mail server changes its user")
    command = [ROOT / "tools" / "mail-servers.sh", server, *packages]
    done = subprocess.run(command, capture_output=True, text=True, timeout=UNPACK_S, check=False)
    if done.returncode:
        pytest.skip(f"NOT RUN: {server} could not be had: {done.stderr.strip()[-200:]}")
    return Path(done.stdout.strip())


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def furnish(folder: Path) -> None:
    """Users, a mailbox and a place for the log."""
    for name in ("etc", "var/lib/opensmtpd/empty", "log", "spool", "data", "maildir/new", "maildir/cur", "maildir/tmp"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    for number, name in enumerate(USERS, 61_000):
        if f"\n{name}:" not in passwd:
            passwd += f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        if f"\n{name}:" not in group:
            group += f"{name}:x:{number}:\n"
    (folder / "etc" / "passwd").write_text(passwd)
    (folder / "etc" / "group").write_text(group)
    for path in (folder / "maildir").glob("*"):
        own(folder, path, "mailbox")


def own(folder: Path, path: Path, user: str) -> None:
    """Give a path to a user of the world in ``folder``."""
    line = next(one for one in (folder / "etc" / "passwd").read_text().splitlines() if one.startswith(f"{user}:"))
    os.chown(path, int(line.split(":")[2]), int(line.split(":")[3]))


@contextlib.contextmanager
def running(server: Path, folder: Path, port: int, *command: str, knock: bytes = b"") -> Iterator[Peer]:
    """The server in its world, listening."""
    # The shell stays the namespace's first process: Exim's own file is set-uid, and what runs such a file outlives its parent.
    world = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    environ = {"SERVER": str(server), "FOLDER": str(folder), "PATH": os.environ["PATH"] + ":/usr/sbin"}
    with answering(Peer(port, folder, knock), [*world, "sh", "-c", WORLD, "sh", *command], **environ) as peer:
        yield peer


@contextlib.contextmanager
def answering(peer: Peer, command: list[str], cwd: Path | None = None, **environ: str) -> Iterator[Peer]:
    """The server of a process that listens on the peer's port; its process group, and so its namespace, ends with the context."""
    with (peer.folder / "log" / "stdout").open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", peer.port), timeout=5) as one:
                one.sendall(peer.knock)
                if one.recv(3):
                    break
            assert process.poll() is None, f"the server ended: {peer.log()}"
            assert time.monotonic() < deadline, f"the server does not answer: {peer.log()}"
            time.sleep(0.05)
        yield peer
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
