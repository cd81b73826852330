"""Idempotency keys: (tenant, key) names the first message that came with it, for a window of time.

What is kept of a message is its id and a digest of its units. A later submission with the key is admitted again *as
if it had come in the first one's place* (same time, same random octets, both parts of the id): admission depends on
nothing else, so equal submissions give equal digests, also after a restart that read the units back from the log.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from fastemailnet.admission.admit import admit
from fastemailnet.admission.submission import Admission, Limits, Submission
from fastemailnet.admission.whole import DIGEST_OCTETS, whole_of
from fastemailnet.envelope import Unit

WINDOW_MS: Final = 24 * 3_600_000
MAX_KEYS: Final = 100_000  # about 220 octets each


class First(NamedTuple):
    """The message that a key names."""

    message: bytes
    digest: bytes

    @property
    def at_ms(self) -> int:
        """When it was accepted, Unix milliseconds."""
        return int.from_bytes(self.message[:6], "big")

    @classmethod
    def of(cls, units: Sequence[Unit]) -> "First":
        """The message of which these units are all, or some."""
        return cls(units[0].message, whole_of(units))

    @classmethod
    def within(cls, kept: bytes | None, now_ms: int, window_ms: int = WINDOW_MS) -> "First | None":
        """The message of an entry, unless the window has closed behind it."""
        first = cls(kept[:16], kept[16:]) if kept else None
        return first if first and first.at_ms > now_ms - window_ms else None


class Entry(NamedTuple):
    """A key and what is kept of its message, as small as may be."""

    name: bytes  # hash of tenant and key, 16 octets
    kept: bytes  # id and digest of the message, 32 octets

    @property
    def at_ms(self) -> int:
        """When the message was accepted, Unix milliseconds."""
        return int.from_bytes(self.kept[:6], "big")

    @classmethod
    def of(cls, units: Sequence[Unit]) -> "Entry":
        """The entry of a whole message."""
        first = units[0]
        return cls(name_of(first.tenant, first.idempotency_key), b"".join(First.of(units)))


def repeat(submission: Submission, first: First, limits: Limits) -> Admission | None:
    """The admission of ``first`` if this submission is the same; None if it is another one under the same key."""
    again = admit(submission, at_ms=first.at_ms, random80=first.message[6:], limits=limits)
    return again if again.units and whole_of(again.units) == first.digest else None


class Keys:
    """The newest keys, oldest first. Over ``max_keys`` the oldest are forgotten: a gateway has them in a file too."""

    def __init__(self, window_ms: int = WINDOW_MS, max_keys: int = MAX_KEYS) -> None:
        self._window_ms = window_ms
        self._max_keys = max_keys
        self._firsts: dict[bytes, bytes] = {}  # name to what is kept: no object more than needed

    def __len__(self) -> int:
        return len(self._firsts)

    def find(self, tenant: str, key: str, now_ms: int) -> First | None:
        """What the key names, unless the window has closed behind it."""
        return First.within(self._firsts.get(name_of(tenant, key)), now_ms, self._window_ms)

    def remember(self, units: Sequence[Unit]) -> Entry:
        """The message of ``units`` (all of one message) is what its key names from now on."""
        entry = Entry.of(units)
        self._firsts.pop(entry.name, None)  # a key that is used again after its window takes its new place in the order
        self._firsts[entry.name] = entry.kept
        self._forget(units[0].accepted_ms)
        return entry

    def _forget(self, now_ms: int) -> None:
        """Drop up to two of the oldest, so that the table shrinks faster than it grows and no call takes long."""
        for _ in range(2):
            name = next(iter(self._firsts))
            is_old = int.from_bytes(self._firsts[name][:6], "big") <= now_ms - self._window_ms
            if is_old or len(self._firsts) > self._max_keys:
                del self._firsts[name]


def name_of(tenant: str, key: str) -> bytes:
    """A hash that names a tenant's key."""
    return hashlib.sha256(f"{len(tenant)}:{tenant}{key}".encode()).digest()[:DIGEST_OCTETS]
