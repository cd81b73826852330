"""What anyone on the machine may ask of a ledger directory, also beside a running keeper: published state only."""

from collections.abc import Sequence
from pathlib import Path

from fastemailnet import ids
from fastemailnet.archive.publish import CHECKPOINT, POLICY, Site
from fastemailnet.archive.receipts import Receipts, Row
from fastemailnet.errors import NotFound
from fastemailnet.ledger import checkpoint, leaf, note, proof, receipt, tile
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.compact import TILE_WIDTH
from fastemailnet.ledger.fact import Fact, Flag
from fastemailnet.ledger.tile import ENTRY_OCTETS

_TYPE_OCTET = 2 + 4  # of an entry in a bundle: length, magic, type
_SEAL_TYPE = b"\x80"


class Reader:
    """Receipts, timelines and proofs from files; writes nothing."""

    def __init__(self, directory: Path, receipts: Receipts | None = None) -> None:
        """Of the ledger in ``directory``; ``receipts`` where the caller has the store open.

        Raises:
            NotFound: there is no ledger.
        """
        self._site = Site(directory / "export")
        if receipts is None and not (directory / "receipts.db").exists():
            raise NotFound(f"there is no ledger in {directory}")
        self._receipts = receipts or Receipts(directory / "receipts.db", read_only=True)

    def checkpoint(self) -> str:
        """The signed checkpoint that outsiders see. Raises NotFound before the first."""
        text = self._site.text(CHECKPOINT)
        if text is None:
            raise NotFound("the ledger has not published a checkpoint yet")
        return text

    def policy(self) -> str:
        """The policy file. Raises NotFound before the first start."""
        text = self._site.text(POLICY)
        if text is None:
            raise NotFound("the ledger has not published its policy yet")
        return text

    def receipt(self, delivery: bytes) -> str:
        """The receipt of the delivery's last final event, or of its last event where none is final.

        Raises:
            NotFound: no published leaf is about this delivery, or its openings were erased.
        """
        found = self._of_delivery(delivery)
        signed, head, fetch = self._head()
        final = [item for item in found if leaf.unpack(fetch.entry(item[0])).flags & Flag.FINAL]
        return self._make((final or found)[-1], signed, head, fetch)

    def receipts(self, delivery: bytes) -> list[str]:
        """The receipts of all events of a delivery, in order. Raises NotFound as ``receipt`` does."""
        signed, head, fetch = self._head()
        return [self._make(item, signed, head, fetch) for item in self._of_delivery(delivery)]

    def timeline(self, message: bytes) -> list[Row]:
        """What happened to a message, in the order of the ledger; empty where nothing is published (yet)."""
        return self._receipts.timeline(message, self._head()[1].size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the published tree's first ``new`` leaves continue its first ``old``.

        Raises:
            ValueError: it has not so many.
        """
        _, head, fetch = self._head()
        if new > head.size:
            raise ValueError(f"the published tree has {head.size} leaves, not {new}")
        return proof.consistency(old, new, fetch)

    def close(self) -> None:
        """Close the receipts store."""
        self._receipts.close()

    def _head(self) -> tuple[str, Checkpoint, tile.TileReader]:
        signed = self.checkpoint()
        head = checkpoint.parse_body(note.parse(signed).text)
        return signed, head, tile.TileReader(head.size, self._site.read)

    def _of_delivery(self, delivery: bytes) -> Sequence[tuple[int, Fact]]:
        found = self._receipts.of_delivery(delivery, self._head()[1].size)
        if not found:
            raise NotFound(
                f"no published leaf about delivery {ids.to_text(delivery)}; a new one is published within a second"
            )
        return found

    def _make(self, item: tuple[int, Fact], signed: str, head: Checkpoint, fetch: tile.TileReader) -> str:
        index, fact = item
        sealed = self._seal_after(index, head.size)
        entry, block = (
            receipt.Proven(at, fetch.entry(at), proof.inclusion(at, head.size, fetch)) for at in (index, sealed)
        )
        return receipt.make(fact, entry, block, signed)

    def _seal_after(self, index: int, size: int) -> int:
        """The index of the seal that closes the block of leaf ``index``."""
        for number in range(index // TILE_WIDTH, size // TILE_WIDTH + 1):
            width = min(TILE_WIDTH, size - number * TILE_WIDTH)
            types = self._site.read(tile.tile_path(tile.ENTRIES, number, width))[_TYPE_OCTET::ENTRY_OCTETS]
            at = types.find(_SEAL_TYPE, max(0, index - number * TILE_WIDTH))
            if at >= 0:
                return number * TILE_WIDTH + at
        raise AssertionError(f"every published block ends in a seal; leaf {index} of {size} has none behind it")
