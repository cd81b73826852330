"""The whole exception tree. Delivery results are never exceptions; mistakes and refusals are.

Each class says two things about itself, so that a caller need not guess:

* ``retriable``: the same call may succeed later without any change;
* ``definite``: the call certainly had no effect. An indefinite error covers "it may have happened".

Constructors are positional and keep their arguments in ``args``, so that every error pickles through Ray.
"""

import re
from typing import ClassVar

_NUMBER = re.compile(r"\[Errno -?\d+\] ")


class FastEmailNetError(Exception):
    """Root of the tree."""

    retriable: ClassVar[bool] = False
    definite: ClassVar[bool] = True
    retry_after_s = 1  # of one that is retriable: after which trying again may help


class ConfigError(FastEmailNetError):
    """A setting is unknown or has a value that is not allowed."""

    def __init__(self, key: str, value: str, allowed: str, nearest: str = "") -> None:
        super().__init__(key, value, allowed, nearest)
        self.key, self.value, self.allowed, self.nearest = key, value, allowed, nearest

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"setting {self.key!r} = {self.value}: {self.allowed}{hint}"


class MessageError(FastEmailNetError):
    """A submitted message breaks a rule: what, where in it, and which limit."""

    def __init__(self, what: str, where: str, limit: str = "") -> None:
        super().__init__(what, where, limit)
        self.what, self.where, self.limit = what, where, limit

    def __str__(self) -> str:
        return f"{self.what} at {self.where}" + (f" (limit: {self.limit})" if self.limit else "")


class AddressError(MessageError):
    """A reverse-path or recipient is not an address that SMTP can carry (RFC 5321 section 4.1.2, RFC 6531)."""


class IdempotencyConflict(FastEmailNetError):
    """The same idempotency key came again with another message."""

    def __init__(self, key: str, first_message: str) -> None:
        super().__init__(key, first_message)

    def __str__(self) -> str:
        return f"idempotency key {self.args[0]!r} already names message {self.args[1]} with other content"


class LimitExceeded(FastEmailNetError):
    """A bounded queue or backlog is full; nothing was accepted."""

    retriable = True

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(what, size, limit)

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]} is over the limit of {self.args[2]}; try again later"


class ConnectionsExceeded(FastEmailNetError):
    """A client has opened as many connections as it may; this one is closed."""

    retriable = True

    def __init__(self, client: str, most: str, setting: str, retry_after_s: int) -> None:
        super().__init__(client, most, setting, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        client, most, setting, seconds = self.args
        return f"too many connections from {client}: {most} are the limit ({setting}); try again in {seconds} s"


class QuotaExceeded(FastEmailNetError):
    """A tenant has handed in as much as it may for now; nothing was accepted."""

    retriable = True


class RateExceeded(QuotaExceeded):
    """It has done so at its rate (``rate`` in the file of tenants)."""

    def __init__(self, tenant: str, rate: str, retry_after_s: int) -> None:
        super().__init__(tenant, rate, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        tenant, rate, seconds = self.args
        return f"tenant {tenant!r} may hand in {rate} recipients, and has; try again in {seconds} s"


class DailyExceeded(QuotaExceeded):
    """It has done so for today (``daily``); the day ends at midnight UTC."""

    def __init__(self, tenant: str, daily: int, used: int, recipients: int, retry_after_s: int) -> None:
        super().__init__(tenant, daily, used, recipients, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        tenant, daily, used, recipients, seconds = self.args
        said = f"tenant {tenant!r} may hand in {daily} recipients a day (UTC), had {used} and wants {recipients} more"
        return f"{said}; try again in {seconds} s"


class IllegalTransition(FastEmailNetError):
    """A life cycle or session was asked for a step that its table does not have. Nothing changed."""

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(machine, state, event)

    def __str__(self) -> str:
        return f"{self.args[0]}: no transition from {self.args[1]!r} on {self.args[2]!r}"


class LogError(FastEmailNetError):
    """The durable log cannot be read or written."""

    retriable = True


class LogAppendUnknown(LogError):
    """An append failed after it was sent: the records may or may not be in the log."""

    definite = False


class LogCorrupt(LogError):
    """A stored record or frame does not decode."""

    retriable = False


class BlobError(FastEmailNetError):
    """A body that does not stand in the log cannot be kept or read now."""

    retriable = True


class BlobMissing(BlobError):
    """The store of bodies has none under this key. It may be the wrong store, or one that is not mounted: no reason to give up."""

    def __init__(self, key: str, store: str) -> None:
        super().__init__(key, store)

    def __str__(self) -> str:
        return f"the body {self.args[0]} is not in {self.args[1]}"


class BlobAltered(BlobError):
    """A stored body is not the one that was accepted. It must not be sent."""

    retriable = False

    def __init__(self, key: str, octets: int, expected_octets: int) -> None:
        super().__init__(key, octets, expected_octets)

    def __str__(self) -> str:
        key, octets, expected = self.args
        size = f"it has {octets} octets instead of {expected}" if octets != expected else "its SHA-256 is another"
        return f"the body {key} was altered: {size}"


class LedgerError(FastEmailNetError):
    """The ledger refuses to go on."""


class LedgerCorrupt(LedgerError):
    """Signed ledger data is missing or altered on disk. Restore from a mirror; never re-sequence."""


class LedgerConflict(LedgerError):
    """Another ledger writer moved the locked checkpoint; this one must stop and never sign again."""


class ProofError(LedgerError):
    """A receipt, proof or signature does not verify. The text names the step that failed."""


class NotFound(FastEmailNetError):
    """No such message, delivery or receipt."""


class FleetError(FastEmailNetError):
    """The fleet cannot be reached, started or stopped."""

    retriable = True


class RelayDenied(FastEmailNetError):
    """The peer may not submit or ask: its address is in none of ``gateway.relay_networks``."""


class KeyRefused(FastEmailNetError):
    """The key that a request or session gives is no tenant's, or is not one any more."""


class LogInsBarred(FastEmailNetError):
    """Too many log-ins from one address have failed; until then none from there is looked at."""

    retriable = True

    def __init__(self, peer: str, most: int, retry_after_s: int) -> None:
        super().__init__(peer, most, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        peer, most, seconds = self.args
        said = (
            f"too many log-ins from {peer} were refused, {most} in ten minutes are the limit (gateway.login_failures)"
        )
        return f"{said}; try again in {seconds} s"


class SenderDenied(FastEmailNetError):
    """A tenant's mail names a sender of a domain that is none of the tenant's."""

    def __init__(self, address: str, where: str, tenant: str, allowed: str) -> None:
        super().__init__(address, where, tenant, allowed)

    def __str__(self) -> str:
        address, where, tenant, allowed = self.args
        return f"{where} <{address}> is of none of the sender_domains of tenant {tenant!r}: {allowed}"


def in_words(error: Exception) -> str:
    """What an error says to a person: of one of the system the file and what is wrong with it, and no ``[Errno 2]``."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return _NUMBER.sub("", str(error))
