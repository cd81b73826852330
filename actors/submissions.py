"""Taking a submission: admit it, append its units durably, answer. Once per idempotency key.

    admit ▸ key known? ▸ put a large body out (durable) ▸ append (durable) ▸ remember the key ▸ answer

A crash before the append took nothing and answered nobody; after it, the next gateway reads the key back from the
log. While the first submission of a key is on its way the later ones wait for it.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from actors.bodies import Bodies
from actors.clock import wall_ms
from fastemailnet import ids
from fastemailnet.admission.admit import admit
from fastemailnet.admission.reading import read_unit
from fastemailnet.admission.replay import Keys, repeat
from fastemailnet.admission.submission import Accepted, Admission, Limits, Submission
from fastemailnet.envelope import LANES, Position, Unit, encode_unit, place_of
from fastemailnet.errors import IdempotencyConflict, LogAppendUnknown
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced, Log
from fastemailnet.native import is_native

RANDOM_OCTETS: Final = 10
RANDOM_AT_ONCE: Final = 400  # draws of 10 octets that share a system call, which costs as much as reading a header
READ_RECORDS: Final = 500
MAX_RECALL_RECORDS: Final = 100_000  # a restart reads back at most so many units of a lane: about 2 s of 5 KB mails


class Submissions:
    """Takes submissions for one log."""

    def __init__(self, log: Log, group: GroupCommit, limits: Limits, bodies: Bodies, mail_partitions: int = 1) -> None:
        self.bodies = bodies
        self.log = log
        self.group = group
        self.limits = limits
        self.mail_partitions = mail_partitions
        self.keys = Keys()
        self.random = _draws().__next__
        self.on_their_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.reached: Counter[tuple[str, int]] = Counter()  # offsets behind the newest unit of ours

    async def recall(self) -> None:
        """Read the keys of the window back from the log. Before the first submission.

        Raises:
            LogError: the log cannot be read.
        """
        await asyncio.to_thread(self._recall)

    async def submit(self, submission: Submission) -> Accepted:
        """Accept a submission: durable when this returns.

        Raises:
            MessageError: it breaks a rule.
            IdempotencyConflict: its key names another message.
            LimitExceeded: the log is too slow for what comes in; nothing was taken.
            LogError: the log failed.
            BlobError: the store of large bodies failed; nothing was taken.
            LogAppendUnknown: perhaps taken.
        """
        admission = admit(submission, at_ms=wall_ms(), random80=self.random(), limits=self.limits)
        if admission.problems:
            raise admission.problems[0]
        if not admission.units[0].idempotency_key:
            await self._append(admission)
            return _accepted(admission)
        return await self._submit_once(submission, admission)

    async def _submit_once(self, submission: Submission, admission: Admission) -> Accepted:
        key = admission.units[0].idempotency_key
        name = submission.tenant, key
        while task := self.on_their_way.get(name):
            await asyncio.wait([task])
        first = self.keys.find(*name, wall_ms())
        if first is not None:
            again = repeat(submission, first, self.limits)
            if again is None:
                raise IdempotencyConflict(key, ids.to_text(first.message))
            return _accepted(again, replayed=True)
        # A task of its own: a caller that goes away must not leave a durable message whose key nobody remembers.
        task = self.on_their_way[name] = asyncio.create_task(self._append_and_remember(name, admission))
        await asyncio.shield(task)
        return _accepted(admission)

    async def _append_and_remember(self, name: tuple[str, str], admission: Admission) -> None:
        try:
            await self._append(admission)
            self.keys.remember(admission.units)
        finally:
            del self.on_their_way[name]

    async def _append(self, admission: Admission) -> None:
        first, *_ = units = await self.bodies.put_out(admission.units)
        where = place_of(first.lane, first.order_key, first.message, self.mail_partitions)
        reached = self.reached[where]
        try:
            appended = await self.group.append(*where, [encode_unit(unit) for unit in units])
        except LogAppendUnknown:
            if not await asyncio.to_thread(self._is_in_log, where, reached, admission.message):
                raise
            return
        assert not isinstance(appended, Fenced)  # a mail stream has no tokens
        self.reached[where] = max(self.reached[where], appended[-1] + 1)

    # ---- reading the log back (in a thread)

    def _is_in_log(self, where: tuple[str, int], start: int, message: bytes) -> bool:
        return any(unit.message == message for unit in self._units(where, start))

    def _recall(self) -> None:
        for where, end in self.log.ends(*LANES).items():
            self.reached[where] = end
            start = max(end - MAX_RECALL_RECORDS, self.log.begin(*where))
            for _, units in groupby(self._units(where, start), key=lambda unit: unit.message):
                message = list(units)
                if message[0].idempotency_key:
                    self.keys.remember(message)

    def _units(self, where: tuple[str, int], start: int) -> Iterator[Unit]:
        """The units that gateways appended; other producers' have no key."""
        while records := self.log.fetch(*where, start, READ_RECORDS):
            for offset, record in records:
                if is_native(record):
                    continue
                unit = read_unit(record, Position(*where, offset))
                if isinstance(unit, Unit):  # else the node that leases it says what is wrong with it
                    yield unit
            start = records[-1][0] + 1


def _draws() -> Iterator[bytes]:
    """10 random octets a time, for ever."""
    while True:
        octets = os.urandom(RANDOM_OCTETS * RANDOM_AT_ONCE)
        for start in range(0, len(octets), RANDOM_OCTETS):
            yield octets[start : start + RANDOM_OCTETS]


def _accepted(admission: Admission, *, replayed: bool = False) -> Accepted:
    units = admission.units
    recipients = sum(len(unit.recipients) for unit in units)
    return Accepted(admission.id, len(units), recipients, units[0].lane, replayed)
