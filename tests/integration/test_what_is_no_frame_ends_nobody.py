"""A stranger's record in a stream of the fleet is passed over and named; a frame of a later version ends its reader, who says so."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import build
from actors.coordinator import CoordinatorActor
from actors.shaping import Shaping
from actors.suppressions import Suppressions
from fastemailnet.config import load
from fastemailnet.delivery import suppression
from fastemailnet.delivery.shaping import frames as shaping
from fastemailnet.delivery.suppression import FOR_GOOD, Origin, Suppress, encode_change
from fastemailnet.errors import LogCorrupt
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS
from fastemailnet.flashsync.frames import CONTROL, JOURNAL
from fastemailnet.log.interface import Log
from fastemailnet.shaping_files import read_policy
from tests.integration.test_a_fleet_in_one_process import house

STRANGE = [b"", b"\xc1 garbage", b"hello", b'{"a": 1}', b"\x90", b"\x91\x01", b"\xa1\xff", b"\xdc"]
LATER = msgspec.msgpack.encode(["Q", 7, "a kind of frame that this version does not know"])
STREAMS = [(CONTROL, 0), (suppression.STREAM, 0), (shaping.STREAM, 0)]


def strew(log: Log) -> None:
    """Strange records in every stream that processes follow."""
    for where in (*STREAMS, *((JOURNAL, partition) for partition in range(JOURNAL_PARTITIONS))):
        log.append(*where, STRANGE)


def passed_over(status: dict[str, Any]) -> dict[str, str]:
    """What a process says it could not read."""
    told: dict[str, str] = status["passed over"]
    return told


async def test_mail_goes_on_and_people_are_told(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        strew(fleet.log)
        entry = Suppress("gone@x.example", "", "", 1, FOR_GOOD, Origin.PERSON, "asked for")
        fleet.log.append(suppression.STREAM, 0, [encode_change(entry)])
        node = fleet.start_node("a")
        fleet.accept("first@x.example")
        await fleet.until(lambda b: b["relayed"] == 1)
        strew(fleet.log)
        fleet.accept("second@x.example", "gone@x.example")
        balance = await fleet.until(lambda b: b["relayed"] == 2)
        assert (balance["suppressed"], balance["open"]) == (1, 0)

        told = passed_over(await fleet.coordinator.status())
        assert {"control/0@0", "journal/0@0"} <= {place.replace(f"@{n}", "@0") for place in told for n in range(20)}
        assert all("it holds no frame" in why for why in told.values())
        told = passed_over(await node.status())
        assert {f"{stream}/0@0" for stream, _ in STREAMS[1:]} <= set(told)
        assert any(place.startswith("control/0@") for place in told)


async def test_whoever_starts_behind_it_knows_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as fleet:
        strew(fleet.log)
        fleet.start_node("a")
        fleet.accept("first@x.example")
        await fleet.until(lambda b: b["relayed"] == 1)
        first = fleet.coordinator
        fleet.tasks.pop(0).cancel()
        fleet.coordinator = CoordinatorActor(fleet.log, build.policy(fleet.settings))
        fleet.tasks.append(asyncio.create_task(fleet.coordinator.run()))
        fleet.accept("second@x.example")
        await fleet.until(lambda b: b["relayed"] == 2)
        assert set(passed_over(await first.status())) <= set(passed_over(await fleet.coordinator.status()))


@pytest.mark.parametrize("stream", [CONTROL, JOURNAL])
async def test_a_coordinator_does_nothing_without_a_frame_that_it_cannot_read(tmp_path: Path, stream: str) -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    coordinator = CoordinatorActor(log, build.policy(settings))
    running = asyncio.create_task(coordinator.run())
    joined, _ = await coordinator.join("a", 1)
    landed = log.append(stream, joined.slot if stream == JOURNAL else 0, [LATER])
    with pytest.raises(LogCorrupt, match=rf"{stream}/\d+@{landed[0]} holds a frame that this version cannot read"):  # type: ignore[index]
        await asyncio.wait_for(running, 20.0)
    log.close()


def test_nor_is_anybody_written_to_who_may_be_suppressed_by_it(tmp_path: Path) -> None:
    settings = load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path)})
    log = build.log(settings)
    for stream, _ in STREAMS[1:]:
        log.append(stream, 0, [LATER])
    with pytest.raises(LogCorrupt, match=r"suppression/0@0 holds a frame"):
        Suppressions(log)
    with pytest.raises(LogCorrupt, match=r"shaping/0@0 holds a frame"):
        Shaping(log, build.group(settings, log), read_policy(settings.shaping), "a")
    log.close()
