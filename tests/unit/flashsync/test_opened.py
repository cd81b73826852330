"""What is kept beside the open attempts is what a look at all of them would say, and what a person decides costs a plan nothing."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.flashsync.grants import Grants
from fastemailnet.flashsync.lease import Open
from fastemailnet.flashsync.opened import Opened
from fastemailnet.flashsync.progress import AS_IT_STANDS
from fastemailnet.outcome import Kind

MAIL = "mail.standard"


def attempt(position: int, node: str, lease: int, doubt_ms: int | None) -> Open:
    place = Position(MAIL, 0, position)
    return Open(place, 1, lease, (node, 1), (0, position), b"m", (Kind.IN_DOUBT,), doubt_ms)


def agrees(opened: Opened) -> None:
    """The clever one beside its dumb twin."""
    doubts = {spot: entry for spot, entry in opened.items() if entry.doubt_ms is not None}
    assert {spot: entry for spot, (_, entry) in opened.doubts.items()} == doubts
    numbers = [number for number, _ in opened.doubts.values()]
    assert numbers == sorted(set(numbers))
    assert opened.doubted == Counter(entry.lease for entry in doubts.values())
    expected = {(entry.token, spot) for spot, entry in opened.items() if entry.doubt_ms is None}
    assert {(token, spot) for token, spots in opened.expected.items() for spot in spots} == expected


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_a_look_at_all(seed: int) -> None:
    draw, opened = random.Random(seed), Opened()
    for _ in range(200):
        position = draw.randrange(12)
        match draw.randrange(6):
            case 0:
                opened.pop((0, position), None)
            case 1 if (0, position) in opened:
                del opened[0, position]
            case 2 if (0, position) in opened:
                opened[0, position] = replace(opened[0, position], doubt_ms=draw.randrange(9))
            case 3:
                copy = opened.copy()
                opened.clear()
                assert not any((opened.doubts, opened.expected, opened.doubted))
                opened = copy
            case _:
                doubt_ms = draw.choice([None, 5])
                opened[0, position] = attempt(position, draw.choice("ab"), draw.randrange(3), doubt_ms)
        agrees(opened)


def test_what_changed_since_is_told_newest_first() -> None:
    opened = Opened()
    for position in range(4):
        opened[0, position] = attempt(position, "a", 1, position or None)
    opened[0, 1] = replace(opened[0, 1], kinds=(Kind.BOUNCED,))
    assert [entry.spot for _, entry in opened.since(0)] == [(0, 1), (0, 3), (0, 2)]
    assert [entry.spot for _, entry in opened.since(opened.changes - 1)] == [(0, 1)]
    assert not list(opened.since(opened.changes))


def test_a_plan_holds_nothing_of_what_a_person_decides_and_what_is_due_until_it_is_resolved() -> None:
    held, due = Coordinator(Policy(verdicts={MAIL: None})), Coordinator(Policy(verdicts={MAIL: f.Verdict.BOUNCE}))
    for machine in (held, due):
        for position in range(50):
            machine.fold.open[0, position] = attempt(position, "a", 1, 1_000)
    assert not list(held._resolutions(10**9))
    assert not any((held.waits.coming, held.waits.overdue, held.waits.in_order))
    assert not list(due._resolutions(60_999))
    assert len(due.waits.coming) == 50
    for _ in range(2):  # a verdict that was planned may be held back, or its append be lost
        assert len(list(due._resolutions(61_000))) == 50
    due.fold.open.pop((0, 7))
    due.fold.open[0, 8] = replace(due.fold.open[0, 8], doubt_ms=2_000)  # its node spoke: it waits anew
    assert {write.frame.intent for write in due._resolutions(61_000)} == set(range(50)) - {7, 8}  # type: ignore[union-attr]
    assert len(list(due._resolutions(62_000))) == 49


def test_no_more_of_what_is_free_is_looked_at_than_the_windows_take() -> None:
    machine = Coordinator(Policy(window_units=8))
    grants, join = Grants(machine.fold, 4, 8), f.Join(1, "a", 1, 0, 512)
    progress = machine.fold.progress[MAIL, 0]
    progress.take(0, 1_000)
    for offset in reversed(range(1_000)):
        progress.give_back(offset)
    assert list(grants._free([join], Counter({(MAIL, 0, ("a", 1)): 5}), set())) == [
        ((MAIL, 0), [0, 1, 2], (AS_IT_STANDS, 0))
    ]
    assert list(grants._free([join], Counter({(MAIL, 0, ("a", 1)): 8}), set())) == []
