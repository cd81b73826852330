"""Today's counts outlive the process, and what was certainly not appended does not count."""

import asyncio
import json
import threading
from pathlib import Path

import pytest

from actors import quotas
from actors.quotas import Quotas
from fastemailnet.admission.quota import DAY_MS, Quota
from fastemailnet.admission.tenants import Tenant
from fastemailnet.errors import DailyExceeded, LogAppendUnknown, LogError

ACME = Tenant("acme", quota=Quota(daily=10))
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "wall_ms", lambda: NOON_MS)


def take(of: Quotas, recipients: int, error: Exception | None = None) -> None:
    with of.taken(ACME, recipients):
        if error is not None:
            raise error


async def test_a_restart_does_not_begin_the_day_anew(tmp_path: Path) -> None:
    path = tmp_path / "gateway" / "used.json"
    first = Quotas(path)
    take(first, 7)
    await first.close()
    again = Quotas(path)
    with pytest.raises(DailyExceeded, match="had 7 and wants 4"):
        take(again, 4)
    take(again, 3)
    await again.close()
    assert json.loads(path.read_text())["used"] == {"acme": 10}
    assert [one.name for one in path.parent.iterdir()] == ["used.json"]


@pytest.mark.parametrize(("error", "counts"), [(LogError("full"), 0), (LogAppendUnknown("perhaps"), 4)])
async def test_what_may_have_been_appended_counts(tmp_path: Path, error: Exception, counts: int) -> None:
    of = Quotas(tmp_path / "used.json")
    with pytest.raises(LogError):
        take(of, 4, error)
    assert of.uses.used == {"acme": counts}
    await of.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"day": 1}',
        '{"day": 1, "used": 7}',
        '{"day": 1, "used": {"a": "b"}}',
        '{"day": Infinity, "used": {}}',
    ],
)
async def test_a_file_that_is_none_is_told_and_begins_anew(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "used.json"
    path.write_text(text)
    of = Quotas(path)
    assert "begins anew" in caplog.text
    take(of, 10)
    await of.close()
    assert json.loads(path.read_text())["used"] == {"acme": 10}


async def test_a_disk_that_takes_nothing_stops_no_mail_and_is_written_to_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = Quotas(tmp_path / "used.json")
    monkeypatch.setattr(quotas, "KEEP_EVERY_S", 0.0)
    full = [OSError(28, "No space left on device")]
    write = quotas._write

    def failing(path: Path, text: str) -> None:
        if full:
            raise full.pop()
        write(path, text)

    monkeypatch.setattr(quotas, "_write", failing)
    take(of, 10)
    assert of.keeping is not None
    await of.keeping
    assert json.loads(of.path.read_text())["used"] == {"acme": 10}
    await of.close()


async def test_a_stop_waits_for_the_write_that_is_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = Quotas(tmp_path / "used.json")
    monkeypatch.setattr(quotas, "KEEP_EVERY_S", 0.0)
    begun, go, write = threading.Event(), threading.Event(), quotas._write
    at_once, most = 0, 0

    def slow(path: Path, text: str) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        begun.set()
        go.wait()
        write(path, text)
        at_once -= 1

    monkeypatch.setattr(quotas, "_write", slow)
    take(of, 4)
    await asyncio.to_thread(begun.wait)
    take(of, 3)
    stop = asyncio.create_task(of.close())
    for _ in range(10):
        await asyncio.to_thread(int)
    go.set()
    await stop
    assert most == 1
    assert json.loads(of.path.read_text())["used"] == {"acme": 7}


async def test_a_stop_does_not_fail_for_a_disk_that_takes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gateway").write_text("a file where the directory is to be")
    of = Quotas(tmp_path / "gateway" / "used.json")
    take(of, 4)
    await of.close()
    assert "used.json: " in caplog.messages[-1]


async def test_what_is_given_back_is_taken_from_the_day_that_it_was_counted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = Quotas(tmp_path / "used.json")
    take(of, 1)
    monkeypatch.setattr(quotas, "wall_ms", lambda: NOON_MS - DAY_MS)
    with pytest.raises(LogError):
        take(of, 4, LogError("full"))
    assert of.uses.used == {"acme": 1}
    await of.close()
