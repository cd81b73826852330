"""The coordinator process: reads control and journal, feeds the machine, appends what it decides, in one loop.

A step of the loop is: read what is new ▸ fold it ▸ plan ▸ append ▸ read it back in the next step. What a crash means at each point:
before an append, nothing was decided; after it, the next coordinator reads the same frames and knows the same. An append whose
result is unknown ends the process for that reason.

Now and then the fold is appended to ``snapshot``, and the next coordinator begins from there. A snapshot that is lost or late costs
reading, nothing else.
"""

import asyncio
import os
from contextlib import suppress
from typing import Any

import msgspec

from actors.clock import monotonic_ms, wall_ms
from actors.telling import Telling
from actors.unread import Unread
from actors.verdicts import Verdicts
from fastemailnet.delivery.shares import Answer, Lender, Request
from fastemailnet.envelope import LANES, Position, is_ordered
from fastemailnet.errors import FleetError, LogError
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS, Coordinator, Policy, Write
from fastemailnet.flashsync.frames import (
    ANY_WORD,
    CONTROL,
    JOURNAL,
    Deferral,
    Fence,
    Join,
    Outcome,
    Resolve,
    Verdict,
    Void,
    decode_control,
    decode_journal,
    encode,
)
from fastemailnet.flashsync.snapshot import SNAPSHOT, decode_snapshot, encode_snapshot
from fastemailnet.log.interface import Fenced, Log, Token, Where
from fastemailnet.log.tail import read

READ_RECORDS = 2_000
HOT_S = 0.01  # leases reach far ahead, so nobody waits for a turn of this loop
IDLE_MAX_S = 0.02
REPLAN_S = 0.1
SHOW_S = 2.0
STALL_S = 1.0  # a log that takes longer to answer was away
WHO_OCTETS = 7  # a number that MessagePack and its readers take as an integer
SNAPSHOT_FRAMES = 20_000  # a snapshot after so many frames, or after twice as many as there are open entries in it

JoinFuture = asyncio.Future[tuple[Join, int]]


