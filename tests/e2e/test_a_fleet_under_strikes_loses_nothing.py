"""A short chaos run: ten strikes on a real fleet under load, and the proof that it prints. `make soak KILLS=…` is the long one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN_S = 400.0


@pytest.mark.parametrize(("sink", "policy", "kills"), [("checkpoint", "hold", 7), ("plain", "hold", 3)])
def test_nothing_is_lost_and_nothing_sent_twice_unexplained(sink: str, policy: str, kills: int, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    options = ["--kills", str(kills), "--mails", str(kills * 250), "--sink", sink, "--policy", policy]
    places = ["--data", str(tmp_path / "data"), "--json", str(figures)]
    command = [sys.executable, "-m", "actors.main", "chaos", *options, *places]
    run = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(figures.read_text())
    assert found["failures"] == []
    assert found["kills"] == kills
    assert found["mails"] == kills * 250
    assert (found["lost"], found["unexplained"], found["duplicates"], found["difference"]) == (0, 0, 0, 0)
    assert found["violations"] == 0
