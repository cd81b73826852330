"""The keeper's machine: facts in, blocks out, and beside each step what a crash there means.

A block takes whole appends, so that the journal positions in its frame say exactly which facts it holds. It closes at
1,024 leaves, at 200 ms of age, or when asked. The effects of one block, in the order in which they must become
durable:

1. ``StoreOpenings``  A crash behind this leaves openings of leaves that do not exist; a start deletes them. They come
   first because a leaf whose openings are lost can never be shown to anyone again.
2. ``AppendFrame``  A torn frame is cut off at the start, and its facts come again from the positions of the last whole
   one. A whole one is durable but unsigned; a start signs it. The shell reads it back and ``check_block`` re-hashes it.
3. ``Sign``  Nothing is durable yet.
4. ``Swap``  The locked checkpoint moves, by compare-and-swap: the point of no return, and the fence of an older writer,
   which can have written nothing that readers see. Signed and unpublished; a start derives the files again.
5. ``StoreFiles``  Tiles and bundles: create, or compare equal.
6. ``Publish``  The checkpoint, by rename.
7. ``Prune``  Partial files for which the full one is now published.

Steps 5 to 7 happen at most once a second. Seal times rise strictly; where the clock went back they run ahead of it,
by at most 5 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never

from fastemailnet.errors import LedgerCorrupt, LedgerError, LimitExceeded
from fastemailnet.ledger import leaf, seal, tile
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.fact import Fact
from fastemailnet.ledger.frame import MAX_FRAME_LEAVES, Frame
from fastemailnet.ledger.hashing import leaf_hash, leaf_hashes, tree_hash
from fastemailnet.ledger.replay import Chain

SEAL_LEAVES = 1_024
SEAL_AGE_MS = 200
PUBLISH_INTERVAL_MS = 1_000
MAX_UNPUBLISHED_LEAVES = 65_536
CLOCK_SLACK_MS = 5_000


@dataclass(frozen=True, slots=True)
class Append:
    """Facts, and the journal positions that are consumed with them (first offset not yet consumed, by partition)."""

    facts: Sequence[Fact]
    positions: Mapping[int, int]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Erased:
    """A person's openings were erased."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Flush:
    """Seal and publish whatever is there."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class StoreOpenings:
    """Durably keep the facts behind the leaves at these indexes."""

    facts: Sequence[tuple[int, Fact]]


@dataclass(frozen=True, slots=True)
class AppendFrame:
    """Durably append the frame, read it back and check it with ``check_block``."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign this checkpoint."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Swap:
    """Put the checkpoint just signed in the place of the one held so far, or stop for ever."""


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """Create these files, or compare them equal, and make them durable."""

    files: Sequence[tile.File]


@dataclass(frozen=True, slots=True)
class Publish:
    """Show the checkpoint that was signed last."""


@dataclass(frozen=True, slots=True)
class Prune:
    """Remove the partial files beside these full ones."""

    paths: Sequence[str]


Event = Append | Erased | Tick | Flush
Effect = StoreOpenings | AppendFrame | Sign | Swap | StoreFiles | Publish | Prune


