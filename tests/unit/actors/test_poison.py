"""Blame outlives its process, and a message is looked into apart where no process survives it."""

import subprocess
import sys
from pathlib import Path

import pytest

from actors import poison
from actors.examine import look
from actors.poison import Blame, look_apart
from fastemailnet.envelope import Position

BODY = b"From: a@example.org\r\nSubject: s\r\n\r\nhello\r\n"
DIES = """
import os, sys
from pathlib import Path
from actors.poison import Blame
from fastemailnet.envelope import Position
with Blame(Path(sys.argv[1])).looking(Position("mail.bulk", 3, 7)):
    os.kill(os.getpid(), 9)
"""


def test_the_place_is_left_when_its_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "a" / "node.blame"
    assert Blame(path).left() is None
    assert subprocess.run([sys.executable, "-c", DIES, str(path)], check=False).returncode == -9
    after = Blame(path)
    assert after.left() == Position("mail.bulk", 3, 7)
    with after.looking(Position("mail.bulk", 3, 8)):
        assert Blame(path).left() == Position("mail.bulk", 3, 8)
    assert Blame(path).left() is None


async def test_a_message_is_looked_into_apart_as_it_is_here() -> None:
    assert await look_apart(BODY, True) == look(BODY, with_text=True)
    assert await look_apart(BODY, False) == look(BODY, with_text=False)


async def test_a_process_that_does_not_come_back_has_seen_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poison.sys, "executable", "/bin/false")
    assert await look_apart(BODY, True) is None
