"""From a foreign producer's record to the accepted unit (for producers: docs/kafka.md).

Nobody answers such a producer, and nobody writes the record a second time: whoever reads it (node, auditor, offline check) makes
the unit of it anew and must make the same one, today and after a restart with other settings. So the unit depends on the record
and its place alone:

* the message id is the record's time and a hash of its place;
* the limits are those of the format, not the operator's, who limits producers at the broker;
* the Message-ID that is added where there is none carries the sender's domain.

The unit has all recipients. Where they are of several destinations it has no domain, and the node that takes it splits it (see
``delivery.split``).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import msgspec

from fastemailnet import ids
from fastemailnet.admission.address_list import addresses_of_record
from fastemailnet.admission.admit import admit
from fastemailnet.admission.headers import envelope
from fastemailnet.admission.submission import DEFAULT_TENANT, MAX_KEY_CHARACTERS, Limits, Submission
from fastemailnet.envelope import LANES, LAST_MS, SEVERAL, Lane, Position, Unit, is_ordered
from fastemailnet.errors import MessageError
from fastemailnet.message.address import a_label
from fastemailnet.message.prepare import crlf
from fastemailnet.message.validate import check
from fastemailnet.native import Native

MAX_ID_MS: Final = (1 << 48) - 1  # a message id has room for no later time
OURS: Final = "fen-"  # how the names of envelope headers begin; one that is none of these is refused
FROM, TO, TENANT, EXPIRES = "fen-from", "fen-to", "fen-tenant", "fen-expires"
NAMES: Final = (FROM, TO, TENANT, EXPIRES)
MAX_HEADER_OCTETS: Final = 100_000  # of all envelope headers together
LIMITS: Final = Limits()
Headers = dict[str, list[str]]


def unit_of_native(native: Native, place: Position) -> Unit | tuple[MessageError, ...]:
    """The unit in a record at ``place`` of a mail stream, or what is wrong with it."""
    try:
        at_ms = _time(native.timestamp_ms)
        headers = _headers(native.headers)
        message = crlf(native.value)
        problems = check(message, limits=LIMITS.of_message())  # before its fields are read by a grammar
        return problems or _unit(message, headers, at_ms, place)
    except MessageError as problem:
        return (problem,)


def message_of_record(timestamp_ms: int, place: Position) -> bytes:
    """The 16-octet message id of a record, malformed or not."""
    return ids.of_record(timestamp_ms if 0 < timestamp_ms <= MAX_ID_MS else 0, str(place))


def _unit(message: bytes, headers: Headers, at_ms: int, place: Position) -> Unit | tuple[MessageError, ...]:
    submission = _submission(message, headers, _lane(place.stream))
    limits = replace(LIMITS, hostname=_host(submission))
    admission = admit(submission, at_ms=at_ms, random80=message_of_record(at_ms, place)[6:], limits=limits)
    if admission.problems:
        return admission.problems
    first, *others = admission.units
    if others and is_ordered(place.stream):  # parts of a unit have no order among other units
        what = f"recipients of {len(admission.units)} destinations in an ordered stream"
        raise MessageError(what, place.stream, "one destination")
    people = sorted((one for unit in admission.units for one in unit.recipients), key=lambda one: one.index)
    return msgspec.structs.replace(
        first,
        recipients=tuple(people),
        domain=SEVERAL if others else first.domain,
        expires_ms=min(first.expires_ms, _expires_ms(headers)),
        idempotency_key="",  # a field of the message may name one, but there is nobody to compare it
        order_key="",  # the record stands where it stands
    )


# ---- the parts of a submission


def _submission(message: bytes, headers: Headers, lane: Lane) -> Submission:
    sender = headers[FROM][0].strip("<> ") if FROM in headers else None
    recipients = addresses_of_record(headers[TO]) if TO in headers else None
    if sender is None or recipients is None:
        named = envelope(message, sender, recipients, addresses_of_record)
        sender, recipients = named.sender, named.recipients
    return Submission(message, sender, tuple(recipients), lane, tenant=_tenant(headers))


def _lane(stream: str) -> Lane:
    if stream not in LANES:
        raise MessageError(f"stream {stream!r} is none for mail", "the record's place", ", ".join(LANES))
    return LANES[stream]


def _time(timestamp_ms: int) -> int:
    if not 0 < timestamp_ms <= LAST_MS:
        raise MessageError(f"timestamp {timestamp_ms}", "the record", "Unix milliseconds")
    return timestamp_ms


def _headers(given: Iterable[tuple[str, bytes]]) -> Headers:
    """Our headers by name. Those of others (trace context and the like) are none of our business."""
    found: Headers = {}
    octets = 0
    for name, value in given:
        key = name.lower()
        if not key.startswith(OURS):
            continue
        if key not in NAMES:
            raise MessageError(f"unknown header {name[:60]!r}", "the record's headers", ", ".join(NAMES))
        octets += len(name) + len(value)
        found.setdefault(key, []).append(_text(value, key))
    if octets > MAX_HEADER_OCTETS:
        raise MessageError(f"{octets} octets", "the record's headers", f"{MAX_HEADER_OCTETS} octets")
    for key, values in found.items():
        if len(values) > 1 and key != TO:
            raise MessageError(f"{len(values)} {key} headers", "the record's headers", "at most one")
    return found


def _text(value: bytes, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise MessageError("octets that are not UTF-8", where) from None


def _tenant(headers: Headers) -> str:
    tenant = headers.get(TENANT, [DEFAULT_TENANT])[0]
    if not tenant or len(tenant) > MAX_KEY_CHARACTERS or not tenant.isprintable():
        raise MessageError(f"tenant {tenant[:60]!r}", TENANT, f"1 to {MAX_KEY_CHARACTERS} printable characters")
    return tenant


def _expires_ms(headers: Headers) -> int:
    """The producer's own term; where there is none, one later than any."""
    text = headers.get(EXPIRES, [str(2 * MAX_ID_MS)])[0]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2 * MAX_ID_MS))):
        raise MessageError(f"time {text[:60]!r}", EXPIRES, "Unix milliseconds, as decimal digits")
    return int(text)


def _host(submission: Submission) -> str:
    """The right part of a new Message-ID: the domain of the reverse-path, else of the author."""
    sender = submission.reverse_path
    try:
        sender = sender or envelope(submission.message, None, submission.recipients).sender
        return a_label(sender.rpartition("@")[2])
    except (MessageError, ValueError):
        return LIMITS.hostname
