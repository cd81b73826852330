"""Whose key it is, over HTTP and SMTP alike; clients that fail too often are not listened to for a while, whatever they say."""

from collections.abc import Callable
from math import ceil

from actors.clock import monotonic_ms
from fastemailnet.admission.failures import Failures
from fastemailnet.admission.tenants import Tenant, Tenants
from fastemailnet.errors import LogInsBarred


class LogIns:
    """The log-ins of one gateway."""

    def __init__(self, tenants: Callable[[], Tenants], most_failures: int, spare: Callable[[str], bool]) -> None:
        """``spare``: whether an address is never barred. Peers of the relay networks need no key, so they gain nothing by guessing."""
        self._tenants, self._spare = tenants, spare
        self._failures = Failures(most_failures)

    def tenant(self, key: str, peer: str, name: str | None = None) -> Tenant | None:
        """The tenant that has this key, and this name if one is given; None where nobody has.

        Raises:
            LogInsBarred: the peer has failed too often; the key was not looked at.
        """
        is_spared, now_s = self._spare(peer), monotonic_ms() / 1_000
        if not is_spared and (wait_s := self._failures.wait_s(peer, now_s)) > 0:
            raise LogInsBarred(peer, ceil(wait_s))
        tenant = self._tenants().of_key(key)
        if tenant is not None and name in (None, tenant.name):
            return tenant
        if not is_spared:
            self._failures.add(peer, now_s)
        return None
