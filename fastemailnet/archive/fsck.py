"""Re-derive everything a ledger directory holds from its journal, and compare."""

from pathlib import Path
from typing import NamedTuple

from fastemailnet.archive import wal
from fastemailnet.archive.lock import Lock
from fastemailnet.archive.publish import CHECKPOINT, Site
from fastemailnet.archive.receipts import Receipts
from fastemailnet.errors import LedgerCorrupt, ProofError
from fastemailnet.ledger import checkpoint, leaf, tile
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.note import VerifierKey
from fastemailnet.ledger.replay import Replay

MAX_FINDINGS = 100


class Report(NamedTuple):
    """What fsck counted, and everything it found wrong."""

    leaves: int
    blocks: int
    files: int  # published files compared
    openings: int  # leaves whose commitments were recomputed
    torn_octets: int  # behind the last sound frame; cut off at the next start
    findings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings


class _Check:
    def __init__(self, directory: Path, origin: str, key: VerifierKey) -> None:
        self._directory, self._origin, self._key = directory, origin, key
        self._site = Site(directory / "export")
        self._leaves = self._blocks = self._files = self._opened = self._torn = 0
        self._found: list[str] = []

    def run(self) -> Report:
        locked = self._locked()
        published = self._verified("published checkpoint", self._site.text(CHECKPOINT))
        self._journal(Replay(locked), locked.size if locked else 0, published)
        findings = tuple(self._found[:MAX_FINDINGS])
        return Report(self._leaves, self._blocks, self._files, self._opened, self._torn, findings)

    def _locked(self) -> Checkpoint | None:
        lock = Lock(self._directory / "lock.db")
        try:
            row = lock.read(self._origin)
        finally:
            lock.close()
        return self._verified("locked checkpoint", row.checkpoint if row else None)

    def _verified(self, what: str, text: str | None) -> Checkpoint | None:
        try:
            return None if text is None else checkpoint.verify(text, self._key)
        except ProofError as error:
            self._found.append(f"{what}: {error}")
            return None

    def _journal(self, replay: Replay, signed: int, published: Checkpoint | None) -> None:
        shown = published.size if published else 0
        openings = Receipts(self._directory / "receipts.db", read_only=True)
        facts = openings.all(signed)
        fact = next(facts, None)
        try:
            for item in wal.read(self._directory / "journal"):
                if isinstance(item, wal.Tail):
                    self._torn = item.torn
                    continue
                full = replay.take(item)
                self._blocks += 1
                self._leaves = replay.chain.size
                self._compare([file for file in full if self._leaves <= shown])
                for index, entry in enumerate(tile.split_bundle(item.payload), item.first):
                    if fact is not None and fact[0] == index:
                        self._opening(index, entry, leaf.pack(fact[1]))
                        fact = next(facts, None)
                if published is not None and self._leaves == published.size:
                    self._published(replay, published)
            replay.judge()
        except LedgerCorrupt as error:
            self._found.append(f"journal: {error}")
        finally:
            openings.close()
        if fact is not None:
            self._found.append(f"openings: leaf {fact[0]} has openings but is not in the journal")
        if shown > self._leaves:
            self._found.append(f"published checkpoint: {shown} leaves, the journal has {self._leaves}")

    def _published(self, replay: Replay, published: Checkpoint) -> None:
        if replay.chain.root() != published.root:
            self._found.append("published checkpoint: its root is not that of the journal")
        self._compare(replay.chain.partials())

    def _compare(self, files: list[tile.File]) -> None:
        for file in files:
            self._files += 1
            try:
                if self._site.read(file.path)[: len(file.content)] != file.content:
                    self._found.append(f"{file.path}: other content than the journal gives")
            except LedgerCorrupt as error:
                self._found.append(str(error))

    def _opening(self, index: int, entry: bytes, derived: bytes) -> None:
        self._opened += 1
        if entry != derived:
            self._found.append(f"openings: those of leaf {index} do not open it")


def fsck(directory: Path, origin: str, key: VerifierKey) -> Report:
    """Check a ledger: chain of seals, roots, signatures, published files, openings. Changes nothing."""
    return _Check(directory, origin, key).run()
