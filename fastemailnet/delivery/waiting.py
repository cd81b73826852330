"""How long mail would wait for its turn at a site, and whether it waits in the node or in a tier of the log.

A node works on a bounded number of units, so those that wait for a slow site must not fill it up: what would wait long is put off, as
a copy in the longest tier that is over before its turn, and takes no place meanwhile. The shortest tier is for this alone: those that
come out of it together wait here for their turns, and would hold up the retries of others. What is put off was not tried.

    who comes                      waits here if                                           else its turn is
    new                            its wait behind those here, and those whose turn comes   behind all who wait and were put off
                                   within a minute, is short
    again, before its turn         likewise, or if its turn would be as near                where it was, or sooner if one is free
    again, when its turn has come  its wait behind those here is bearable                   behind those here, and those put off so
    transactional mail             that is bearable                                         as above

So a backlog is spread over the tiers at the rate at which the site takes it, whoever comes later has a later turn, and what a site
could take now is never left unused: who finds the door free goes through it without any of this. Where the node may be lent more of
the pace, mail comes back so early that it could use all of it, and then takes the first turn that nobody has. How long a mail takes
is measured, and a busy machine makes it long for every site; so a crowd is put off early only where it is the site's pace that makes
it wait.
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
SPAN_S = 5  # of one count of ``Later``
SOON_S = 60
LONGEST_S = 86_400.0  # what is told of a wait
MOST_SPANS = int(LONGEST_S / SPAN_S) + 2


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
    overdue_s: float = 0.0  # those that were put off when their turn had come
    before_s: float = 0.0  # of who is new, all of them; else those before the first turn that nobody has
    haste: float = (
        1.0  # how much sooner, of these times, its turn would be if this node had the whole of the site's pace
    )


def expected_s(first_s: float, ahead: float, per_s: float) -> float:
    """How long it takes until it is one's turn. ``first_s``: until the first one's, FOREVER_S where that takes until one is done."""
    if per_s <= 0:
        return FOREVER_S
    return (1 / per_s if first_s == FOREVER_S else first_s) + ahead / per_s


def judge(line: Line, turn_s: float | None, delays_s: Sequence[float], *, is_urgent: bool = False) -> PutOff | None:
    """Whether who comes waits here, None, or comes again. ``turn_s``: of who was put off before; ``delays_s``: of the tiers."""
    has_come = turn_s is not None and turn_s <= delays_s[0] / 2
    if has_come or is_urgent:
        return None if line.here_s <= BEARABLE_S else until_turn(line.here_s + line.overdue_s, delays_s, line.haste)
    longest_s = LONG_S
    if line.here >= CROWD:
        longest_s = SHORT_S if line.paced_s > SHORT_S else CROWDED_S
    if line.here_s + min(line.soon_s, line.before_s) <= longest_s:
        return None
    behind_s = line.here_s + line.before_s
    return until_turn(behind_s if turn_s is None else min(turn_s, behind_s), delays_s, line.haste)


def until_turn(turn_s: float, delays_s: Sequence[float], haste: float = 1.0) -> PutOff:
    """For as long as is over before its turn, however much the pace may grow meanwhile."""
    soonest_s = turn_s * haste
    return PutOff(
        max((delay_s for delay_s in delays_s if delay_s <= soonest_s), default=delays_s[0]), min(turn_s, LONGEST_S)
    )


@dataclass(slots=True)
class Later:
    """Those that were put off and have not come again, by when their turn is."""

    turns: Counter[int] = field(default_factory=Counter)
    over: int = 0  # the span behind the last that is over
    total: int = 0

    def put(self, turn_s: float) -> None:
        """One has its turn then, on the caller's clock."""
        self.turns[max(self.over, int(turn_s // SPAN_S))] += 1
        self.total += 1

    def come(self, turn_s: float) -> bool:
        """One whose turn was then is here, and counted no more. Not so where another node put it off, or its turn is over."""
        near = int(turn_s // SPAN_S)
        for span in (near, near - 1, near + 1):  # two clocks told its turn
            if self.turns[span] > 0:
                self.turns[span] -= 1
                self.total -= 1
                return True
        return False

    def count(self, now_s: float) -> int:
        """How many have theirs still before them."""
        first = int(now_s // SPAN_S)
        if first - self.over > len(self.turns):
            for span in [span for span in self.turns if span < first]:
                self.total -= self.turns.pop(span)
        else:
            self.total -= sum(self.turns.pop(span, 0) for span in range(self.over, first))
        self.over = max(self.over, first)
        return self.total

    def soon(self, now_s: float) -> int:
        """Those of them that have it within a minute."""
        first = int(now_s // SPAN_S)
        return sum(self.turns[span] for span in range(first, first + SOON_S // SPAN_S))

    def before_gap(self, first_s: float, per_s: float, enough_s: float) -> int:
        """Those before the first turn that nobody has, if one has it at ``first_s`` and they go at this pace.

        No more than about as many as take ``enough_s``. Behind ``count``, so that it begins with who is next.
        """
        before, enough = 0, min(self.total, enough_s * per_s)
        for span in range(self.over, self.over + MOST_SPANS):
            count = self.turns.get(span, 0)
            if before >= enough or (count and span * SPAN_S >= first_s + (before + 1) / per_s):
                break
            before += count
        return before
