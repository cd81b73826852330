"""What is accepted and what is worked on: lanes, recipients, positions and the unit.

A submission is one message with one reverse-path and 1 to 1,000 recipients. It becomes one **unit** per destination domain: the
thing a lease counts, a node delivers in one SMTP transaction and a record of ``mail.<lane>`` holds. These structs are the wire
format of the log (MessagePack arrays), so fields are only ever added at the end, with a default.
"""

import hashlib
import zlib
from enum import StrEnum
from typing import NamedTuple

import msgspec

from fastemailnet.wire import Decoder

MAX_RECIPIENTS = 1_000
MAX_MESSAGE_OCTETS = 50_000_000
MAX_KEPT_OCTETS = 524_288  # of a dead record: in base64 still less than a Kafka topic takes as one record


class Lane(StrEnum):
    """Priority class of a message; also names its streams of the log."""

    TRANSACTIONAL = "transactional"
    STANDARD = "standard"
    BULK = "bulk"

    @property
    def stream(self) -> str:
        """The stream of the log that holds the units of this lane without an order_key."""
        return f"mail.{self.value}"

    @property
    def ordered_stream(self) -> str:
        """The stream that holds the units of this lane with one: those of a partition are sent one after the other."""
        return f"order.{self.value}"


class TlsWish(StrEnum):
    """What a sender wants of TLS with every next hop (RFC 8689)."""

    DEFAULT = "default"
    REQUIRED = "required"  # REQUIRETLS: authenticated TLS, with a next hop that asks the same of its own, or a bounce
    OPTIONAL = "optional"  # TLS-Required: No, the mail matters more than MTA-STS and DANE


UNNAMED = -1
ORDERED_PARTITIONS = 8  # of each ordered stream
LANES = {
    stream: lane for lane in Lane for stream in (lane.stream, lane.ordered_stream)
}  # of each stream of accepted units


def place_of(lane: Lane, order_key: str, message: bytes, mail_partitions: int = 1) -> tuple[str, int]:
    """The stream and partition in which a unit is accepted. Those of one order_key stand in one partition.

    The others are spread, those of one second together: appends to one partition share a commit, those to several do not.
    """
    if order_key:
        return lane.ordered_stream, zlib.crc32(order_key.encode()) % ORDERED_PARTITIONS
    return lane.stream, int.from_bytes(message[:6], "big") // 1_000 % mail_partitions


def is_ordered(stream: str) -> bool:
    """Whether the units of a partition of this stream are sent one after the other."""
    return stream.startswith("order.")


def is_tier(stream: str) -> bool:
    """Whether a stream is a deferral tier: it holds copies, which count once a frame of the journal names them."""
    return stream.startswith("defer.")


# Unix time, the end of 9997: what is reckoned from a time must have a year that calendars know.
LAST_MS = 253_339_228_799_999
SEVERAL = ""  # the domain of a unit whose recipients are of several, which is split before anything is sent


class Position(NamedTuple):
    """One record of the log."""

    stream: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.stream}/{self.partition}@{self.offset}"


class Recipient(msgspec.Struct, frozen=True, array_like=True):
    """One RCPT TO address and its index among all recipients of the message (names its delivery, see ``ids``)."""

    address: str
    index: int
    notify: str = ""  # RFC 3461: when to report; "" where the sender does not say
    orcpt: str = ""  # RFC 3461, in xtext: whom the sender had written to first


class Reporting(msgspec.Struct, frozen=True, array_like=True):
    """What the sender asks of reports, for the whole message (RFC 3461), and what he was told already."""

    ret: str = ""  # FULL or HDRS
    envid: str = ""  # in xtext
    delay_told_ms: int = 0  # of a copy: when a delay was reported; 0: not yet


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """An earlier attempt whose end may have reached these recipients, at a peer that remembers it (CHECKPOINT, RFC 1845).

    Whoever tries the unit again does so under that attempt's transaction id, over no other peer, and with the same octets: the peer may
    have some of them, and says how many. So what keys and settings make of a mail is kept with it.
    """

    attempt: int
    reached: tuple[int, ...]  # Recipient.index values
    first: int = UNNAMED  # Recipient.index of the first recipient then, whom the transaction id names
    host: str = ""  # ours as that id names it; "": as it is called now
    before: bytes | None = None  # the fields that were put before the mail's own; None: nobody wrote them down


class Blob(msgspec.Struct, frozen=True, array_like=True):
    """Where a body stands that is too large for a record, and which octets it is."""

    key: str
    octets: int
    sha256: bytes


class Suspicion(msgspec.Struct, frozen=True, array_like=True):
    """What the gate found in a mail at an earlier attempt, so that no later one depends on a classifier (``delivery.gate``)."""

    scores: tuple[float, float, float]  # probabilities of ham, spam and phish
    tagged_at: float | None = None  # the threshold that its header fields tell; None: it has no such fields


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """One message × one destination domain (of a foreign producer's record: all of them, until it is split)."""

    message: bytes  # 16 octets, see ids.message_id
    lane: Lane
    tenant: str
    accepted_ms: int  # Unix milliseconds
    expires_ms: int
    reverse_path: str  # without angle brackets; "" is the null reverse-path
    recipients: tuple[Recipient, ...]
    domain: str  # destination: lower-case A-label, or an address literal; or SEVERAL
    smtputf8: bool  # the envelope or a header needs SMTPUTF8 (RFC 6531)
    body: bytes  # the message, CRLF line ends, with Date and Message-ID; unchanged over all attempts
    attempt: int = 1
    source: Position | None = None  # of the accepted record, when this is a copy in a deferral tier
    idempotency_key: str = ""
    asked: Asked | None = None  # of a copy: an attempt in doubt that the peer can be asked about
    order_key: str = ""  # units with one key and lane are sent one after the other, in the order of acceptance
    blob: Blob | None = None  # where the body is, if not here: then ``body`` is empty
    tls: TlsWish = TlsWish.DEFAULT
    reporting: Reporting | None = None
    released: str = ""  # of a copy: why a person let it pass the gate
    # Of a copy: so many of the attempts before were none: its turn was far off, or it was to be tagged.
    put_off: int = 0
    turn_ms: int = 0  # and when that turn is; 0 where it was not put off
    is_personal: bool = False  # the whole message was accepted for one recipient
    suspicion: Suspicion | None = None  # of a copy: what the gate found
    whole: bytes = b""  # under a key, of one of several units: the digest of all of them, see ``admission.whole``

    @property
    def body_sha256(self) -> bytes:
        """The hash of the body, wherever it is."""
        return self.blob.sha256 if self.blob is not None else hashlib.sha256(self.body).digest()


_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Unit](Unit)


def encode_unit(unit: Unit) -> bytes:
    """The unit as a record of the log."""
    return _encoder.encode(unit)


def decode_unit(record: bytes) -> Unit:
    """The unit of a record of the log.

    Raises:
        msgspec.MsgspecError: the record is not a unit; it belongs in the stream ``dead``.
    """
    return _decoder.decode(record)


class Dead(msgspec.Struct, frozen=True):
    """A record that could not be worked on, as the stream ``dead`` keeps it for people: JSON, so that any tool shows it."""

    message: str  # 26 letters, see ids.to_text
    place: str  # where the whole of it stands, or stood
    at_ms: int
    reasons: tuple[str, ...]
    octets: int  # of the whole
    record: bytes  # in base64; its first MAX_KEPT_OCTETS


def encode_dead(dead: Dead) -> bytes:
    """The entry as a record of the log."""
    return msgspec.json.encode(dead)
