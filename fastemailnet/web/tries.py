"""When a client tries a call again. One schedule, which the synchronous and the asynchronous client follow; it neither sleeps nor asks.

the error is not retriable                            it is the answer
it was the ``TRIES``-th try                           likewise
the gateway says: not before more than LONGEST_S      likewise: the caller has better to do than to wait here
it says: not before so long                           so long
else                                                  FIRST_PAUSE_S, and twice as long each time
"""

from collections.abc import Iterable
from typing import Final

from fastemailnet.errors import FastEmailNetError

TRIES: Final = 6
FIRST_PAUSE_S: Final = 0.1
LONGEST_S: Final = 10  # of what the gateway asks for


class Tries:
    """Those of one call."""

    def __init__(self) -> None:
        self.made = 0

    def pause_s(self, *errors: FastEmailNetError) -> float | None:
        """How long to wait after a try that ended so before the next one; None: there is none. ``errors``: of the mails of a batch."""
        self.made += 1
        soonest_s = min((error.retry_after_s for error in errors if error.retriable), default=None)
        if soonest_s is None or soonest_s > LONGEST_S or self.made >= TRIES:
            return None
        by_itself_s = FIRST_PAUSE_S * float(2 ** (self.made - 1))
        return by_itself_s if soonest_s == FastEmailNetError.retry_after_s else max(by_itself_s, float(soonest_s))


def failed(results: Iterable[object]) -> list[FastEmailNetError]:
    """The errors among the results of a batch."""
    return [result for result in results if isinstance(result, FastEmailNetError)]
