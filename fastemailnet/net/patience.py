"""Until when a client is waited for: a time for what it is to say next, and more for every octet of it, at a pace that each client has.

So who sends an octet now and then holds nothing for ever, and who sends much may take long. Never more than the whole time is left,
so nobody saves it up. (As smtpd_per_request_deadline and smtpd_min_data_rate of Postfix.)
"""

from typing import Final

MIN_OCTETS_PER_S: Final = 500


class Patience:
    """With one client. Times are seconds of a clock that never goes back."""

    def __init__(self, whole_s: float, now_s: float) -> None:
        self._whole_s = whole_s
        self.until_s = now_s + whole_s

    def renew(self, now_s: float) -> None:
        """It has said something whole."""
        self.until_s = now_s + self._whole_s

    def hear(self, octets: int, now_s: float) -> None:
        """Octets have come that are part of it."""
        self.until_s = min(now_s + self._whole_s, self.until_s + octets / MIN_OCTETS_PER_S)
