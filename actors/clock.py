"""The two clocks of a process: the wall for facts that people read, the monotonic one for deadlines.

A deadline must pass while the machine is suspended, too, since others have gone on meanwhile: so it is the clock since boot, where
there is one.
"""

import time

from fastemailnet.net.clock import SINCE_BOOT


def wall_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Milliseconds of this machine's monotonic clock, suspended or not."""
    return time.clock_gettime_ns(SINCE_BOOT) // 1_000_000
