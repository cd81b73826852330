"""From what kafka-python returns to what the log gives: octets at offsets without gaps, and the fences among them."""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Final

from fastemailnet.log.interface import Token, Where
from fastemailnet.native import Native, encode_native

Records = list[tuple[int, bytes]]
Unwrap = Callable[[Where, Any], bytes]  # stream and partition, a ConsumerRecord
FENCE_HEADER: Final = "fen-fence"
_ARRAYS: Final = {bytes((first,)) for first in (*range(0x90, 0xA0), 0xDC, 0xDD)}  # how a MessagePack array begins


def contiguous(where: Where, batch: Iterable[Any], start: int, end: int, unwrap: Unwrap) -> Records:
    """The records of a batch, with an empty one at each offset of [start, end) that holds none."""
    found: Records = []
    for record in batch:
        if record.offset < start:
            continue
        found.extend((offset, b"") for offset in range(start, record.offset))
        found.append((record.offset, unwrap(where, record)))
        start = record.offset + 1
    found.extend((offset, b"") for offset in range(start, end))
    return found


def plain(_: Where, record: Any) -> bytes:
    """The value of a record, as it is."""
    return record.value or b""


def unwrapping(streams: Container[str]) -> Unwrap:
    """What is in a record where other programs write to ``streams`` as well: theirs come with their headers and time.

    Ours have neither key nor headers and begin as a MessagePack array does, which no message and no text does.
    """

    def unwrap(where: Where, record: Any) -> bytes:
        value = record.value or b""
        is_ours = where[0] not in streams or (not record.headers and value[:1] in _ARRAYS)
        return value if is_ours else encode_native(Native(_headers(record), record.timestamp, value))

    return unwrap


def _headers(record: Any) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value or b"") for name, value in record.headers)


def fence_header(token: Token) -> list[tuple[str, bytes]]:
    """What marks the record that ends a token's right."""
    return [(FENCE_HEADER, f"{token.incarnation} {token.node}".encode())]


def fences(batch: Iterable[Any]) -> Iterator[tuple[Token, int]]:
    """The fences in a batch and their offsets."""
    for record in batch:
        for name, value in record.headers:
            if name == FENCE_HEADER:
                incarnation, _, node = value.decode().partition(" ")
                yield Token(node, int(incarnation)), record.offset
