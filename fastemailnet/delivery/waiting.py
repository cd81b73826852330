"""How long mail would wait for its turn at a site, and whether it waits in the node or in a tier of the log.

A node works on a bounded number of units, so those that wait for a slow site must not fill it up: what would wait long is put off, as
a copy in the tier nearest to its turn, and takes no place meanwhile. What is put off was not tried. The estimate counts those who
wait here already and those who were put off before and are to come again, so that a backlog is spread over the tiers as the site
will take it, and a unit is put off once or twice and not every minute.
"""

from collections import Counter
from dataclasses import dataclass, field

from fastemailnet.delivery.throttle import FOREVER_S

SHORT_S = 1.0  # nobody is put off for less
LONG_S = 5.0  # everybody is for more
CROWD = 48  # who wait here, from which on those that wait longer than SHORT_S are put off
SPAN_S = 60  # of one count of ``Later``


def expected_s(first_s: float, ahead: float, per_s: float) -> float:
    """How long it takes until it is one's turn. ``first_s``: until the first one's, FOREVER_S where that takes until one is done."""
    if per_s <= 0:
        return FOREVER_S
    return (1 / per_s if first_s == FOREVER_S else first_s) + ahead / per_s


def is_put_off(wait_s: float, here: int) -> bool:
    """Whether one who would wait so long, behind so many who wait here, is to come again later."""
    return wait_s > LONG_S or (here >= CROWD and wait_s > SHORT_S)


@dataclass(slots=True)
class Later:
    """Those that were put off, by when they come again."""

    due: Counter[int] = field(default_factory=Counter)

    def put(self, due_s: float) -> None:
        """One comes again then."""
        self.due[int(due_s // SPAN_S)] += 1

    def count(self, now_s: float) -> int:
        """How many are still to come."""
        for span in [span for span in self.due if span < now_s // SPAN_S]:
            del self.due[span]
        return self.due.total()
