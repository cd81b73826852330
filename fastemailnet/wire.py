"""Records as MessagePack: the decoder of all streams, which refuses text that is no UTF-8 as it refuses anything else."""

from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


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