class Batcher:
    """The machine. ``step`` takes an event and returns effects; an event that is refused changes nothing."""

    def __init__(
        self, origin: str, chain: Chain, published: Checkpoint | None, unpublished: Sequence[tile.File] = ()
    ) -> None:
        """Continue after ``chain``.

        Args:
            origin: the log's name.
            chain: the blocks so far.
            published: the checkpoint that outsiders see, if any.
            unpublished: the full files of blocks that are not published yet.
        """
        self._origin, self._chain, self._published = origin, chain, published
        self._positions = dict(chain.positions)
        self._entries: list[bytes] = []
        self._facts: list[tuple[int, Fact]] = []
        self._files = list(unpublished)
        self._oldest_ms = 0
        self._published_ms = 0

    @property
    def head(self) -> Checkpoint:
        """The tree with everything that is sealed."""
        return Checkpoint(self._origin, self._chain.size, self._chain.root())

    @property
    def sealed_positions(self) -> dict[int, int]:
        """Where to read the journal on after a crash now."""
        return dict(self._chain.positions)

    def start(self, locked: Checkpoint | None) -> list[Effect]:
        """The effects that bring lock and publication up to what was found durable."""
        effects: list[Effect] = [] if locked == self.head else [Sign(self.head), Swap()]
        return effects + ([] if self._published == self.head else self._publish(0))

    def step(self, event: Event) -> list[Effect]:
        """Take one event.

        Raises:
            LedgerError: the clock is over 5 s behind the last seal, or a position goes back.
            LimitExceeded: more facts than one block can hold.
            ValueError: a fact does not fit the leaf format.
        """
        if self._chain.at_ms - event.now_ms > CLOCK_SLACK_MS:
            raise LedgerError(
                f"clock: {event.now_ms} ms is over {CLOCK_SLACK_MS} ms behind the seal at {self._chain.at_ms} ms"
            )
        match event:
            case Append(facts, positions, now_ms):
                self._take(facts, positions, now_ms)
            case Erased(now_ms):
                self._add([leaf.erasure(now_ms)], now_ms)
            case Tick() | Flush():
                pass
            case _:
                assert_never(event)
        return self._due(event.now_ms, asked=isinstance(event, Flush))

    def _due(self, now_ms: int, *, asked: bool) -> list[Effect]:
        effects: list[Effect] = []
        aged = now_ms - self._oldest_ms >= SEAL_AGE_MS
        if self._entries and (asked or aged or len(self._entries) >= SEAL_LEAVES):
            effects += self._seal(now_ms)
        shown = self._published.size if self._published else -1
        pause_over = now_ms - self._published_ms >= PUBLISH_INTERVAL_MS
        if self._chain.size > shown and (asked or pause_over or self._chain.size - shown >= MAX_UNPUBLISHED_LEAVES):
            effects += self._publish(now_ms)
        return effects

    def _take(self, facts: Sequence[Fact], positions: Mapping[int, int], now_ms: int) -> None:
        for partition, offset in positions.items():
            if offset < self._positions.get(partition, 0):
                reached = self._positions[partition]
                raise LedgerError(
                    f"journal partition {partition}: offset {offset} is behind {reached}, already consumed"
                )
        entries = [leaf.pack(fact) for fact in facts]
        if len(self._entries) + len(entries) >= MAX_FRAME_LEAVES:
            raise LimitExceeded("leaves of a block", len(self._entries) + len(entries), MAX_FRAME_LEAVES)
        at = self._chain.size + len(self._entries)
        self._facts += enumerate(facts, at)
        self._positions.update(positions)
        self._add(entries, now_ms)

    def _add(self, entries: list[bytes], now_ms: int) -> None:
        if entries and not self._entries:
            self._oldest_ms = now_ms
        self._entries += entries

    def _seal(self, now_ms: int) -> list[Effect]:
        chain = self._chain
        hashes = leaf_hashes(self._entries)
        header = seal.pack(
            seal.Seal(
                at_ms=max(now_ms, chain.at_ms + 1),
                height=chain.height,
                first=chain.size,
                leaves=len(hashes),
                key_epoch=0,
                positions_digest=seal.positions_digest(self._positions),
                previous=chain.last,
                batch_root=tree_hash(hashes),
                published=sha256(self._published.body.encode()).digest() if self._published else seal.NO_HASH,
            )
        )
        payload = tile.bundle([*self._entries, header])
        frame = Frame(chain.size, len(hashes) + 1, dict(self._positions), payload)
        effects: list[Effect] = [StoreOpenings(self._facts)] if self._facts else []
        self._files += chain.add(frame, [*hashes, leaf_hash(header)])
        self._entries, self._facts = [], []
        return [*effects, AppendFrame(frame), Sign(self.head), Swap()]

    def _publish(self, now_ms: int) -> list[Effect]:
        full, self._files = self._files, []
        self._published, self._published_ms = self.head, now_ms
        return [StoreFiles([*full, *self._chain.partials()]), Publish(), Prune([file.path for file in full])]


def check_block(written: Frame, read: Frame) -> None:
    """Re-hash a frame that was read back from storage, before it is signed.

    Raises:
        LedgerCorrupt: it is not what was written, or does not hash to what its seal says.
    """
    entries = tile.split_bundle(read.payload)
    if read != written or tree_hash(leaf_hashes(entries[:-1])) != seal.unpack(entries[-1]).batch_root:
        raise LedgerCorrupt(f"the block at leaf {written.first} reads back differently from what was written")
