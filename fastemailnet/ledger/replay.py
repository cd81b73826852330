"""What a start finds on disk, and what follows from it.

``Chain`` is the ledger so far, block by block: every frame that joins it is checked against its seal, so the chain of
seals, the batch roots and the positions are proven again at each start. ``judge`` then compares it with the locked
checkpoint:

    found                                   what happens
    nothing locked, no frames               first start
    a tree that passes through the lock     go on; whatever is sealed above the lock is signed now
    a tree that ends below the lock         signed data is lost: refuse; restore from a mirror, never re-sequence
    another root at the locked size         signed data was altered: refuse
    published beyond the lock, or no lock   the lock went back: refuse, for signing on could fork the log
"""

from collections.abc import Sequence

from fastemailnet.errors import LedgerCorrupt
from fastemailnet.ledger import seal, tile
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.frame import Frame
from fastemailnet.ledger.hashing import EMPTY_ROOT, leaf_hashes, tree_hash
from fastemailnet.ledger.leaf import LEAF_OCTETS


class Chain:
    """The blocks so far: tree, last seal, positions consumed."""

    def __init__(self) -> None:
        """The empty ledger."""
        self._frontier = tile.Frontier()
        self.height = 0  # of the next block
        self.at_ms = 0  # of the last seal
        self.last = seal.NO_HASH  # leaf hash of the last seal
        self.positions: dict[int, int] = {}

    @property
    def size(self) -> int:
        """Leaves, seals included."""
        return self._frontier.size

    def root(self) -> bytes:
        """The tree's root."""
        return self._frontier.range.root()

    def partials(self) -> list[tile.File]:
        """The partial tiles and the partial bundle of the tree as it is."""
        return self._frontier.partials()

    def add(self, frame: Frame, hashes: Sequence[bytes]) -> list[tile.File]:
        """Append a block whose leaf hashes are known; returns the files that became full."""
        header = seal.unpack(frame.payload[-LEAF_OCTETS:])
        self.height, self.at_ms, self.last = header.height + 1, header.at_ms, hashes[-1]
        self.positions = frame.positions
        return self._frontier.extend(frame.payload, hashes)

    def check_and_add(self, frame: Frame) -> list[tile.File]:
        """Append a block that comes from storage.

        Raises:
            LedgerCorrupt: it does not continue this chain; the text says in what.
        """
        try:
            entries = tile.split_bundle(frame.payload)
            header = seal.unpack(entries[-1])
        except (ValueError, IndexError) as error:
            raise LedgerCorrupt(f"block at leaf {self.size}: {error}") from error
        hashes = leaf_hashes(entries)
        expected = {
            "first leaf": (frame.first, header.first, self.size),
            "leaves": (header.leaves, frame.leaves - 1, len(entries) - 1),
            "height": (header.height, self.height),
            "previous seal": (header.previous, self.last),
            "batch root": (header.batch_root, tree_hash(hashes[:-1])),
            "journal positions": (header.positions_digest, seal.positions_digest(frame.positions)),
            "order in time": (header.at_ms > self.at_ms, True),
        }
        for what, values in expected.items():
            if any(value != values[0] for value in values[1:]):
                raise LedgerCorrupt(f"block at leaf {self.size}: its {what} does not match its seal or its predecessor")
        return self.add(frame, hashes)


def check_lock(locked: Checkpoint | None, published: Checkpoint | None) -> None:
    """Check that the lock has not gone back behind what outsiders were shown.

    Raises:
        LedgerCorrupt: it has.
    """
    if published is not None and (locked is None or locked.size < published.size):
        have = "no checkpoint" if locked is None else f"{locked.size} leaves"
        raise LedgerCorrupt(
            f"the lock holds {have}, {published.size} leaves were published; restore lock.db from a mirror"
        )


class Replay:
    """A chain read again from storage, which remembers whether it passed through the locked checkpoint."""

    def __init__(self, locked: Checkpoint | None) -> None:
        self.chain = Chain()
        self._locked = locked
        self._met = locked is None or (locked.size == 0 and locked.root == EMPTY_ROOT)

    def take(self, frame: Frame) -> list[tile.File]:
        """Add the next frame. Raises LedgerCorrupt where it does not fit the chain or the locked root."""
        files = self.chain.check_and_add(frame)
        if self._locked is not None and self.chain.size == self._locked.size:
            if self.chain.root() != self._locked.root:
                raise LedgerCorrupt(
                    f"the {self.chain.size} leaves on disk are not those that were signed; restore from a mirror"
                )
            self._met = True
        return files

    def judge(self) -> Chain:
        """The chain to go on from.

        Raises:
            LedgerCorrupt: signed leaves are missing.
        """
        if not self._met and self._locked is not None:
            raise LedgerCorrupt(
                f"{self._locked.size} leaves were signed, sound blocks on disk end at leaf {self.chain.size}; "
                "restore the journal from a mirror, never re-sequence"
            )
        return self.chain
