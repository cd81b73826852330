"""The ledger process: follows the journal, turns the evidence of valid outcomes into leaves, seals, signs and publishes.

The journal positions that a batch consumed are written with it, so a restart goes on exactly where the files end. An OUTCOME that
is a permission behind its node's FENCE is void (R5) and leaves no leaf; of several decisions about held mail or a doubt the
first has leaves. What a node tells of an attempt that was settled before has leaves, since it is true, and no reports.

Every mail has one leaf that it was accepted: in the facts of whatever is told first of its first attempt, by its node or, where that
was fenced and is silent, by the verdict about it. All of that stands in one partition of the journal, so that its order decides.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from actors.clock import wall_ms
from actors.events import Events
from actors.postmaster import FIRST_MARK, Postmaster
from fastemailnet.archive.keeper import Keeper
from fastemailnet.archive.receipts import Row
from fastemailnet.delivery.feedback import STREAM, Note, decode_note, fact_of
from fastemailnet.envelope import decode_unit
from fastemailnet.errors import FleetError
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS
from fastemailnet.flashsync.frames import (
    JOURNAL,
    NO_INTENT,
    NO_WORD,
    NOT_NUMBERED,
    REVIEWS,
    Fence,
    Intent,
    JournalFrame,
    Outcome,
    Resolve,
    Void,
    decode_journal,
    is_fact,
)
from fastemailnet.flashsync.lease import Spot
from fastemailnet.ledger.fact import Fact, LeafType, decode_facts, encode_facts
from fastemailnet.ledger.leaf import pack
from fastemailnet.log.interface import Log
from fastemailnet.outcome import Kind

READ_RECORDS = 1_000
FEEDBACK = 500  # the key of this stream's position beside those of journal partitions
HOT_S = 0.02
IDLE_MAX_S = 0.05
REACH_S = 10.0
MAX_NAMED = 100  # of what does not read
T = TypeVar("T")
F = TypeVar("F", Outcome, Resolve)
Project = Callable[[Sequence[Fact]], None]


class LedgerActor:
    """One ledger writer on one log. ``project`` sees every fact before it is kept: again after a crash, but never not."""

    def __init__(self, log: Log, keeper: Keeper, project: Project, events: Events | None = None) -> None:
        self.log = log
        self.postmaster = Postmaster(log)
        self.project = project
        self.events = events
        self.keeper = keeper
        self.fenced: set[tuple[str, int]] = set()
        self.numbers: dict[
            tuple[tuple[str, int], bool], int
        ] = {}  # writer and whether facts → the number of its next frame
        self.reviewed: set[Spot] = set()  # OUTCOMEs that held mail which is decided
        self.begun: dict[Spot, int] = {}  # INTENTs that nothing settled yet → the last word of their doubt
        self.skipped: dict[Spot, str] = {}  # what does not read → why
        self.untold: set[Spot] = set()  # INTENTs of which no facts were read yet
        self.is_open = asyncio.Event()
        self.positions: dict[int, int] = {}  # journal partition → first offset not consumed
        self.thread = ThreadPoolExecutor(1, "ledger")  # the keeper's only user, so its steps never interleave

    async def _do(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, call)

    async def run(self) -> None:
        """Recover, then follow the journal for ever.

        Raises:
            LedgerError: the files are damaged, or another writer lives.
        """
        self.positions = await self._do(self._recover)
        self.is_open.set()
        idle_s = HOT_S
        while True:
            facts = await self._do(self._step)
            idle_s = HOT_S if facts else min(idle_s * 1.5, IDLE_MAX_S)
            await asyncio.sleep(idle_s)

    def _step(self) -> int:
        """Consume what is new in every partition; the number of facts."""
        found: dict[int, list[tuple[int, Fact]]] = {}
        reached: dict[int, int] = {}
        reports: dict[int, list[bytes]] = {}
        for partition in range(JOURNAL_PARTITIONS):
            position = self.positions.get(partition, 0)
            if self.log.end(JOURNAL, partition) <= position:
                continue
            batch = self.log.fetch(JOURNAL, partition, position, READ_RECORDS)
            read = [(at, self._read((partition, at), record)) for at, record in batch]
            frames = [(at, frame) for at, frame in read if frame is not None]
            found[partition] = [(at, fact) for at, frame in frames for fact in self._facts((partition, at), frame)]
            reports[partition] = [one for at, frame in frames for one in self._reports((partition, at), frame)]
            reached[partition] = batch[-1][0] + 1
        self._tell(found)
        for partition, facts in found.items():
            if facts or reports[partition]:  # whose facts do not read, say
                # Marks stand with their own partition's position: those of another may not be kept yet.
                self.postmaster.post(reports[partition])
                self._keep(partition, facts, {partition: reached[partition], **self.postmaster.marks()})
        self.positions |= reached
        if not any(found.values()):
            found[FEEDBACK] = self._feedback()
        self.keeper.tick(wall_ms())
        return sum(map(len, found.values()))

    def _feedback(self) -> list[tuple[int, Fact]]:
        """Consume what came back, behind a journal that is read: what a note is about has to be known. Its facts."""
        position = self.positions.get(FEEDBACK, 0)
        if self.log.end(STREAM, 0) <= position:
            return []
        self.keeper.flush(wall_ms())
        batch = self.log.fetch(STREAM, 0, position, READ_RECORDS)
        if not batch:
            return []
        notes = [(at, note) for at, record in batch for note in self._note(at, record)]
        facts = [(at, one) for at, note in notes if (one := fact_of(note, self.keeper.facts(note.message))) is not None]
        reached = {FEEDBACK: batch[-1][0] + 1}
        self._tell({FEEDBACK: facts})
        if facts:
            self._keep(FEEDBACK, facts, reached)
        self.positions |= reached
        return facts

    def _tell(self, found: Mapping[int, Sequence[tuple[int, Fact]]]) -> None:
        """What others make of facts, before they are kept: a crash between the two tells them again."""
        self.project([fact for facts in found.values() for _, fact in facts])
        if self.events is not None:
            self.events.tell(found)

    def _keep(self, partition: int, facts: Sequence[tuple[int, Fact]], reached: dict[int, int]) -> None:
        try:
            self.keeper.append([fact for _, fact in facts], reached, wall_ms())
        except ValueError:  # none was taken
            fitting = [fact for at, fact in facts if self._fits((partition, at), fact)]
            self.keeper.append(fitting, reached, wall_ms())

    # ---- what does not read

    def _skip(self, spot: Spot, why: str) -> None:
        """Something at this place can have no leaf, now or ever: it is named, and ends nobody."""
        if spot not in self.skipped and len(self.skipped) < MAX_NAMED:
            self.skipped[spot] = why
            print(f"{_name(spot)} is passed over by the ledger: {why}", file=sys.stderr, flush=True)

    def _read(self, spot: Spot, record: bytes) -> Outcome | Resolve | None:
        """The frame in a record, if it has evidence and counts."""
        try:
            return self._valid(spot, decode_journal(record))
        except msgspec.MsgspecError as error:
            self._skip(spot, f"it holds no frame: {error}")
            return None

    def _facts(self, spot: Spot, frame: Outcome | Resolve) -> list[Fact]:
        try:
            return decode_facts(frame.evidence)
        except msgspec.MsgspecError as error:
            self._skip(spot, f"its evidence holds no facts: {error}")
            return []

    def _reports(self, spot: Spot, frame: Outcome | Resolve) -> Iterator[bytes]:
        for report in frame.reports:
            try:
                decode_unit(report)
            except msgspec.MsgspecError as error:
                self._skip(spot, f"it holds a report that is no unit: {error}")
            else:
                yield report

    def _note(self, at: int, record: bytes) -> Iterator[Note]:
        try:
            yield decode_note(record)
        except msgspec.MsgspecError as error:
            self._skip((FEEDBACK, at), f"it holds no note: {error}")

    def _fits(self, spot: Spot, fact: Fact) -> bool:
        try:
            pack(fact)
        except ValueError as error:
            self._skip(spot, f"a fact of it has no leaf: {error}")
            return False
        return True

    # ---- what counts

    def _valid(self, spot: Spot, frame: JournalFrame) -> Outcome | Resolve | None:
        """A frame with evidence, if it counts. A coordinator decides about what is held or in doubt alone, so the first time counts."""
        about = (spot[0], frame.intent) if isinstance(frame, Outcome | Resolve | Void) else spot
        match frame:
            case Intent() | Outcome() | Void() if self._is_repeated(frame):
                pass
            case Intent():
                self.begun[spot] = NO_WORD
                self.untold.add(spot)
            case Void():
                self.begun.pop(about, None)
                self.untold.discard(about)
            case Resolve() if frame.verdict in REVIEWS and about not in self.reviewed:
                self.reviewed.add(about)
                return frame
            case Resolve() if about in self.begun and not frame.is_behind(self.begun[about]):
                del self.begun[about]
                return self._accepted_once(about, frame)
            case Fence():
                self.fenced.add((frame.node, frame.incarnation))
            case Outcome() if frame.intent != NO_INTENT:
                return self._fact(about, frame, spot[1])
            case Outcome() if (frame.node, frame.incarnation) not in self.fenced:
                return frame
            case _:
                pass
        return None

    def _is_repeated(self, frame: Intent | Outcome | Void) -> bool:
        """R9: whether the frame's number was seen, as when an append landed twice."""
        writer = ((frame.node, frame.incarnation), is_fact(frame))
        expected = self.numbers.get(writer, 0)
        self.numbers[writer] = max(expected, frame.seq + 1)
        return frame.seq != NOT_NUMBERED and frame.seq < expected

    def _fact(self, intent: Spot, frame: Outcome, at: int) -> Outcome:
        """What a node tells of an attempt. Where a verdict came before it, the sender was told by that, or the mail is tried again."""
        if intent not in self.begun:
            frame = msgspec.structs.replace(frame, reports=())
        elif Kind.IN_DOUBT in frame.kinds:
            self.begun[intent] = at
        else:
            del self.begun[intent]
        return self._accepted_once(intent, frame)

    def _accepted_once(self, intent: Spot, frame: F) -> F:
        """A frame with facts about an INTENT. That the mail was accepted counts where it is told first."""
        if intent in self.untold:
            if frame.evidence:  # a verdict has none where the mail's record was not kept
                self.untold.remove(intent)
            return frame
        try:
            facts = [fact for fact in decode_facts(frame.evidence) if fact.type is not LeafType.ACCEPTED]
        except msgspec.MsgspecError:
            return frame  # its reports count all the same
        return msgspec.structs.replace(frame, evidence=encode_facts(facts))

    def _recover(self) -> dict[int, int]:
        self.keeper.open()
        kept = self.keeper.positions()
        self.postmaster.recover(kept)
        positions = {partition: position for partition, position in kept.items() if partition < FIRST_MARK}
        self._recall({partition: end for partition, end in positions.items() if partition != FEEDBACK})
        for partition in range(JOURNAL_PARTITIONS):
            self.log.follow(JOURNAL, partition, positions.get(partition, 0))
        self.log.follow(STREAM, 0, positions.get(FEEDBACK, 0))
        return positions

    def _recall(self, positions: dict[int, int]) -> None:
        """The fences and reviews before the positions where this writer goes on."""
        for partition, end in positions.items():
            at = 0
            self.log.follow(JOURNAL, partition, at)
            while at < end:
                batch = self.log.fetch(JOURNAL, partition, at, min(READ_RECORDS, end - at))
                for offset, record in batch:
                    self._read((partition, offset), record)
                at = batch[-1][0] + 1

    async def reach(self, positions: dict[int, int]) -> None:
        """Wait until the journal is consumed up to ``positions``: who has read that far shall find it here.

        Raises:
            FleetError: the ledger is too far behind.
        """
        await self.is_open.wait()
        deadline = asyncio.get_running_loop().time() + REACH_S
        while any(self.positions.get(partition, 0) < position for partition, position in positions.items()):
            if asyncio.get_running_loop().time() > deadline:
                raise FleetError(f"the ledger is more than {REACH_S:.0f} s behind the journal")
            await asyncio.sleep(HOT_S)

    async def receipt(self, delivery: bytes) -> str:
        """The receipt of a delivery, sealing and publishing first what is not yet. Raises NotFound."""
        await self.is_open.wait()
        return await self._do(lambda: self._receipt(delivery))

    def _receipt(self, delivery: bytes) -> str:
        self.keeper.flush(wall_ms())
        return self.keeper.receipt(delivery)

    async def timeline(self, message: bytes, positions: dict[int, int]) -> list[Row]:
        """Every recorded event of a message up to these journal positions at least, oldest first."""
        await self.reach(positions)
        return await self._do(lambda: self._timeline(message))

    def _timeline(self, message: bytes) -> list[Row]:
        self.keeper.flush(wall_ms())
        return self.keeper.timeline(message)

    async def status(self) -> dict[str, object]:
        """Size, newest checkpoint, and what of the journal could not be read."""
        await self.is_open.wait()
        return await self._do(self._status)

    def _status(self) -> dict[str, object]:
        self.keeper.flush(wall_ms())
        shown: dict[str, object] = {"leaves": self.keeper.size, "checkpoint": self.keeper.checkpoint()}
        if self.skipped:
            shown["passed over"] = {_name(spot): why for spot, why in self.skipped.items()}
        return shown


def _name(spot: Spot) -> str:
    """A place of the journal or of the stream of notes, for people."""
    return f"{STREAM}@{spot[1]}" if spot[0] == FEEDBACK else f"{JOURNAL}/{spot[0]}@{spot[1]}"
