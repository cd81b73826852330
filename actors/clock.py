"""The two clocks of a process: the wall for facts that people read, the monotonic one for deadlines.

A deadline must pass while the machine is suspended, too, for others have gone on: so it is the clock since boot, where there is one.
"""

import time

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def wall_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Milliseconds of this machine's monotonic clock, suspended or not."""
    return time.clock_gettime_ns(_SINCE_BOOT) // 1_000_000
