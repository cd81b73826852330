"""The invariants of FlashSync that a log can show, each as a question to its streams (numbers as in the design of FlashSync).

Each rule says how much it looked at and yields what contradicts it. It takes what happened from ``journal_history``, a second reading
that is not the fold; where the fold has an answer of its own, the two are compared. Everything is linear in what was read.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from actors.journal_history import Begun, Ending, History, at
from actors.journal_reading import Record, Streams
from fastemailnet.admission.replay import WINDOW_MS
from fastemailnet.envelope import Position, is_tier
from fastemailnet.flashsync.doubt import WAITING
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Deferral, Void
from fastemailnet.flashsync.lease import Spot
from fastemailnet.outcome import Kind


@dataclass
class World:
    """What the rules look at: the streams, the second reading of them, and what the fold says, read whole and over a snapshot."""

    streams: Streams
    history: History
    fold: Fold
    resumed: Fold
    ends: dict[Position, Ending] = field(default_factory=dict)
    ended_twice: list[tuple[Ending, Ending]] = field(default_factory=list)
    named: dict[Position, Ending] = field(default_factory=dict)  # tier copy → the OUTCOME that names it
    deferrals: dict[Position, Deferral] = field(default_factory=dict)  # tier copy → what that OUTCOME says of it
    named_twice: list[tuple[Ending, Ending]] = field(default_factory=list)
    unfinished: dict[Position, Begun] = field(default_factory=dict)  # begun, and neither a fact nor a RESOLVE came

    def __post_init__(self) -> None:
        for ending in self.history.endings:
            first = self.ends.setdefault(ending.place, ending)
            if first is not ending:
                self.ended_twice.append((first, ending))
                continue
            for deferral in ending.deferrals:
                former = self.named.setdefault(deferral.copy, ending)
                if former is not ending or deferral.copy in self.deferrals:
                    self.named_twice.append((former, ending))
                self.deferrals.setdefault(deferral.copy, deferral)
        self.unfinished = {begun.place: begun for begun in self.history.begun.values() if begun.end is None}

    def source(self, place: Position) -> Position:
        """The accepted record that a place is, or is a copy of."""
        deferral = self.deferrals.get(place)
        return deferral.source if deferral is not None else place

    def unit(self, place: Position) -> Position:
        """Where the attempts of this place began: its accepted record, or the copy that a split made for its destination."""
        passed = set()
        while (ending := self.named.get(place)) is not None and len(ending.deferrals) == 1 and place not in passed:
            passed.add(place)
            place = ending.place
        return place

    def is_live(self, copy: Position) -> bool:
        """Whether a named copy has not ended."""
        return copy not in self.ends


Rule = Callable[[World], Iterator[str | int]]  # ints: how much was looked at; texts: what contradicts it


def noted(*invariants: str) -> Rule:
    """What the second reading met on its way."""

    def rule(world: World) -> Iterator[str | int]:
        for invariant in invariants:
            texts = world.history.found.get(invariant, [])
            yield from texts
            for _ in range(world.history.counts[invariant] - len(texts)):
                yield f"{invariant}: more like these"

    return rule


def points_of_no_return(world: World) -> Iterator[str | int]:
    """I1: at most one for each attempt of a unit, and the next attempt only after a fact or a RESOLVE ended the one before."""
    seen: dict[tuple[Position, int], Spot] = {}
    ended: dict[tuple[Position, int], Spot] = {}
    for (place, attempt), spot in world.history.reopened.items():
        ended[world.unit(place), attempt] = spot
    for ending in world.named.values():
        ended[world.unit(ending.place), ending.attempt] = ending.spot
    begun = [one for one in world.history.begun.values() if not isinstance(one.end, Void)]
    yield len(begun)
    for one in begun:
        unit, attempt = world.unit(one.place), one.intent.attempt
        what = f"{at(one.spot)}: the end of {unit} attempt {attempt}"
        first = seen.setdefault((unit, attempt), one.spot)
        if first != one.spot:
            yield f"{what} was allowed before, at {at(first)}"
        if attempt > 1:
            before = ended.get((unit, attempt - 1))
            if before is None:
                yield f"{what} was allowed, but no fact and no RESOLVE ended attempt {attempt - 1}"
            elif before[0] == one.spot[0] and before[1] > one.spot[1]:
                yield f"{what} was allowed before attempt {attempt - 1} ended at {at(before)}"


def one_class(world: World) -> Iterator[str | int]:
    """I2: a unit ended once, or waits in a tier or for a reviewer, or is in doubt, or is open; by recipient, as the fold says too."""
    for first, second in world.ended_twice:
        yield f"{second.place} ended at {at(first.spot)} and again at {at(second.spot)}"
    ended: Counter[Kind] = Counter()
    for ending in world.ends.values():
        ended.update(kind for kind in ending.kinds if kind not in WAITING)
        yield from _recipients(world, ending)
        if ending.place in world.unfinished:
            yield f"{ending.place} ended at {at(ending.spot)}, and {at(world.unfinished[ending.place].spot)} is still open"
    if ended != +world.fold.ended:
        yield f"the fold counts {_counts(world.fold.ended)}, the streams {_counts(ended)}"
    for spot in world.history.held.keys() ^ world.fold.held.keys():
        yield f"{at(spot)} holds mail by {'the fold' if spot in world.fold.held else 'the streams'} only"
    for place, _ in world.streams.mail():
        yield 1
        yield from _agreed(world, place)
    for copy in world.named:
        yield from _agreed(world, copy)


def _recipients(world: World, ending: Ending) -> Iterator[str]:
    """Whether an end speaks of exactly the recipients that its record has."""
    record = world.streams.record(ending.place)
    what = f"{at(ending.spot)}: the end of {ending.place}"
    if record is None:
        yield f"{what}, where no record is"
    elif len(ending.kinds) != record.deliveries:
        yield f"{what} speaks of {len(ending.kinds)} recipients, its record of {record.deliveries}"
    deferred = ending.kinds.count(Kind.DEFERRED)
    copied = sum(deferral.recipients for deferral in ending.deferrals)
    if deferred != copied:
        yield f"{what} defers {deferred} recipients, its copies have {copied}"


def _agreed(world: World, place: Position) -> Iterator[str]:
    progress = world.fold.progress.get(place[:2])
    done = progress is not None and progress.is_done(place.offset)
    if done != (place in world.ends):
        yield f"{place} is {'done' if done else 'not done'} by the fold, and the streams say otherwise"


def _counts(counts: Counter[Kind]) -> str:
    return ", ".join(f"{kind.value} {count}" for kind, count in sorted(counts.items())) or "nothing"


def disjoint(world: World) -> Iterator[str | int]:
    """I5: a place is leased again only after the lease before gave it up."""
    holders: dict[tuple[str, int], dict[int, int]] = {}
    for lease in world.history.leases.values():
        yield lease.hi - lease.lo
        holder = holders.setdefault((lease.stream, lease.partition), {})
        for offset in range(lease.lo, lease.hi):
            before = holder.get(offset)
            if before is not None and not world.history.is_free(before, offset):
                what = f"{lease.stream}/{lease.partition}@{offset}"
                yield f"{what} is in lease {lease.lease}, and lease {before} had not given it up"
            holder[offset] = lease.lease


def low_watermarks(world: World) -> Iterator[str | int]:
    """I6: the low watermark passes nothing that has not ended (in a tier: nothing that was leased)."""
    leased: dict[tuple[str, int], set[int]] = {}
    for lease in world.history.leases.values():
        if is_tier(lease.stream):
            leased.setdefault((lease.stream, lease.partition), set()).update(range(lease.lo, lease.hi))
    for where, progress in world.fold.progress.items():
        low = progress.low
        offsets = range(low) if not is_tier(where[0]) else sorted(leased.get(where, ()))
        yield low
        for offset in offsets:
            if offset < low and Position(*where, offset) not in world.ends:
                yield f"the low watermark of {where[0]}/{where[1]} is {low}, and {offset} has not ended"


def superseded(world: World) -> Iterator[str | int]:
    """I7: what a deposed coordinator wrote is not in the fold."""
    history, fold = world.history, world.fold
    yield len(history.void_leases)
    if fold.epoch != history.epoch:
        yield f"the fold is at epoch {fold.epoch}, control at {history.epoch}"
    if fold.members != history.newest:
        yield f"the fold's members are not those of the valid JOINs: {sorted(fold.members)}, {sorted(history.newest)}"
    for lease in (history.void_leases - history.leases.keys()) & (fold.leases.keys() | set(fold.out.values())):
        yield f"the fold has lease {lease} of a superseded epoch"
    yield from noted("I7")(world)


def doubts(world: World) -> Iterator[str | int]:
    """I8: in doubt is a valid INTENT whose node is fenced or reported it, with neither a fact nor a RESOLVE behind it."""
    begun = world.history.begun.values()
    expected = {one.spot for one in begun if one.end is None and one.is_doubted}
    yield len(expected)
    for spot in expected ^ {entry.spot for entry in world.fold.in_doubt()}:
        yield f"{at(spot)} is in doubt by {'the streams' if spot in expected else 'the fold'} only"
    unsettled = {one.spot for one in begun if one.end is None}
    for spot in unsettled ^ world.fold.open.keys():
        yield f"{at(spot)} is open by {'the streams' if spot in unsettled else 'the fold'} only"


def copies(world: World) -> Iterator[str | int]:
    """I9, I18: what is deferred has one live copy, which exists and is the same message for the same people."""
    yield len(world.named)
    for first, second in world.named_twice:
        yield f"{at(first.spot)} and {at(second.spot)} name the same copy"
    live: dict[Position, Position] = {}
    for copy, ending in world.named.items():
        yield from _same(world, copy, world.deferrals[copy], ending)
        if world.is_live(copy):
            other = live.setdefault(world.unit(copy), copy)
            if other != copy:
                yield f"{world.unit(copy)} waits as {other} and as {copy}"
    for ending in {id(one): one for one in world.named.values() if len(one.deferrals) > 1}.values():
        yield from _parted(world, ending)
    for copy in set(filter(world.is_live, world.named)) ^ world.fold.named.keys():
        yield f"{copy} is waiting by {'the fold' if copy in world.fold.named else 'the streams'} only"


def _parted(world: World, ending: Ending) -> Iterator[str]:
    """Whether a split gave each recipient of its record to one copy."""
    records = [world.streams.record(deferral.copy) for deferral in ending.deferrals]
    given = sorted(recipient.index for record in records if record is not None for recipient in record.recipients)
    whole = world.streams.record(ending.place)
    if whole is not None and given != sorted(recipient.index for recipient in whole.recipients):
        yield f"{at(ending.spot)} splits {ending.place}, and its copies have the recipients {given}"


def _same(world: World, copy: Position, deferral: Deferral, ending: Ending) -> Iterator[str]:
    record, accepted = world.streams.record(copy), world.streams.record(deferral.source)
    what = f"{at(ending.spot)} names {copy}"
    if record is None or accepted is None:
        yield f"{what}, a copy of {deferral.source}: one of the two does not exist"
        return
    if (record.source, record.attempt) != (deferral.source, deferral.attempt):
        yield f"{what} as attempt {deferral.attempt} of {deferral.source}; it is {record.attempt} of {record.source}"
    if len(record.recipients) != deferral.recipients or not set(record.recipients) <= set(accepted.recipients):
        yield f"{what}, which has other recipients than were deferred"
    if (record.message, record.body) != (accepted.message, accepted.body):
        yield f"{what}, whose message or body is not that of {deferral.source}"
    if world.source(ending.place) != deferral.source:
        yield f"{what} as a copy of {deferral.source}, but ends {world.source(ending.place)}"


def orphans(world: World) -> Iterator[str | int]:
    """I10: nothing is begun or ended for a copy that no OUTCOME names."""
    for begun in world.history.begun.values():
        if is_tier(begun.place.stream):
            yield 1
            if begun.place not in world.named:
                yield f"{at(begun.spot)} allows the end of {begun.place}, which no OUTCOME names"
    for ending in world.history.endings:
        if is_tier(ending.place.stream) and ending.intent is None and ending.place not in world.named:
            yield f"{at(ending.spot)} ends {ending.place}, which no OUTCOME names"


def snapshots(world: World) -> Iterator[str | int]:
    """I11, I16: the fold over a snapshot, and of the partitions in another order, is the fold of the whole."""
    yield world.streams.frames
    one, other = world.fold, world.resumed
    if one.key() != other.key():
        yield "the fold over a snapshot differs from the fold of the whole"
    if (one.numbers, one.read) != (other.numbers, other.read):
        yield "the fold over a snapshot expects other numbers or positions than the fold of the whole"
    if sorted(one.alarms) != sorted(other.alarms):
        yield "the fold over a snapshot raises other alarms than the fold of the whole"


def keys(world: World) -> Iterator[str | int]:
    """I12: a key takes each recipient once within its window."""
    seen: dict[tuple[str, str, str], tuple[int, Position]] = {}
    for place, record in world.streams.mail():
        if record.key:
            yield 1
            for recipient in record.recipients:
                name = (record.tenant, record.key, recipient.address)
                before = seen.get(name)
                if before is not None and abs(record.accepted_ms - before[0]) < WINDOW_MS:
                    yield f"{place} and {before[1]} were accepted under one key {record.key!r} for {recipient.address}"
                seen[name] = record.accepted_ms, place


def expiry(world: World) -> Iterator[str | int]:
    """I17: no end is allowed after the unit expired."""
    for begun in world.history.begun.values():
        record: Record | None = world.streams.record(begun.place)
        yield 1
        if record is None:
            yield f"{at(begun.spot)} allows the end of {begun.place}, where no record is"
        elif begun.intent.at_ms >= record.expires_ms:
            late_ms = begun.intent.at_ms - record.expires_ms
            yield f"{at(begun.spot)} allows the end of {begun.place} {late_ms} ms after it expired"


def numbers(world: World) -> Iterator[str | int]:
    """R9: the numbers of each writer have no gap, and none names two frames."""
    yield sum(world.history.numbers.values())
    if world.history.numbers != world.fold.numbers:
        yield "the fold expects other numbers than the streams show"
    yield from noted("R9")(world)


def facts(world: World) -> Iterator[str | int]:
    """I3: a fact names a valid INTENT of its own attempt, and settles it once."""
    yield sum(ending.intent is not None and not ending.is_decided for ending in world.history.endings)
    yield from noted("I3")(world)


def rights(world: World) -> Iterator[str | int]:
    """I4: nothing was ended by an incarnation behind its FENCE, and each writes in its own partition only."""
    yield len(world.history.fenced)
    yield from noted("I4")(world)


def alarms(world: World) -> Iterator[str | int]:
    """The fold itself met nothing that must not happen."""
    yield world.streams.frames
    yield from world.fold.alarms


def readable(world: World) -> Iterator[str | int]:
    """Every record of control and journal is a frame."""
    yield world.streams.frames
    yield from world.streams.unreadable


def attempts(world: World) -> Iterator[str | int]:
    """I1, over leases and within one."""
    yield from points_of_no_return(world)
    yield from noted("I1")(world)


def classes(world: World) -> Iterator[str | int]:
    """I2, and no release of what would then be nowhere."""
    yield from one_class(world)
    yield from noted("I2")(world)


def leases(world: World) -> Iterator[str | int]:
    """I5, and no lease number twice."""
    yield from disjoint(world)
    yield from noted("I5")(world)


RULES: dict[str, tuple[str, Rule]] = {
    "frames": ("records of control and journal that are frames", readable),
    "I1": ("ends allowed: one for each attempt, the next after the one before ended", attempts),
    "I2": ("units in exactly one class, the same by fold and streams", classes),
    "I3": ("facts that settle a valid INTENT, once", facts),
    "I4": ("fenced incarnations that ended nothing more", rights),
    "I5": ("places leased to one at a time", leases),
    "I6": ("offsets below the low watermarks, all ended", low_watermarks),
    "I7": ("leases of superseded epochs without effect, and no act without a lease", superseded),
    "I8": ("attempts in doubt, the same by fold and streams", doubts),
    "I9": ("deferred units with one live copy each, of the same body (I18)", copies),
    "I10": ("ends allowed in tiers, none for an orphan", orphans),
    "I11": ("frames folded over a snapshot in the middle and in another order", snapshots),
    "I12": ("units with an idempotency key, one for each recipient in 24 h", keys),
    "I17": ("ends allowed before the unit expired", expiry),
    "R9": ("numbered frames without gap or double", numbers),
    "alarms": ("frames folded without an alarm", alarms),
}
NOT_JUDGED = "I13, I14, I15: memory, the age of an INTENT at its end and the bounds of lanes leave no trace in a log"
