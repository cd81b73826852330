"""Records as MessagePack: the decoder of all streams, which refuses text that is no UTF-8 as it refuses anything else.

A frame, of whichever version, is an array that begins with its tag, a short text. What does not begin so was never a frame of ours.
"""

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
ARRAYS = (*range(0x90, 0xA0), 0xDC, 0xDD)  # first octets of arrays in MessagePack
COUNT_OCTETS = {0xDC: 2, 0xDD: 4}  # behind them
SHORT_TEXTS = range(0xA1, 0xC0)


def begins_as_frame(record: bytes) -> bool:
    """Whether a record begins as a frame does. What follows may be of a later version, or damaged."""
    if not record or record[0] not in ARRAYS:
        return False
    behind = 1 + COUNT_OCTETS.get(record[0], 0)
    return len(record) > behind and record[behind] in SHORT_TEXTS


class Decoder(Generic[T]):
    """Decodes records of one type. ``msgspec`` alone raises UnicodeDecodeError for such text, which is no MsgspecError."""

    __slots__ = ("_decode",)

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode

    def decode(self, record: bytes | memoryview) -> T:
        """The value in a record.

        Raises:
            msgspec.MsgspecError: there is none of this type.
        """
        try:
            value: T = self._decode(record)
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(f"text that is no UTF-8: {error}") from None
        return value
