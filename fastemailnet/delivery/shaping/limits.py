"""Rates, durations and limits as KumoMTA writes them, and the effective limits of one site.

    rate       "100/min"  "10,000/h"  "5/2m"  "500/d,max_burst=1"  "local:10/s"
    duration   "90m"  "30 days"  "1h 30m"  or a number of seconds
    limit      32  "1_000"  "local:10"

``local:`` says that each of KumoMTA's nodes counts for itself. Here a limit is the fleet's in any case, which is never more.
"""

import re
from dataclasses import dataclass

from fastemailnet.delivery.route import TlsPolicy

LOCAL = "local:"
MAX_NUMBER = 2**53
PERIODS = {
    **dict.fromkeys(("s", "sec", "second"), 1),
    **dict.fromkeys(("m", "min", "minute"), 60),
    **dict.fromkeys(("h", "hr", "hour"), 3_600),
    **dict.fromkeys(("d", "day"), 86_400),
}
UNITS = {  # humantime's
    **dict.fromkeys(("ns", "nsec"), 1e-9),
    **dict.fromkeys(("us", "usec"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 604_800.0),
    **dict.fromkeys(("M", "month", "months"), 2_630_016.0),  # 30.44 days
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 31_557_600.0),  # 365.25 days
}
ABOUT_ONE = 0.995  # of a message: shown as 1
MANY = 100  # from here on messages are counted whole
_PERIOD = re.compile(r"(\d*)([a-z]+)", re.ASCII)
_PART = re.compile(r"\s*(\d+)\s*([a-zA-Z]+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so long. ``max_burst``: how many of them at once; 0: all of them."""

    count: int
    period_s: float
    max_burst: int = 0

    @property
    def per_s(self) -> float:
        """How many in a second."""
        return self.count / self.period_s

    @property
    def burst(self) -> int:
        """How many may come at once."""
        return self.max_burst or self.count


@dataclass(frozen=True, slots=True)
class Shape:
    """The effective limits of one site. None: none. The ``provider_`` ones are shared by all sites of the provider."""

    connection_limit: int = 32
    max_deliveries_per_connection: int = 100
    max_connection_rate: Rate | None = None
    max_message_rate: Rate | None = None
    provider_connection_limit: int | None = None
    provider_max_connection_rate: Rate | None = None
    provider_max_message_rate: Rate | None = None
    idle_timeout_s: float | None = None  # None: as the settings say
    tls: TlsPolicy | None = None  # None: as the route says


def tls_for(of_route: TlsPolicy, shape: Shape) -> TlsPolicy:
    """What is asked of STARTTLS: the shape's word, but no less than a route that demands encryption."""
    if shape.tls is None:
        return of_route
    floor = of_route if of_route in (TlsPolicy.ENCRYPT, TlsPolicy.REQUIRED) else TlsPolicy.NONE
    return max(floor, shape.tls, key=list(TlsPolicy).index)


def parse_rate(text: str) -> Rate:
    """The rate that a text means.

    Raises:
        ValueError: it is none; the text says what is allowed.
    """
    rest, comma, burst = text.removeprefix(LOCAL).partition(",max_burst=")
    count, slash, period = rest.partition("/")
    found = _PERIOD.fullmatch(period)
    if not slash or found is None or found[2] not in PERIODS:
        raise ValueError('must be a rate such as "100/min": a number, "/", and s, m, h or d')
    period_s = int(found[1] or 1) * PERIODS[found[2]]
    if not 0 < period_s < MAX_NUMBER:
        raise ValueError("must be a rate over more than no time")
    return Rate(parse_limit(count), float(period_s), parse_limit(burst) if comma else 0)


def parse_limit(given: str | int) -> int:
    """The number that a limit means; at least 1.

    Raises:
        ValueError: it is none.
    """
    digits = str(given).removeprefix(LOCAL).replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdecimal() and 0 < int(digits) < MAX_NUMBER):
        raise ValueError("must be a number of at least 1")
    return int(digits)


def parse_duration(given: str | float) -> float:
    """Seconds. A number is a number of seconds already.

    Raises:
        ValueError: it is no duration.
    """
    wrong = ValueError('must be a duration such as "90m", "2 hours" or "1h 30m", or a number of seconds')
    if not isinstance(given, str):
        if not 0 <= given < MAX_NUMBER:
            raise wrong
        return float(given)
    if given == "0":
        return 0.0
    at, total_s = 0, 0.0
    while at < len(given):
        part = _PART.match(given, at)
        if part is None or part[2] not in UNITS:
            raise wrong
        total_s += int(part[1]) * UNITS[part[2]]
        at = part.end()
    if not given.strip() or total_s >= MAX_NUMBER:
        raise wrong
    return total_s


def render_rate(rate: Rate) -> str:
    """A rate as ``parse_rate`` reads it."""
    period_s = int(rate.period_s)
    unit, size_s = next(pair for pair in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)) if period_s % pair[1] == 0)
    period = unit if period_s == size_s else f"{period_s // size_s}{unit}"
    return f"{rate.count}/{period}" + (f",max_burst={rate.max_burst}" if rate.max_burst else "")


def pace_in_words(per_s: float) -> str:
    """Messages over the shortest time in which at least one goes, as a person counts them: 0.00833 a second are 30 an hour."""
    times = (("a second", 1), ("a minute", 60), ("an hour", 3_600), ("a day", 86_400))
    many, over = next(
        ((per_s * size_s, over) for over, size_s in times if per_s * size_s >= ABOUT_ONE), (per_s * 86_400, "a day")
    )
    count = f"{many:.0f}" if many >= MANY else f"{many:.3g}"
    return f"{count} message{'' if count == '1' else 's'} {over}"


def render_duration(seconds: float) -> str:
    """A duration as ``parse_duration`` reads it, in whole milliseconds."""
    left_ms = round(seconds * 1_000)
    parts = []
    for unit, size_ms in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, left_ms = divmod(left_ms, size_ms)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def render(value: object) -> str:
    """A value for people: as a file would have it."""
    match value:
        case Rate():
            return render_rate(value)
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case TlsPolicy():
            return value.value
        case float():
            return render_duration(value)  # no other value is one
        case _:
            return str(value)
