"""A report is handed in once, wherever the ledger process dies."""

from itertools import product

import pytest

from actors.postmaster import FIRST_MARK, Postmaster
from fastemailnet.envelope import Lane, Recipient, Unit, decode_unit, encode_unit
from fastemailnet.log.memory import MemoryLog


def report(number: int, lane: Lane = Lane.STANDARD) -> bytes:
    to = (Recipient("a@b.org", 0),)
    return encode_unit(Unit(bytes([number]) * 16, lane, "t", 1, 2, "", to, "b.org", False, b"x\r\n"))


def mail(number: int) -> bytes:
    to = (Recipient("a@b.org", 0),)
    return encode_unit(Unit(bytes([number]) * 16, Lane.STANDARD, "t", 1, 2, "s@c.org", to, "b.org", False, b"x\r\n"))


class Ledger:
    """What the ledger process does with the batches of a journal, and where it may die: before, between, behind."""

    def __init__(self, log: MemoryLog, batches: list[list[bytes]]) -> None:
        self.log, self.batches = log, batches
        self.kept: dict[int, int] = {}

    def run(self, deaths: list[str]) -> None:
        """One process after the other; each dies as it is told, the last one lives."""
        for death in [*deaths, "never"]:
            postmaster = Postmaster(self.log)
            postmaster.recover(self.kept)
            for number in range(self.kept.get(0, 0), len(self.batches)):
                self.log.append("mail.standard", 0, [mail(200)])  # others write there, too
                if death == "before":
                    break
                postmaster.post(self.batches[number])
                marks = postmaster.marks()
                if death == "between":
                    break
                self.kept = {0: number + 1, **marks}
                if death == "behind":
                    break

    def handed_in(self) -> list[int]:
        units = [decode_unit(record) for lane in Lane for _, record in self.log.fetch(lane.stream, 0, 0, 10_000)]
        return sorted(unit.message[0] for unit in units if not unit.reverse_path)


@pytest.mark.parametrize("deaths", list(product(["before", "between", "behind"], repeat=3)))
def test_no_death_loses_a_report_or_hands_it_in_twice(deaths: tuple[str, ...]) -> None:
    log = MemoryLog()
    batches = [[report(1)], [], [report(2), report(3, Lane.TRANSACTIONAL)], [report(4)]]
    ledger = Ledger(log, batches)
    ledger.run(list(deaths))
    assert ledger.handed_in() == [1, 2, 3, 4]


def test_a_process_that_dies_within_a_batch_goes_on_within_it() -> None:
    log = MemoryLog()
    Postmaster(log).post([report(1)])  # and dies before the second
    again = Postmaster(log)
    again.recover({})
    again.post([report(1), report(2)])
    assert log.end("mail.standard", 0) == 2


def test_marks_spare_the_look_at_everything_before_them() -> None:
    log = MemoryLog()
    Postmaster(log).post([report(1)])
    later = Postmaster(log)
    later.recover(Postmaster(log).marks())
    assert later.handed_in == set()
    assert set(Postmaster(log).marks()) == {FIRST_MARK, FIRST_MARK + 1}
