"""An S3 server of the tests' own, on loopback, over a folder: versitygw. It may be frozen, killed and started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fastemailnet.blobs.bucket import Bucket, BucketBlobs
from fastemailnet.errors import BlobError

BUILD_S = 900
START_S = 60
KEY_ID, SECRET = "fen", "a secret of the tests"
NAME = "mail"
ROOT = Path(__file__).parents[2]


@dataclass
class S3Server:
    """The server; its bucket is a directory of ``folder``."""

    program: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    environ: dict[str, str] = field(
        default_factory=lambda: {"ROOT_ACCESS_KEY_ID": KEY_ID, "ROOT_SECRET_ACCESS_KEY": SECRET}
    )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bucket(self) -> Bucket:
        return Bucket(NAME, "some/prefix", self.endpoint, "us-east-1", KEY_ID, SECRET)

    def settings(self, folder: Path) -> dict[str, str]:
        """How a fleet is told of the bucket."""
        secret = folder / "secret"
        secret.write_text(f"{SECRET}\n")
        return {
            "BLOBS__URL": f"s3://{NAME}/some/prefix",
            "BLOBS__ENDPOINT": self.endpoint,
            "BLOBS__ACCESS_KEY_ID": KEY_ID,
            "BLOBS__SECRET_KEY_FILE": str(secret),
        }

    def start(self) -> None:
        command = [self.program, "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", str(self.folder)]
        self.process = subprocess.Popen(command, env=os.environ | self.environ, stdout=subprocess.DEVNULL)
        blobs, deadline = BucketBlobs(self.bucket), time.monotonic() + START_S
        while True:
            try:
                blobs.check()
                return
            except BlobError:
                assert self.process.poll() is None, "the S3 server ended"
                assert time.monotonic() < deadline, "the S3 server does not answer"

    def stop(self, by: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def s3_program() -> str:
    """The server's program; the first time it is built, which takes minutes."""
    built = subprocess.run(
        [ROOT / "tools" / "versitygw.sh"], capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    if built.returncode:
        pytest.skip(f"NOT RUN: no S3 server could be built: {built.stderr.strip()[-200:]}")
    return built.stdout.strip()


@pytest.fixture
def s3(s3_program: str, tmp_path: Path) -> Iterator[S3Server]:
    """A server that runs, with an empty bucket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "s3" / NAME).mkdir(parents=True)
    server = S3Server(s3_program, tmp_path / "s3", port)
    server.start()
    yield server
    server.stop()
