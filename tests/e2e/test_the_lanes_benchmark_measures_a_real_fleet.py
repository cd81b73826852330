"""All windows of the lanes benchmark at a tiny backlog: what it claims is counted, not assumed."""

from pathlib import Path

from rich.console import Console

from benchmarks.lanes import SAYS, measure, verdict

BACKLOG = 200


def test_every_mail_arrives_once_and_the_backlog_stands_when_probing_begins(tmp_path: Path) -> None:
    figures = measure(Console(), tmp_path, BACKLOG, 0.5, 0)
    assert figures["lost"] == figures["duplicates"] == 0
    assert [figures[name]["stood"] for name in ("slow", "same", "many")] == [BACKLOG] * 3
    assert all(figures[name]["probes"] == 10 for name in SAYS)
    doubled = {**figures, "duplicates": 1}
    assert not verdict(doubled)[0]
    assert "duplicates=1" in verdict(doubled)[1]
