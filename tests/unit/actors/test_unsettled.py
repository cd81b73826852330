"""Messages that may be in the log are looked for together: each record is read once for all, and nobody's is passed over."""

import asyncio
from collections.abc import Container

import pytest

from actors.key_file import Where
from actors.unsettled import Found, Search
from fastemailnet.errors import LogError

WHERE = ("mail.standard", 0)


class Units:
    """A partition of units, one a record: message and domain."""

    def __init__(self, *units: tuple[bytes, str]) -> None:
        self.units = list(units)
        self.read = 0
        self.is_readable = True

    def from_(self, where: Where, start: int, messages: Container[bytes]) -> Found:
        if not self.is_readable:
            raise LogError("no broker answers")
        self.read += len(self.units) - start
        return len(self.units), [unit for unit in self.units[start:] if unit[0] in messages]


async def test_a_record_is_read_once_however_many_are_wanted() -> None:
    names = [b"%d" % number for number in range(100)]
    log = Units(*[(name, domain) for name in names for domain in "xy"])
    search = Search(log.from_)
    for name in names:
        search.want(WHERE, name, 0)
    found = await asyncio.gather(*(search.look(WHERE, name) for name in names))
    assert found == [(200, {"x", "y"})] * 100
    assert log.read == 200


async def test_who_is_wanted_from_further_back_is_looked_for_from_there() -> None:
    log = Units((b"a", "x"), (b"b", "x"), (b"c", "x"))
    search = Search(log.from_)
    search.want(WHERE, b"c", 2)
    assert await search.look(WHERE, b"c") == (3, {"x"})
    search.want(WHERE, b"b", 1)
    log.units.append((b"c", "y"))
    assert await search.look(WHERE, b"c") == (4, {"x", "y"})
    assert await search.look(WHERE, b"b") == (4, {"x"})
    assert log.read == 1 + 3
    search.want(WHERE, b"b", 0)  # it is wanted already, and was looked for
    await search.look(WHERE, b"b")
    assert log.read == 1 + 3


async def test_who_is_wanted_during_a_look_is_not_passed_over() -> None:
    log = Units((b"a", "x"), (b"b", "x"))
    search = Search(log.from_)

    def read(where: Where, start: int, messages: Container[bytes]) -> Found:
        end, found = log.from_(where, start, {b"a"})
        search.want(WHERE, b"b", 1)  # its append was on its way, and landed before the end was read
        return end, found

    search.read = read
    search.want(WHERE, b"a", 0)
    await search.look(WHERE, b"a")
    search.read = log.from_
    assert await search.look(WHERE, b"b") == (2, {"x"})


async def test_what_could_not_be_read_is_looked_at_again_and_what_was_seen_before_counts() -> None:
    log = Units((b"a", "x"))
    search = Search(log.from_)
    search.want(WHERE, b"a", 0, {"w"})
    log.is_readable = False
    with pytest.raises(LogError):
        await search.look(WHERE, b"a")
    log.is_readable = True
    assert await search.look(WHERE, b"a") == (1, {"w", "x"})
    search.drop(WHERE, b"a")
    assert await search.look(WHERE, b"a") == (1, set())
