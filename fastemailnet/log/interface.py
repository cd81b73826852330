"""What either back end of the log must give, and nothing that only one of them could.

A stream has partitions; a partition is a totally ordered sequence of records at offsets 0, 1, 2, … An acknowledged record
survives; a reader that has seen offset p has seen all before p. The calls block and may be made from any thread.

**Fencing.** A token names one writer (a node's incarnation). ``fence`` appends a record that ends the token's right to append to
that partition; ``append`` with a token either lands wholly before such a fence and returns offsets, or returns ``Fenced``. A back
end that cannot check inside the append (Kafka) appends, reads back, and answers by what precedes its records: records of a fenced
token may then stand in the partition *behind* the fence, and every reader must ignore them (``flashsync`` does).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Token(NamedTuple):
    """The right of one node incarnation to append to its journal partition."""

    node: str
    incarnation: int


class Fenced(NamedTuple):
    """The token was fenced at ``offset``; nothing that was asked to be appended counts."""

    offset: int


class Log(Protocol):
    """A durable log. Streams and partitions come into being at their first use."""

    def append(
        self, stream: str, partition: int, records: Sequence[bytes], *, token: Token | None = None
    ) -> range | Fenced:
        """Append all records, contiguously and durably, or none.

        Raises:
            LogError: definitely not appended.
            LogAppendUnknown: perhaps appended.
        """

    def fence(self, stream: str, partition: int, token: Token, record: bytes) -> int:
        """Append ``record``, end the token's right there, and return the record's offset. Idempotent in its effect."""

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        """Up to ``count`` records from offset ``start`` on, at least one if there is one, then while within ``max_octets``."""

    def end(self, stream: str, partition: int) -> int:
        """The offset that the next record will get. Cheap enough to be asked every millisecond."""

    def begin(self, stream: str, partition: int) -> int:
        """The first offset that is still kept."""

    def partitions(self, stream: str) -> list[int]:
        """The partitions of the stream that exist, ascending."""

    def trim(self, stream: str, partition: int, before: int) -> None:
        """Forget the records below offset ``before``. Offsets do not change."""

    def close(self) -> None:
        """Release files and connections. Further calls raise ``LogError``."""
