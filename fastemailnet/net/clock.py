"""The clock since boot, by which what is lent ends: it goes on while the machine, or the turn of a loop, stands still.

The loop's own time does not (asyncio's stops with the machine, uvloop's is looked at once a turn); others have gone on meanwhile.
"""

import time
from typing import Final

SINCE_BOOT: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot_s() -> float:
    """Seconds."""
    return time.clock_gettime(SINCE_BOOT)
