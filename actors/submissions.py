"""Taking a submission: admit it, append its units durably, answer. Once per idempotency key.

    admit ▸ key known? ▸ put a large body out (durable) ▸ append (durable) ▸ remember the key ▸ answer ▸ (a moment later) key file

A crash before the append took nothing and answered nobody; after it, the next gateway reads the key back from the
log, from where the key file ends. While the first submission of a key is on its way the later ones wait for it.

Where nobody knows whether an append was done, the log is looked at; where it cannot be, or has not all of the message, nothing is
answered but that. Whoever repeats the submission under its key then has the log looked at again, and what it lacks appended under the
first one's id. The same goes for a message of which a gateway that starts finds a part in the log: its units say of which whole they
are (``admission.whole``).

A message of which nobody knows is remembered for its key alone: without one nobody can ask for it, and a repeat is another message.
Over ``MAX_UNSETTLED`` the oldest is forgotten and counted; its repeat would be taken for the first.
"""

import asyncio
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, groupby, islice
from typing import Final

from actors.bodies import Bodies
from actors.clock import wall_ms
from actors.key_file import KeyFile, Where
from actors.quotas import Quotas
from actors.unsettled import Found, Search, Unsettled
from fastemailnet import ids
from fastemailnet.admission.admit import admit
from fastemailnet.admission.reading import read_unit
from fastemailnet.admission.replay import WINDOW_MS, Entry, First, Keys, name_of, repeat
from fastemailnet.admission.submission import Accepted, Admission, Limits, Submission
from fastemailnet.admission.tenants import Tenants
from fastemailnet.admission.whole import is_whole
from fastemailnet.envelope import LANES, Position, Unit, encode_unit, place_of
from fastemailnet.errors import IdempotencyConflict, LogAppendUnknown, LogError
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Fenced, Log
from fastemailnet.native import is_native

log = logging.getLogger(__name__)
RANDOM_OCTETS: Final = 10
RANDOM_AT_ONCE: Final = 400  # draws of 10 octets that share a system call, which costs as much as reading a header
READ_RECORDS: Final = 500
KEEP_EVERY_S: Final = 0.5  # from a key to its place in the key file
KEEP_AT_ONCE: Final = 10_000  # keys of one transaction when the log is read back
MAX_UNSETTLED: Final = 100_000  # messages of which nobody knows; about 700 octets each

Name = tuple[str, str]  # a tenant and a key


