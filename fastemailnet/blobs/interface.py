"""What a store of bodies gives, and the rules around it.

    put (durable) ▸ append the unit that refers to it ▸ … ▸ get, compare with the reference ▸ send
    sweep: the days whose mail has all expired

An object is written before the record that names it, so a record never names nothing; a crash between the two leaves an object that
nobody names, and its day takes it away. Its name is the message's id under the last day on which it may be sent, so one message has one
object, whatever it is written for, and to write it again changes nothing. No unit is sent after its expiry (I17): a day that is over,
and a margin for people who decide late, is needed by nobody, whatever the settings were and are. What a person releases from
quarantine begins its term anew, so its body is put out once more, under a later day.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from fastemailnet import ids
from fastemailnet.admission.submission import AGE_MS
from fastemailnet.envelope import LAST_MS, Blob, Unit
from fastemailnet.errors import BlobAltered

MARGIN: Final = timedelta(days=2)
_DAY: Final = "%Y-%m-%d"


class Blobs(Protocol):
    """A store. The calls block and may be made from any thread."""

    def put(self, key: str, octets: bytes) -> None:
        """Keep octets, durably when this returns. What has this key already is replaced by the same.

        Raises:
            BlobError: not kept, or nobody knows.
        """

    def get(self, key: str) -> bytes:
        """The octets.

        Raises:
            BlobMissing: the store has none under this key.
            BlobError: it cannot be asked now.
        """

    def sweep(self, now_ms: int) -> int:
        """Delete the days that nobody needs any more; how many.

        Raises:
            BlobError: not all could be deleted.
        """

    def check(self) -> None:
        """Raises BlobError where the store cannot be used at all."""


def refer(unit: Unit, at_ms: int | None = None) -> Blob:
    """The reference to the body of a unit, which it carries itself so far. ``at_ms``: when it began to live, if not at acceptance.

    What is given up sooner than usual is kept as long as usual: a doubt, or what is held, waits for a person beyond its expiry.
    """
    begun_ms = unit.accepted_ms if at_ms is None else at_ms
    needed_ms = min(max(unit.expires_ms, begun_ms + AGE_MS), LAST_MS)
    day = datetime.fromtimestamp(needed_ms / 1_000, UTC).strftime(_DAY)
    return Blob(f"{day}/{ids.to_text(unit.message)}", len(unit.body), hashlib.sha256(unit.body).digest())


def verified(blob: Blob, octets: bytes) -> bytes:
    """The octets, if they are the ones that the reference means.

    Raises:
        BlobAltered: they are others.
    """
    if len(octets) != blob.octets or hashlib.sha256(octets).digest() != blob.sha256:
        raise BlobAltered(blob.key, len(octets), blob.octets)
    return octets


def is_past(day: str, now_ms: int) -> bool:
    """Whether nobody needs the objects of a day any more. What is not named as a day is left alone."""
    try:
        ended = datetime.strptime(day, _DAY).replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        return False
    return datetime.fromtimestamp(now_ms / 1_000, UTC) > ended + MARGIN
