"""How much mail of a tenant is taken: so many recipients at a rate, and so many in a day (UTC).

    submission ▸ admitted ▸ its key is not known ▸ *taken here, or refused* ▸ appended (durable) ▸ answered

What is refused was not accepted, and what repeats an accepted submission is answered without being counted again: a sender whose
answer was lost must hear it, however much it has sent. Where the append certainly failed, what was taken is given back.

A recipient is the unit, since it is what costs: a message for a thousand is a thousand. At the rate a message passes where one
recipient might, and then as many as it has must fit before the next (the generic cell rate algorithm with a weight): so a message is
never too large for a rate, and in t seconds at most burst + rate × t recipients pass, but for the last message's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from fastemailnet.errors import DailyExceeded, MessageError, RateExceeded

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Quota:
    """Of one tenant. Recipients; 0: without limit."""

    per_s: float = 0.0
    burst: int = 1  # that may come at once after a pause
    rate: str = ""  # the rate in the words of the file
    daily: int = 0


class Uses:
    """What was taken of each tenant's quota: since when the rate would be met, and how many recipients today."""

    def __init__(self, day: int = 0, used: Mapping[str, int] | None = None) -> None:
        """``day``: of ``used``, since 1970 (UTC)."""
        self.day = day
        self.used = dict(used or {})
        self._even: dict[str, tuple[float, float]] = {}  # when the next would be due if all came evenly, at this rate

    def wait_s(self, tenant: str, quota: Quota, now_s: float) -> float:
        """How long until the rate lets one through. ``now_s``: of a clock that never goes back."""
        if not quota.per_s:
            return 0.0
        return max(0.0, self._even_s(tenant, quota, now_s) - (max(quota.burst, 1) - 1) / quota.per_s - now_s)

    def refuse_now(self, tenant: str, quota: Quota, now_s: float) -> None:
        """Raise RateExceeded where no message of the tenant may come now; nothing is taken."""
        if (wait_s := self.wait_s(tenant, quota, now_s)) > 0:
            raise RateExceeded(tenant, quota.rate, ceil(wait_s))

    def take(self, tenant: str, quota: Quota, recipients: int, at_ms: int, now_s: float) -> None:
        """Count a message that is about to be appended.

        Raises:
            RateExceeded: the rate does not let it through now.
            DailyExceeded: not today.
            MessageError: not on any day.
        """
        self._begin_day(at_ms // DAY_MS)
        if quota.daily and recipients > quota.daily:
            raise MessageError(f"{recipients} recipients", "envelope", f"{quota.daily} a day of tenant {tenant!r}")
        self.refuse_now(tenant, quota, now_s)
        used = self.used.get(tenant, 0)
        if quota.daily and used + recipients > quota.daily:
            raise DailyExceeded(tenant, quota.daily, used, recipients, ceil(((self.day + 1) * DAY_MS - at_ms) / 1_000))
        self.used[tenant] = used + recipients
        if quota.per_s:
            even_s = max(self._even_s(tenant, quota, now_s), now_s)
            self._even[tenant] = even_s + recipients / quota.per_s, quota.per_s

    def give_back(self, tenant: str, quota: Quota, recipients: int, day: int) -> None:
        """The message was not appended. ``day``: on which it was taken."""
        if day == self.day:
            self.used[tenant] = max(0, self.used.get(tenant, 0) - recipients)
        if quota.per_s and tenant in self._even:
            even_s, per_s = self._even[tenant]
            self._even[tenant] = even_s - recipients / per_s, per_s

    def _even_s(self, tenant: str, quota: Quota, now_s: float) -> float:
        """By the rate of now: who was given a higher one need not wait for what it took at the lower."""
        even_s, per_s = self._even.get(tenant, (now_s, quota.per_s))
        if per_s != quota.per_s:
            even_s = now_s + max(0.0, even_s - now_s) * per_s / quota.per_s
            self._even[tenant] = even_s, quota.per_s
        return even_s

    def _begin_day(self, day: int) -> None:
        # A clock that goes back over midnight begins no day anew. One that goes back further was wrong before, and nobody is to
        # wait for the day that it showed.
        if day > self.day or day < self.day - 1:
            self.day, self.used = day, {}
