"""The keeper: carries out what the ledger's machine asks, effect by effect, in its order.

One keeper writes a ledger at a time; opening a second one overtakes the first, which then fails at its next write
with ``LedgerConflict``. After any failure of an effect a keeper is dead: what is durable is unknown to it, and only a
new start, which reads everything from disk, may go on.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, assert_never

from fastemailnet.archive import fsck, keys, wal
from fastemailnet.archive.durable import make_directory
from fastemailnet.archive.lock import Lock, Locked
from fastemailnet.archive.publish import CHECKPOINT, POLICY, Site
from fastemailnet.archive.reader import Reader
from fastemailnet.archive.receipts import Receipts, Row
from fastemailnet.errors import LedgerConflict, LedgerCorrupt, LedgerError, ProofError
from fastemailnet.ledger import batch, checkpoint, note, policy
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.fact import Fact
from fastemailnet.ledger.replay import Chain, Replay, check_lock
from fastemailnet.ledger.tile import File


class _Closable(Protocol):
    def close(self) -> None: ...


_F = TypeVar("_F", bound=_Closable)


class Recovery(NamedTuple):
    """What a start found and did."""

    size: int  # leaves, seals included
    newly_signed: int  # of them durable, but unsigned until now
    torn_octets: int  # cut off the end of the journal


class Keeper:
    """Writes one ledger. Synchronous, and for one thread at a time."""

    def __init__(self, directory: Path, origin: str, seed_path: Path) -> None:
        """A keeper of the ledger ``origin`` in ``directory``. Nothing is touched before ``open``.

        Args:
            directory: holds journal, lock, receipts and the published site.
            origin: name of the log, by custom a URL without its scheme; no spaces, no plus sign.
            seed_path: the 32-octet key seed, created at the first start.
        """
        self._directory, self._origin, self._seed_path = Path(directory), origin, Path(seed_path)
        self._dead: LedgerError | None = LedgerError("the keeper is not open")
        self._open_files: list[_Closable] = []

    def open(self) -> Recovery:
        """Overtake an earlier keeper, re-read and check everything, sign and publish what was left over.

        Raises:
            LedgerCorrupt: signed data is missing or altered.
            LedgerError: the key is missing, readable by others, or not the one that signed.
            LedgerConflict: a later keeper opened while this one was reading.
        """
        assert not self._open_files, "a keeper opens once"
        make_directory(self._directory)
        self._lock = self._closing(Lock(self._directory / "lock.db"))
        row = self._lock.read(self._origin)
        is_new = row is None or row.checkpoint is None
        self._key = note.SignerKey(self._origin, (keys.create_seed if is_new else keys.load_seed)(self._seed_path))
        self._held = self._lock.take(self._origin)
        self._site = Site(self._directory / "export", self._held.generation)
        locked, published = self._verified(self._held.checkpoint), self._verified(self._site.text(CHECKPOINT))
        check_lock(locked, published)
        chain, unpublished, tail = self._replay(locked)
        if tail is not None:
            wal.truncate(tail)
        self._writer = self._closing(wal.Writer(self._directory / "journal", self._held.generation, chain.size))
        if self._lock.read(self._origin) != self._held:
            self._writer.discard()  # else this late, empty segment would hide frames that the later keeper has counted
            raise LedgerConflict(f"{self._origin}: a later keeper has opened this ledger")
        self._receipts = self._closing(Receipts(self._directory / "receipts.db"))
        if not self._receipts.take(self._held.generation, chain.size):
            raise LedgerConflict(f"{self._origin}: a later keeper has opened this ledger")
        self._reader = Reader(self._directory, self._receipts)
        self._signed_size, self._text = locked.size if locked else 0, self._held.checkpoint or ""
        newly_signed = chain.size - self._signed_size
        self._batcher = batch.Batcher(self._origin, chain, published, unpublished)
        self._dead = None
        self._site.put(POLICY, policy.render(self._key.verifier))
        self._perform_all(self._batcher.start(locked))
        return Recovery(chain.size, newly_signed, tail.torn if tail else 0)

    @property
    def size(self) -> int:
        """Signed leaves, seals included."""
        return self._signed_size

    @property
    def verifier(self) -> note.VerifierKey:
        """The log's public key; its text is the vkey that verifiers ask for."""
        return self._key.verifier

    def positions(self) -> dict[int, int]:
        """For each journal partition the first offset not yet in a sealed block: where to read on after a start."""
        return self._batcher.sealed_positions

    def append(self, facts: Sequence[Fact], positions: Mapping[int, int], now_ms: int) -> None:
        """Take facts and the journal positions reached with them; seals, signs and publishes by the rules of ``batch``.

        Raises:
            LedgerConflict: another keeper has overtaken this one.
            LedgerError: the keeper is dead, the clock is too far back, or a position goes back.
            LimitExceeded: more facts than one block can hold.
            ValueError: a fact does not fit the leaf format; none was taken.
        """
        self._step(batch.Append(facts, positions, now_ms))

    def tick(self, now_ms: int) -> None:
        """Let time pass. Raises as ``append`` does."""
        self._step(batch.Tick(now_ms))

    def flush(self, now_ms: int) -> None:
        """Seal, sign and publish all that is there. Raises as ``append`` does."""
        self._step(batch.Flush(now_ms))

    def erase(self, recipient: str, now_ms: int) -> int:
        """Delete a person's openings and record that it was done; returns how many leaves became noise.

        Raises as ``append`` does.
        """
        self._step(batch.Flush(now_ms))  # openings still in memory must not come to disk behind the deletion
        erased = self._receipts.erase(recipient)
        self._step(batch.Erased(now_ms))
        return erased

    def checkpoint(self) -> str:
        """The signed checkpoint that outsiders see."""
        return self._reader.checkpoint()

    def receipt(self, delivery: bytes) -> str:
        """The receipt of the delivery's last final event, or of its last. Raises NotFound where none is published."""
        return self._reader.receipt(delivery)

    def receipts(self, delivery: bytes) -> list[str]:
        """The receipts of all events of a delivery. Raises NotFound where none is published."""
        return self._reader.receipts(delivery)

    def facts(self, message: bytes) -> list[Fact]:
        """The facts about a message, of signed leaves only, in their order."""
        return self._receipts.of_message(message, self._signed_size)

    def timeline(self, message: bytes) -> list[Row]:
        """What happened to a message, signed leaves only, in their order."""
        return self._receipts.timeline(message, self._signed_size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the published tree of ``new`` leaves continues that of ``old``."""
        return self._reader.consistency(old, new)

    def fsck(self) -> fsck.Report:
        """Re-derive everything from the journal and compare."""
        return fsck.fsck(self._directory, self._origin, self._key.verifier)

    def close(self) -> None:
        """Close the files. What was not sealed is read again from the journal at the next start."""
        if self._dead is None:
            self._dead = LedgerError("the keeper is closed")
        while self._open_files:
            self._open_files.pop().close()

    def _closing(self, file: _F) -> _F:
        self._open_files.append(file)
        return file

    def _verified(self, text: str | None) -> Checkpoint | None:
        try:
            return None if text is None else checkpoint.verify(text, self._key.verifier)
        except ProofError as error:
            raise LedgerCorrupt(f"a checkpoint was not signed by the key in {self._seed_path}: {error}") from error

    def _replay(self, locked: Checkpoint | None) -> tuple[Chain, list[File], wal.Tail | None]:
        """Everything on disk: the chain, the full files that belong to blocks not yet signed, and the torn tail."""
        replay = Replay(locked)
        signed = locked.size if locked else 0
        unpublished: list[File] = []
        tail = None
        for item in wal.read(self._directory / "journal"):
            if isinstance(item, wal.Tail):
                tail = item
                continue
            files = replay.take(item)
            if replay.chain.size > signed:
                unpublished += files
                continue
            self._site.store(files)
            self._site.prune(file.path for file in files)
        return replay.judge(), unpublished, tail

    def _step(self, event: batch.Event) -> None:
        if self._dead is not None:
            raise self._dead
        self._perform_all(self._batcher.step(event))

    def _perform_all(self, effects: Sequence[batch.Effect]) -> None:
        try:
            for effect in effects:
                self._perform(effect)
        except LedgerError as error:
            self._die(error)
            raise
        except Exception as error:
            raise self._die(
                LedgerError(f"a write failed and what is durable is unknown; start again: {error!r}")
            ) from error
        except BaseException:  # an interrupt in the middle of a write leaves the same doubt
            self._die(LedgerError("a write was interrupted and what is durable is unknown; start again"))
            raise

    def _perform(self, effect: batch.Effect) -> None:
        match effect:
            case batch.StoreOpenings(facts):
                if not self._receipts.add(self._held.generation, facts):
                    raise LedgerConflict(f"{self._origin}: a later keeper has opened this ledger")
            case batch.AppendFrame(frame):
                batch.check_block(frame, self._writer.append(frame))
            case batch.Sign(head):
                self._signed = head, checkpoint.sign(head, self._key)
            case batch.Swap():
                self._swap(*self._signed)
            case batch.StoreFiles(files):
                self._site.store(files)
            case batch.Publish():
                self._site.put(CHECKPOINT, self._text)
            case batch.Prune(paths):
                self._site.prune(paths)
            case _:
                assert_never(effect)

    def _swap(self, head: Checkpoint, text: str) -> None:
        if not self._lock.swap(self._origin, self._held, text):
            raise LedgerConflict(
                f"{self._origin}: another keeper moved the checkpoint; this one signs nothing any more"
            )
        self._held = Locked(self._held.generation, text)
        self._text, self._signed_size = text, head.size

    def _die(self, error: LedgerError) -> LedgerError:
        self._dead = error
        return error
