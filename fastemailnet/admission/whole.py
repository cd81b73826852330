"""A digest of all units of a message: it tells two messages apart, and a part of one from the whole.

A message for several destinations is several records. A log may have taken some of them when its writer went away, and who reads them
sees no end: so each says of which whole it is one, if anybody may ask for the rest, which only a key allows.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from fastemailnet.envelope import Unit

DIGEST_OCTETS: Final = 16


def digest(units: Sequence[Unit]) -> bytes:
    """16 octets that two messages share only if content, envelope and lane are the same. ``units``: of one message."""
    first = units[0]
    recipients = sorted((recipient.index, recipient.address) for unit in units for recipient in unit.recipients)
    envelope = repr((first.reverse_path, first.lane.value, recipients))
    return hashlib.sha256(envelope.encode() + b"\0" + first.body_sha256).digest()[:DIGEST_OCTETS]


def named(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units of a whole message, each of which says so where it is not all of it, and a key names it."""
    if len(units) < 2 or not units[0].idempotency_key:
        return tuple(units)
    whole = digest(units)
    return tuple(msgspec.structs.replace(unit, whole=whole) for unit in units)


def whole_of(units: Sequence[Unit]) -> bytes:
    """The digest of the whole message of which these are all, or some."""
    return units[0].whole or digest(units)


def is_whole(units: Sequence[Unit]) -> bool:
    """Whether these are all units of their message. Those of builds that named no whole are taken for all."""
    return not units[0].whole or units[0].whole == digest(units)