class Submissions:
    """Takes submissions for one log."""

    def __init__(
        self,
        log: Log,
        group: GroupCommit,
        limits: Limits,
        bodies: Bodies,
        key_file: KeyFile,
        mail_partitions: int = 1,
        tenants: Callable[[], Tenants] = Tenants,
        quotas: Quotas | None = None,
    ) -> None:
        """``tenants``: those of now; ``quotas``: how much of them is taken, all of it without."""
        self.tenants = tenants
        self.quotas = quotas
        self.bodies = bodies
        self.log = log
        self.group = group
        self.limits = limits
        self.mail_partitions = mail_partitions
        self.keys = Keys()
        self.key_file = key_file
        self.unkept: list[Entry] = []  # keys that are not in the file yet
        self.keeping: asyncio.Task[None] | None = None
        self.random = _draws().__next__
        self.on_their_way: dict[Name, asyncio.Task[Accepted]] = {}
        self.unsettled: dict[Name, Unsettled] = {}  # oldest first
        self.forgotten = 0  # of these, within the window of their key
        self.search = Search(self._in_log)
        self.reached: Counter[Where] = Counter()  # offsets behind the newest unit of ours
        self.appending: dict[bytes, tuple[Where, int]] = {}  # message on its way → where, and an offset before it

    def status(self) -> dict[str, int]:
        """Messages of which nobody knows whether they are in the log, and those of them that had to be forgotten, if there are any."""
        figures = {"unsettled": len(self.unsettled), "forgotten": self.forgotten}
        return {name: count for name, count in figures.items() if count}

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
            SenderDenied: its sender is of none of its tenant's domains.
            IdempotencyConflict: its key names another message.
            LimitExceeded: the log is too slow for what comes in; nothing was taken.
            QuotaExceeded: its tenant has handed in as much as it may for now; nothing was taken.
            LogError: the log failed.
            BlobError: the store of large bodies failed; nothing was taken.
            LogAppendUnknown: perhaps taken.
        """
        admission = admit(submission, at_ms=wall_ms(), random80=self.random(), limits=self.limits)
        if admission.problems:
            raise admission.problems[0]
        if (tenant := self.tenants().named(submission.tenant)) is not None:
            tenant.refuse_sender(submission.reverse_path)
            tenant.refuse_authors(submission.message)
        if not admission.units[0].idempotency_key:
            await self._append(admission)
            return _accepted(admission)
        return await self._submit_once(submission, admission)

    async def _submit_once(self, submission: Submission, admission: Admission) -> Accepted:
        key = admission.units[0].idempotency_key
        name = submission.tenant, key
        while task := self.on_their_way.get(name):
            await asyncio.wait([task])
        first = self._first_of(name, wall_ms())
        if first is not None:
            again = repeat(submission, first, self.limits)
            if again is None:
                raise IdempotencyConflict(key, ids.to_text(first.message))
            return _accepted(again, replayed=True)
        # A task of its own: a caller that goes away must not leave a durable message whose key nobody remembers.
        task = self.on_their_way[name] = asyncio.create_task(self._append_and_remember(name, submission, admission))
        return await asyncio.shield(task)

    async def _append_and_remember(self, name: Name, submission: Submission, admission: Admission) -> Accepted:
        try:
            accepted = await self._settle(name, submission) or await self._take(name, admission)
            self.unkept.append(self.keys.remember(accepted.units))
            self.keeping = self.keeping or asyncio.create_task(self._keep())
            self._drop(name)
            return _accepted(accepted, replayed=accepted is not admission)
        finally:
            del self.on_their_way[name]

    async def _take(self, name: Name, admission: Admission) -> Admission:
        where = self._place_of(admission.units[0])
        reached = self.reached[where]
        try:
            await self._append(admission)
        except LogAppendUnknown:
            self._leave_unsettled(name, Unsettled(where, reached, First.of(admission.units)), reached)
            raise
        return admission

    def _leave_unsettled(self, name: Name, message: Unsettled, start: int, there: Collection[str] = ()) -> None:
        """Whoever comes again under the key has the log looked at from ``start`` on. ``there``: domains of units that were seen."""
        self._drop(name)
        self.unsettled[name] = message
        self.search.want(message.where, message.first.message, start, there)
        self._forget(wall_ms())
        if len(self.unsettled) > MAX_UNSETTLED:
            if not self.forgotten:
                log.warning(
                    "over %d messages may be in the log or not: of older ones a repeat is taken as new", MAX_UNSETTLED
                )
            self._drop(next(iter(self.unsettled)))
            self.forgotten += 1

    def _drop(self, name: Name) -> None:
        """Nobody asks for it any more, or somebody knows."""
        if (known := self.unsettled.pop(name, None)) is not None:
            self.search.drop(known.where, known.first.message)

    def _forget(self, now_ms: int) -> None:
        """Those whose key is free again."""
        while self.unsettled:
            name, oldest = next(iter(self.unsettled.items()))
            if oldest.first.at_ms > now_ms - WINDOW_MS:
                break
            self._drop(name)

    async def _settle(self, name: Name, submission: Submission) -> Admission | None:
        """The message that the key named before, if it may be in the log: all of it is, then. It was counted when it came first."""
        known = self.unsettled.get(name)
        if known is None or known.first.at_ms <= wall_ms() - WINDOW_MS:
            self._drop(name)
            return None
        there = await self._look_for(known.where, known.first.message)
        again = repeat(submission, known.first, self.limits)
        if again is not None:
            await self._append_units([unit for unit in again.units if unit.domain not in there], known.where)
        elif there:
            raise IdempotencyConflict(name[1], ids.to_text(known.first.message))
        else:
            self._drop(name)
        return again

    def _first_of(self, name: Name, now_ms: int) -> First | None:
        return self.keys.find(*name, now_ms) or First.within(self.key_file.find(name_of(*name)), now_ms)

    async def _keep(self) -> None:
        """Bring what was remembered into the file, until all of it is there. What fails is tried again."""
        while self.unkept:
            await asyncio.sleep(KEEP_EVERY_S)
            entries, self.unkept = self.unkept, []
            self._forget(wall_ms())
            try:
                await asyncio.to_thread(self.key_file.put, entries, self._reached(), wall_ms() - WINDOW_MS)
            except sqlite3.Error:
                self.unkept = entries + self.unkept
        self.keeping = None

    def _reached(self) -> dict[Where, int]:
        """The offsets below which the next gateway has nothing to look for."""
        reached = dict(self.reached)
        unsettled = ((one.where, one.since) for one in self.unsettled.values())
        for where, offset in chain(self.appending.values(), unsettled):
            reached[where] = min(offset, self.reached[where], reached.get(where, offset))
        return reached

    async def _append(self, admission: Admission) -> None:
        """Append what nobody has appended before, if its tenant may hand in so much. A refusal comes before anything is written."""
        units = admission.units
        tenant = self.tenants().named(units[0].tenant)
        with self.quotas.taken(tenant, recipients_of(units)) if self.quotas is not None else nullcontext():
            await self._append_units(units, self._place_of(units[0]))

    async def _append_units(self, given: Sequence[Unit], where: Where) -> None:
        if not given:
            return
        first, *_ = units = await self.bodies.put_out(given)
        reached = self.reached[where]
        self.appending[first.message] = where, reached
        try:
            appended = await self.group.append(*where, [encode_unit(unit) for unit in units])
        except LogAppendUnknown:
            await self._find(units, where, reached)
        else:
            assert not isinstance(appended, Fenced)  # a mail stream has no tokens
            self.reached[where] = max(self.reached[where], appended[-1] + 1)
        finally:
            del self.appending[first.message]

    def _place_of(self, unit: Unit) -> Where:
        return place_of(unit.lane, unit.order_key, unit.message, self.mail_partitions)

    async def _find(self, units: Sequence[Unit], where: Where, start: int) -> None:
        """Look whether the log has taken these units of one message. What has a key stays wanted until it has them all.

        Raises:
            LogAppendUnknown: it has not all of them, or cannot be read.
        """
        first = units[0]
        self.search.want(where, first.message, start)
        try:
            if not {unit.domain for unit in units} <= await self._look_for(where, first.message):
                raise LogAppendUnknown("nobody knows whether the log has all of the message")
            self.search.drop(where, first.message)
        finally:
            if not first.idempotency_key:
                self.search.drop(where, first.message)

    async def _look_for(self, where: Where, message: bytes) -> set[str]:
        """The domains of a wanted message whose units are in the log.

        Raises:
            LogAppendUnknown: nobody knows, for the log cannot be read.
        """
        try:
            end, there = await self.search.look(where, message)
        except LogError as error:
            raise LogAppendUnknown(*error.args) from error
        # What is appended from now on stands behind this end, so nobody who is left without an answer is looked for before it.
        self.reached[where] = max(self.reached[where], end)
        return there

    # ---- reading the log back (in a thread)

    def _in_log(self, where: Where, start: int, messages: Container[bytes]) -> Found:
        """The end of a partition, and the units of these messages from an offset up to there at least."""
        end = self.log.ends(where[0]).get(where, start)
        return end, [(unit.message, unit.domain) for _, unit in self._units(where, start) if unit.message in messages]

    def _recall(self) -> None:
        forget_ms = wall_ms() - WINDOW_MS
        kept = self.key_file.reached()
        for where, end in self.log.ends(*LANES).items():
            self.reached[where] = end
            start = max(kept.get(where, 0) or self._begin_of(where, end, forget_ms), self.log.begin(*where))
            entries = self._entries(where, start, end, forget_ms)
            while batch := list(islice(entries, KEEP_AT_ONCE)):
                self.key_file.put(batch, {}, forget_ms)
        self.key_file.put([], self._reached(), forget_ms)

    def _entries(self, where: Where, start: int, end: int, forget_ms: int) -> Iterator[Entry]:
        """The keys of one partition whose messages are whole there. The others are left to who comes again for the rest."""
        for _, group in groupby(self._units(where, start), key=lambda found: found[1].message):
            (since, first), *_ = found = list(group)
            if not first.idempotency_key:
                continue
            units = [unit for _, unit in found]
            entry = Entry.of(units)
            if is_whole(units) or self.key_file.find(entry.name) == entry.kept:
                yield entry
            elif first.accepted_ms > forget_ms:
                name, message = (first.tenant, first.idempotency_key), First.of(units)
                known, there = self.unsettled.get(name), {unit.domain for unit in units}
                if known is None or known.first.at_ms < message.at_ms:
                    self._leave_unsettled(name, Unsettled(where, since, message), end, there)
                elif known.first == message:
                    self.search.want(where, message.message, end, there)

    def _begin_of(self, where: Where, end: int, at_ms: int) -> int:
        """An offset before which everything was accepted before ``at_ms``, found by halving."""
        low, high = self.log.begin(*where), end
        while low < high:
            middle = (low + high) // 2
            found = next(self._units(where, middle), None)
            if found is not None and found[1].accepted_ms < at_ms:
                low = middle + 1
            else:
                high = middle
        return low

    def _units(self, where: Where, start: int) -> Iterator[tuple[int, Unit]]:
        """The units that gateways appended, with their offsets; other producers' have no key."""
        while records := self.log.fetch(*where, start, READ_RECORDS):
            for offset, record in records:
                if is_native(record):
                    continue
                unit = read_unit(record, Position(*where, offset))
                if isinstance(unit, Unit):  # else the node that leases it says what is wrong with it
                    yield offset, unit
            start = records[-1][0] + 1


def _draws() -> Iterator[bytes]:
    """10 random octets a time, for ever."""
    while True:
        octets = os.urandom(RANDOM_OCTETS * RANDOM_AT_ONCE)
        for start in range(0, len(octets), RANDOM_OCTETS):
            yield octets[start : start + RANDOM_OCTETS]


def _accepted(admission: Admission, *, replayed: bool = False) -> Accepted:
    units = admission.units
    return Accepted(admission.id, len(units), recipients_of(units), units[0].lane, replayed)


def recipients_of(units: Sequence[Unit]) -> int:
    """How many a message has."""
    return sum(len(unit.recipients) for unit in units)
