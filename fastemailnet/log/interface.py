"""What either back end of the log must give, and nothing that only one of them could.

A stream has partitions; a partition is a totally ordered sequence of records at offsets 0, 1, 2, … An acknowledged record
survives; a reader that has seen offset p has seen all before p. The calls block and may be made from any thread.

**Fencing.** A token names one writer (a node's incarnation). ``fence`` appends a record that ends the token's right to append to
that partition; ``append`` with a token lands before such a fence and returns offsets, or returns ``Fenced``. A back end that
cannot check inside the append (Kafka) appends, reads back, and answers by what precedes its records: records of a fenced
token may then stand in the partition *behind* the fence, and every reader must ignore them (``flashsync`` does).

**Near and far.** What another process appended may take milliseconds to be seen here by ``end``, ``partitions`` and whoever follows a
partition; ``ends`` asks the log itself. ``follow`` tells a back end over a network what will be read, so that it is there by then.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

Where = tuple[str, int]  # stream, partition


class Token(NamedTuple):
    """The right of one node incarnation to append to its journal partition."""

    node: str
    incarnation: int


class Fenced(NamedTuple):
    """The token was fenced at ``offset``; of what was asked to be appended only the first records, at ``before``, still count."""

    offset: int
    before: Sequence[int] = ()


class Log(Protocol):
    """A durable log. Partitions come into being at their first use."""

    def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        *,
        token: Token | None = None,
        keys: Sequence[bytes] = (),
    ) -> Sequence[int] | Fenced:
        """Append the records durably and in this order; their offsets, ascending (a range where nothing of others is between).

        ``keys``, one a record, are for programs that read the log themselves; a back end without such readers drops them.

        Raises:
            LogError: definitely not appended.
            LogAppendUnknown: perhaps appended, perhaps only the first of them.
        """

    def fence(self, stream: str, partition: int, token: Token, record: bytes) -> int:
        """Append ``record``, end the token's right there, and return the record's offset. Idempotent in its effect."""

    def fetch(
        self, stream: str, partition: int, start: int, count: int, max_octets: int = 16_000_000
    ) -> list[tuple[int, bytes]]:
        """Up to ``count`` records from offset ``start`` on, at least one if there is one, then while within ``max_octets``.

        A back end may return fewer than there are; whoever wants them all asks again.
        """

    def follow(self, stream: str, partition: int, start: int) -> None:
        """A hint: this process is going to read the partition in order from ``start`` on, or to append to it under tokens that no fence
        below ``start`` names.
        """

    def at_hand(self, stream: str, partition: int, start: int) -> bool:
        """Whether a small fetch from ``start`` on is answered at once, so that an event loop may make it."""

    def end(self, stream: str, partition: int) -> int:
        """The offset behind the last record seen, at least behind those that this process appended. Asked every millisecond."""

    def ends(self, *streams: str) -> dict[Where, int]:
        """The ends of all partitions of these streams that ever held a record, behind everything acknowledged before the call."""

    def begin(self, stream: str, partition: int) -> int:
        """The first offset that is still kept."""

    def partitions(self, stream: str) -> list[int]:
        """The partitions of the stream that hold or held a record, ascending. As cheap as ``end``."""

    def trim(self, stream: str, partition: int, before: int) -> None:
        """Forget the records below offset ``before``. Offsets do not change."""

    def mark(self, marks: Mapping[Where, int]) -> None:
        """Show the log's own tools how far each partition is worked off. For people only; without tools nothing happens."""

    def close(self) -> None:
        """Release files and connections. Further calls raise ``LogError``."""
