"""Fill looks at what comes next, once, and no further than it may."""

import asyncio

from actors.fill import AHEAD_UNITS, Fill
from fastemailnet.envelope import Lane, Recipient, Unit, encode_unit
from fastemailnet.log.memory import MemoryLog

WHERE = ("mail.bulk", 0)


def record(domain: str) -> bytes:
    people = (Recipient(f"x@{domain}", 0),)
    return encode_unit(Unit(bytes(16), Lane.BULK, "", 0, 1, "a@b.example", people, domain, False, b""))


async def test_each_destination_is_made_ready_once() -> None:
    log, made = MemoryLog(), []
    log.append(*WHERE, [record(f"d{number % 3}.example") for number in range(AHEAD_UNITS + 8)])

    async def warm(domain: str) -> None:
        made.append(domain)

    fill = Fill(log, warm)
    await fill.look(WHERE, 2, 6)
    await fill.look(WHERE, 3, AHEAD_UNITS + 8)
    await asyncio.sleep(0)
    assert sorted(made) == ["d0.example", "d1.example", "d2.example"]
    assert fill.reached[WHERE] == 6 + AHEAD_UNITS


async def test_a_record_that_is_no_unit_is_passed_over() -> None:
    log = MemoryLog()
    log.append(*WHERE, [b"no unit", record("d.example")])
    made: list[str] = []

    async def warm(domain: str) -> None:
        made.append(domain)

    await Fill(log, warm).look(WHERE, 0, 2)
    await asyncio.sleep(0)
    assert made == ["d.example"]