class CoordinatorActor:
    """One coordinator process on one log."""

    def __init__(self, log: Log, policy: Policy, nodes: int = 1, verdicts: Verdicts | None = None) -> None:
        """``nodes``: how many the fleet has, whether they live or not. ``verdicts``: None where a policy's verdict tells nobody."""
        self.log = log
        self.telling = Telling(log, verdicts) if verdicts is not None else None
        self.machine = Coordinator(policy, who=int.from_bytes(os.urandom(WHO_OCTETS)))
        self.lender = Lender(nodes, int.from_bytes(os.urandom(WHO_OCTETS)), monotonic_ms() / 1_000)
        self.unread = Unread()
        self.control_position = 0
        self.journal_positions = [0] * JOURNAL_PARTITIONS
        self.followed: set[int] = set()  # journal partitions
        self.frames_since_snapshot = 0
        self.requests: list[tuple[str, int, JoinFuture]] = []
        self.joins: dict[str, JoinFuture] = {}  # node → who gets its next incarnation

    async def run(self) -> None:
        """Take over, then lead until a higher epoch is read.

        Raises:
            FleetError: another coordinator took over.
            LogError: the log failed; start anew.
        """
        self.begin_from_snapshot()
        self.log.follow(CONTROL, 0, self.control_position)
        self.read_control()
        self.append([self.machine.candidacy(wall_ms())])
        self.read_all()
        self.machine.forgive_silence(wall_ms())
        marking = asyncio.create_task(self.show_progress())
        idle_s, since_plan_s = HOT_S, REPLAN_S
        while not self.machine.is_deposed():
            read = self.read_all()
            if (
                read
                or self.requests
                or since_plan_s >= REPLAN_S
                or (self.telling is not None and self.telling.has_news)
            ):
                since_plan_s = 0.0
                if self.machine.hears_silence(wall_ms()):
                    await self.listen()
                writes = [*self.admissions(), *self.plan()]
                # In a thread: a log over a network may take its time, and whoever asks this process shall not wait for it.
                await asyncio.to_thread(self.append, writes)
                read += len(writes)
            self.keep_snapshot()
            idle_s = HOT_S if read else min(idle_s * 1.5, IDLE_MAX_S)
            since_plan_s += idle_s
            await asyncio.sleep(idle_s)
        marking.cancel()
        raise FleetError(
            f"coordinator of epoch {self.machine.epoch} was followed by another (epoch {self.machine.fold.epoch})"
        )

    def plan(self) -> list[Write]:
        """What the machine decides now. A RESOLVE of a policy waits for what it tells."""
        writes = self.machine.plan(wall_ms(), self.ends())
        return writes if self.telling is None else self.telling.ready(writes, self.machine.fold.open)

    async def show_progress(self) -> None:
        """Tell the log's own tools the low watermarks, now and then. For people: nothing depends on it."""
        shown: dict[Where, int] = {}
        while True:
            await asyncio.sleep(SHOW_S)
            lows = {where: progress.low for where, progress in self.machine.fold.progress.items()}
            if news := {where: low for where, low in lows.items() if shown.get(where) != low}:
                with suppress(LogError):
                    await asyncio.to_thread(self.log.mark, news)
                    shown |= news

    async def listen(self) -> None:
        """Somebody seems to be silent. Read all that the log has; if the log itself was away, nobody is to blame for silence."""
        asked_s = asyncio.get_running_loop().time()
        ends = await asyncio.to_thread(self.log.ends, JOURNAL)
        if asyncio.get_running_loop().time() - asked_s > STALL_S:
            self.machine.forgive_silence(wall_ms())
        for (_, partition), end in ends.items():
            self.read_journal(partition, end)

    async def join(self, node: str, capacity: int, blamed: Position | None = None) -> tuple[Join, int]:
        """The next incarnation of a node, for this caller alone (R9), and the control offset behind its JOIN.

        ``blamed`` is the place that the node's former process was looking into when it died.
        """
        if blamed is not None and not self.machine.is_deposed():
            self.append([self.machine.blame(Position(*blamed))])
        future: JoinFuture = asyncio.get_running_loop().create_future()
        self.requests.append((node, capacity, future))
        return await future

    async def lend(self, request: Request) -> Answer | None:
        """A node's parts of the fleet's limits; None from one that may not say, or not yet.

        Raises:
            LogError: the log cannot be read now.
        """
        if not self.machine.epoch:
            return None
        self.read_control()  # one that was frozen may have been followed by another, who lends already
        if self.machine.is_deposed():
            return None
        return self.lender.lend(request, monotonic_ms() / 1_000)

    def admissions(self) -> list[Write]:
        """What the waiting joins ask for: one incarnation of a node at a time, so that no two callers share one."""
        writes, later = [], []
        for node, capacity, future in self.requests:
            if node in self.joins:
                later.append((node, capacity, future))
            else:
                self.joins[node] = future
                writes += self.machine.admit(node, capacity, wall_ms())
        self.requests = later
        return writes

    async def suspect(self, node: str, reason: str) -> None:
        """Somebody saw the node's process end."""
        if self.machine.epoch and not self.machine.is_deposed():
            self.append(self.machine.suspect(node, wall_ms(), reason))

    # ---- snapshots

    def begin_from_snapshot(self) -> None:
        """Start from the newest snapshot, if there is one."""
        end = self.log.ends(SNAPSHOT).get((SNAPSHOT, 0), 0)
        newest = self.log.fetch(SNAPSHOT, 0, end - 1, 1) if end else []
        if newest:
            try:
                fold, self.control_position = decode_snapshot(newest[0][1])
            except msgspec.MsgspecError:  # of another version: the streams have it all
                return
            self.machine = Coordinator(self.machine.policy, fold, self.machine.who)
            for partition, position in fold.read.items():
                self.journal_positions[partition] = position

    def keep_snapshot(self) -> None:
        """Append a snapshot if enough was read since the last one, and forget the older ones."""
        fold = self.machine.fold
        if self.frames_since_snapshot > max(SNAPSHOT_FRAMES, 2 * (len(fold.named) + len(fold.out) + len(fold.held))):
            self.frames_since_snapshot = 0
            landed = self.log.append(SNAPSHOT, 0, [encode_snapshot(fold, self.control_position)])
            assert not isinstance(landed, Fenced)
            self.log.trim(SNAPSHOT, 0, landed[0])

    # ---- the streams

    def ends(self) -> dict[tuple[str, int], int]:
        """Each mail partition and the offset of its next record."""
        ends = {}
        for stream in LANES:
            # A lease of a stream without units waits for the first one; an ordered partition has no live edge.
            for partition in self.log.partitions(stream) or ([] if is_ordered(stream) else [0]):
                ends[stream, partition] = self.log.end(stream, partition)
        return ends

    def append(self, writes: list[Write]) -> None:
        """Append in the order of the decisions: control frames in one batch, each FENCE as the end of its token's right."""
        control = [encode(write.frame) for write in writes if write.partition is None]
        for write in writes:
            if write.partition is None:
                continue
            if isinstance(write.frame, Fence):
                token = Token(write.frame.node, write.frame.incarnation)
                self.log.fence(JOURNAL, write.partition, token, encode(write.frame))
            else:
                self.log.append(JOURNAL, write.partition, [encode(write.frame)])
        if control:
            self.log.append(CONTROL, 0, control)

    def read_all(self) -> int:
        """Fold everything new: control first, so that every lease a journal frame names is known."""
        count = self.read_control()
        slots = {join.slot for join in self.machine.fold.members.values()}
        count += sum(self.read_journal(partition) for partition in sorted(slots))
        self.frames_since_snapshot += count
        return count

    def read_control(self) -> int:
        """Fold new control frames; their number."""
        count = 0
        while self.log.end(CONTROL, 0) > self.control_position:
            for offset, record in self.log.fetch(CONTROL, 0, self.control_position, READ_RECORDS):
                frame = self.unread.read(decode_control, record, CONTROL, 0, offset)
                is_valid = frame is not None and self.machine.control_read(frame, wall_ms())
                self.control_position = offset + 1
                count += 1
                if isinstance(frame, Join) and is_valid:
                    self.joined(frame)
        return count

    def joined(self, frame: Join) -> None:
        """Answer the caller that waits for this JOIN. A void one is answered to nobody: its caller asks the next coordinator."""
        future = self.joins.pop(frame.node, None)
        if future is not None and not future.done():
            future.set_result((frame, self.control_position))

    def read_journal(self, partition: int, end: int = 0) -> int:
        """Fold new frames of one journal partition, at least up to ``end``; their number."""
        count = 0
        position = self.journal_positions[partition]
        if partition not in self.followed:
            self.followed.add(partition)
            self.log.follow(JOURNAL, partition, position)
        while max(end, self.log.end(JOURNAL, partition)) > position:
            for offset, record in self.log.fetch(JOURNAL, partition, position, READ_RECORDS):
                frame = self.unread.read(decode_journal, record, JOURNAL, partition, offset)
                if frame is not None:
                    self.machine.journal_read(partition, offset, frame, wall_ms())
                position = offset + 1
                count += 1
        self.journal_positions[partition] = position
        return count

    async def resolve(
        self,
        partition: int,
        intent: int,
        verdict: str,
        reason: str,
        evidence: bytes = b"",
        reports: tuple[bytes, ...] = (),
        word: int = ANY_WORD,
    ) -> bool:
        """A person decides an attempt in doubt; False if it is not in doubt any more, or not the doubt that the person saw.

        ``word``: the last of its node that what is told was made of, see ``frames.Resolve``.
        """
        self.read_all()
        entry = self.machine.fold.open.get((partition, intent))
        if entry is None or entry.doubt_ms is None or not is_same(word, entry.word):
            return False
        write = self.machine.resolve(entry, Verdict(verdict), wall_ms(), reason, evidence, reports)
        landed = self.log.append(JOURNAL, partition, [encode(write.frame)])
        assert not isinstance(landed, Fenced)
        # The node may have spoken in between: with a fact, or anew of its doubt. Then the resolution is void.
        is_late = await self.is_before(partition, landed[0], intent, Outcome, Void)
        self.read_all()
        return not is_late

    async def review(
        self, partition: int, outcome: int, verdict: str, reason: str, deferral: Deferral | None, evidence: bytes
    ) -> bool:
        """A person decides about held mail; False if it is not held any more. The copy of a release is durable already."""
        self.read_all()
        entry = self.machine.fold.held.get((partition, outcome))
        if entry is None:
            return False
        write = self.machine.review(entry, Verdict(verdict), wall_ms(), reason, deferral, evidence)
        landed = self.log.append(JOURNAL, partition, [encode(write.frame)])
        assert not isinstance(landed, Fenced)
        is_late = await self.is_before(partition, landed[0], outcome, Resolve)
        self.read_all()
        return not is_late

    async def is_before(self, partition: int, end: int, intent: int, *kinds: type[Outcome | Void | Resolve]) -> bool:
        """Whether such a frame settled one place of a journal partition in what is not read yet, before ``end``."""
        span = read(self.log, (JOURNAL, partition), self.journal_positions[partition], end)
        where = (JOURNAL, partition)
        frames = [self.unread.read(decode_journal, one, *where, at) async for records in span for at, one in records]
        return any(isinstance(frame, kinds) and frame.intent == intent for frame in frames)

    async def status(self) -> dict[str, Any]:
        """What the coordinator knows, in numbers."""
        fold = self.machine.fold
        return {
            "epoch": self.machine.epoch,
            "nodes": [f"{join.node}.{join.incarnation}" for join in self.machine.living()],
            "leases": len(fold.leases),
            "in_doubt": len(fold.in_doubt()),
            "alarms": list(fold.alarms),
            "low_watermarks": {f"{stream}/{part}": p.low for (stream, part), p in fold.progress.items()},
            **self.unread.figures(),
        }


def is_same(word: int, other: int) -> bool:
    """Whether two readers of a doubt have heard the same of it, as far as they know."""
    return word == other or ANY_WORD in (word, other)
