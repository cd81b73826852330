"""Whose key it is, over HTTP and SMTP alike; clients that fail too often are not listened to for a while, whatever they say.

But for the keys that were right from there before: many share an address, and one program with an old key, or one neighbour who means
harm, would else stop the mail of all of them for as long as it goes on.
"""

from collections.abc import Callable
from math import ceil

from actors.clock import monotonic_ms
from fastemailnet.admission.failures import Failures
from fastemailnet.admission.tenants import Tenant, Tenants, digest_of
from fastemailnet.errors import LogInsBarred


class LogIns:
    """The log-ins of one gateway."""

    def __init__(self, tenants: Callable[[], Tenants], most_failures: int, spare: Callable[[str], bool]) -> None:
        """``spare``: whether an address is never barred. Peers of the relay networks need no key, so they gain nothing by guessing."""
        self._tenants, self._spare = tenants, spare
        self._failures, self._most = Failures(most_failures), most_failures

    def tenant(self, key: str, peer: str, name: str | None = None) -> Tenant | None:
        """The tenant that has this key, and this name if one is given; None where nobody has.

        Raises:
            LogInsBarred: the peer has failed too often, and this key was never right from there.
        """
        tenant = self._tenants().of_key(key)
        is_right = tenant is not None and name in (None, tenant.name)
        if self._spare(peer):
            return tenant if is_right else None
        now_s = monotonic_ms() / 1_000
        wait_s = self._failures.wait_s(peer, now_s)
        if is_right and (wait_s <= 0 or self._failures.knows(peer, digest_of(key))):
            self._failures.know(peer, digest_of(key))
            return tenant
        if wait_s > 0:
            raise LogInsBarred(peer, self._most, ceil(wait_s))
        self._failures.add(peer, now_s)
        return None
