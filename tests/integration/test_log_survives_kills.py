"""A killed writer loses nothing it was told is kept, and leaves no half of an append."""

import random
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.interface import Token

PROJECT = Path(__file__).parents[2]
ROUNDS = 8


def start_writer(directory: Path, node: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.log_writer", str(directory), node],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    )


def acknowledged(writer: subprocess.Popen[bytes]) -> list[tuple[int, int]]:
    """(batch, first offset) of each line that the writer printed whole after ``ready``."""
    assert writer.stdout is not None
    lines = writer.stdout.read().split(b"\n")[:-1]
    return [(int(batch), int(offset)) for batch, offset in (line.split() for line in lines if line[0:1].isdigit())]


def check(log: EmbeddedLog, promised: dict[str, list[tuple[int, int]]]) -> int:
    """Every promised batch is where it was promised, every batch is whole and in one piece. The number of batches."""
    kept = log.fetch("journal", 0, 0, 1_000_000, 1_000_000_000)
    assert [offset for offset, _ in kept] == list(range(len(kept)))
    fields = [record.split(b" ")[:4] for _, record in kept if not record.startswith(b"fence")]
    sizes = Counter((node, batch) for node, batch, _, _ in fields)
    assert all(sizes[node, batch] == int(size) for node, batch, _, size in fields)
    for before, after in pairwise(kept):
        node, batch, index, size = (
            before[1].split(b" ")[:4] if not before[1].startswith(b"fence") else (b"", b"", b"0", b"1")
        )
        if int(index) + 1 < int(size):
            assert after[1].split(b" ")[:3] == [node, batch, b"%d" % (int(index) + 1)]
    for node_name, batches in promised.items():
        for batch_number, offset in batches:
            assert kept[offset][1].split(b" ")[:3] == [node_name.encode(), b"%d" % batch_number, b"0"]
    return len(sizes)


def test_kill_9_of_two_writers_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    promised: dict[str, list[tuple[int, int]]] = {}
    for round_number in range(ROUNDS):
        writers = {f"{name}{round_number}": start_writer(tmp_path / "log", f"{name}{round_number}") for name in "ab"}
        for writer in writers.values():
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.02, 0.2))
        for node, writer in writers.items():
            writer.kill()
            promised[node] = acknowledged(writer)
            writer.wait()
        log = EmbeddedLog(tmp_path / "log")
        batches = check(log, promised)
        total = sum(map(len, promised.values()))
        # One append of each killed writer may have been kept without its line.
        assert total <= batches <= total + 2 * (round_number + 1)
        assert log.append("journal", 0, [b"fence"]).start + 1 == log.end("journal", 0)  # type: ignore[union-attr]  # no token, no fence
        log.close()
    assert sum(map(len, promised.values())) > ROUNDS * 4


def test_a_fence_of_one_process_stops_the_writer_in_another(tmp_path: Path) -> None:
    nodes = ["a", "b"]
    writers = [start_writer(tmp_path / "log", node) for node in nodes]
    log = EmbeddedLog(tmp_path / "log")
    seen: set[bytes] = set()
    while seen != {b"a", b"b"}:
        time.sleep(0.05)
        seen = {record.split(b" ")[0] for _, record in log.fetch("journal", 0, 0, 100_000)}
    promised: dict[str, list[tuple[int, int]]] = {}
    for node, writer in zip(nodes, writers, strict=True):
        fence = log.fence("journal", 0, Token(node, 1), b"fence " + node.encode())
        output, _ = writer.communicate(timeout=10)
        lines = output.split(b"\n")
        assert lines[-2:] == [b"fenced %d" % fence, b""]
        promised[node] = [(int(batch), int(offset)) for batch, offset in (line.split() for line in lines[1:-2])]
        assert promised[node][-1][1] < fence
    check(log, promised)
    log.close()
