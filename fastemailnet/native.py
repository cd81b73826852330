"""A record that another program put on a mail stream itself, as the log hands it to readers: headers, time and value.

A Kafka record has headers and a timestamp beside its value; a record of our log is octets. The back end of the log packs one into
the other. The first octet is one with which no MessagePack value begins, so nobody takes such a record for a unit.
"""

from typing import Final

import msgspec

from fastemailnet.wire import Decoder

MARK: Final = b"\xc1"  # "never used" in MessagePack


class Native(msgspec.Struct, frozen=True, array_like=True):
    """One record of a foreign producer."""

    headers: tuple[tuple[str, bytes], ...]  # in their order, a name may come twice; a null value is empty
    timestamp_ms: int  # Unix milliseconds, as the broker keeps it
    value: bytes  # an RFC 5322 message, if all is well; a null value is empty


_encoder = msgspec.msgpack.Encoder()
_decoder = Decoder[Native](Native)


def encode_native(native: Native) -> bytes:
    """The record as the log hands it out."""
    return MARK + _encoder.encode(native)


def is_native(record: bytes) -> bool:
    """Whether a foreign producer wrote the record."""
    return record.startswith(MARK)


def decode_native(record: bytes) -> Native:
    """The parts of a record that ``is_native``. Raises msgspec.MsgspecError where it does not decode."""
    return _decoder.decode(memoryview(record)[len(MARK) :])
