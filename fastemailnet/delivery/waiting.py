"""How long mail would wait for its turn at a site, and whether it waits in the node or in a tier of the log.

A node works on a bounded number of units, so those that wait for a slow site must not fill it up: what would wait long is put off, as
a copy in the longest tier that is over before its turn, and takes no place meanwhile. The shortest tier is for this alone: those that
come out of it together wait here for their turns, and would hold up the retries of others. What is put off was not tried.

    who comes                      waits here if                                           else its turn is
    new                            its wait behind those here, and those whose turn comes   behind all who wait and were put off
                                   within a minute, is short
    again, before its turn         likewise                                                where it was
    again, when its turn has come  its wait behind those here is bearable                   behind those here
    transactional mail             that is bearable                                         as above

So a backlog is spread over the tiers at the rate at which the site takes it, whoever comes later has a later turn, and what a site
could take now is never left unused: who finds the door free goes through it without any of this. How long a mail takes is measured,
and a busy machine makes it long for every site; so a crowd is put off early only where it is the site's pace that makes it wait.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastemailnet.delivery.throttle import FOREVER_S

SHORT_S = 1.0  # of a wait for a site's pace, for which a crowd is put off
CROWDED_S = 5.0  # of any wait, for which a crowd is
LONG_S = 16.0  # of any wait, for which everybody is who is new: not before the shortest tier brings somebody back
BEARABLE_S = 20.0  # whose turn it is, and transactional mail, for more than this
PATIENCE_S = 60.0  # whoever waits here for so long is put off after all: a limit or a part of it has become less
CROWD = 48  # who wait here, of one lane
SPAN_S = 60  # of one count of ``Later``; what is "soon"
LONGEST_S = 86_400.0  # what is told of a wait


@dataclass(frozen=True, slots=True)
class PutOff:
    """What becomes of who is put off: the tier's delay, and its turn from now."""

    delay_s: float
    turn_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """What stands before somebody at a door. Seconds, but the first."""

    here: int  # who wait here, of its lane
    here_s: float  # how long they take
    paced_s: float  # of that, by the site's pace alone
    soon_s: float  # and those of its lane that were put off until within a minute
    all_s: float  # and all of them


def expected_s(first_s: float, ahead: float, per_s: float) -> float:
    """How long it takes until it is one's turn. ``first_s``: until the first one's, FOREVER_S where that takes until one is done."""
    if per_s <= 0:
        return FOREVER_S
    return (1 / per_s if first_s == FOREVER_S else first_s) + ahead / per_s


def judge(line: Line, turn_s: float | None, delays_s: Sequence[float], *, is_urgent: bool = False) -> PutOff | None:
    """Whether who comes waits here, None, or comes again. ``turn_s``: of who was put off before; ``delays_s``: of the tiers."""
    has_come = turn_s is not None and turn_s <= delays_s[0] / 2
    if has_come or is_urgent:
        return None if line.here_s <= BEARABLE_S else until_turn(line.here_s, delays_s)
    longest_s = LONG_S
    if line.here >= CROWD:
        longest_s = SHORT_S if line.paced_s > SHORT_S else CROWDED_S
    if line.here_s + line.soon_s <= longest_s:
        return None
    return until_turn(line.here_s + line.all_s if turn_s is None else turn_s, delays_s)


def until_turn(turn_s: float, delays_s: Sequence[float]) -> PutOff:
    """For as long as is over before its turn."""
    return PutOff(
        max((delay_s for delay_s in delays_s if delay_s <= turn_s), default=delays_s[0]), min(turn_s, LONGEST_S)
    )


@dataclass(slots=True)
class Later:
    """Those that were put off, by when their turn is."""

    turns: Counter[int] = field(default_factory=Counter)

    def put(self, turn_s: float) -> None:
        """One has its turn then, on the caller's clock."""
        self.turns[int(turn_s // SPAN_S)] += 1

    def count(self, now_s: float) -> int:
        """How many have theirs still before them."""
        for span in [span for span in self.turns if span < now_s // SPAN_S]:
            del self.turns[span]
        return self.turns.total()

    def soon(self, now_s: float) -> int:
        """Those of them that have it within this minute."""
        return self.turns[int(now_s // SPAN_S)]
