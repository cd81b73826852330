"""A submission whose process dies behind the body and before the record: ``python -m tests.integration.body_writer FOLDER``."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actors.bodies import Bodies
from actors.key_file import KeyFile
from actors.submissions import Submissions
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log

INLINE_OCTETS = 1_000
MAIL = Submission(
    b"From: a@s.example\r\nTo: b@x.example\r\n\r\n" + (b"y" * 70 + b"\r\n") * 100,
    "a@s.example",
    ("b@x.example",),
    idempotency_key="k",
)


class DyingLog(EmbeddedLog):
    """A log that is never reached."""

    def append(self, stream: str, partition: int, records: Sequence[bytes], **more: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def submissions(folder: Path, log: Log) -> Submissions:
    group = GroupCommit(log, max_pending_octets=10_000_000)
    return Submissions(
        log, group, Limits(), Bodies(FolderBlobs(folder / "blobs"), INLINE_OCTETS), KeyFile(folder / "keys.sqlite3")
    )


async def main() -> None:
    folder = Path(sys.argv[1])
    await submissions(folder, DyingLog(folder / "log")).submit(MAIL)


if __name__ == "__main__":
    asyncio.run(main())
