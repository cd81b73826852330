"""What must hold after every step, judged from the raw streams by simple means (numbers as in docs/flashsync.md).

The checks do not use the fold to judge the fold: they read the streams again, slowly and plainly.
"""

from collections.abc import Iterator
from typing import Any

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.outcome import Kind
from tests.model.world import ORDERED, TIER, Bounds, End, Node, Streams

Journal = tuple[Any, ...]


def valid_control(streams: Streams) -> list[Any]:
    """The control frames with no higher EPOCH before them (R1)."""
    epoch, valid = 0, []
    for frame in streams.control:
        if isinstance(frame, f.Epoch):
            epoch = max(epoch, frame.epoch)
        elif frame.epoch == epoch:
            valid.append(frame)
    return valid


def unfenced(journal: Journal) -> Iterator[tuple[int, Any]]:
    """The frames of nodes with no FENCE of their token before them and not seen before, with their positions (R3, R9)."""
    fenced: set[tuple[str, int]] = set()
    seen: set[tuple[Any, ...]] = set()
    for position, frame in enumerate(journal):
        if isinstance(frame, f.Fence):
            fenced.add((frame.node, frame.incarnation))
        elif not isinstance(frame, f.Resolve):
            number = (frame.node, frame.incarnation, f.is_fact(frame), frame.seq)
            if (frame.node, frame.incarnation) not in fenced and number not in seen:
                yield position, frame
            seen.add(number)


def effective(journal: Journal) -> list[Any]:
    """Permissions with no FENCE before them, and facts wherever they stand (R5)."""
    facts = [x for x in journal if isinstance(x, f.Outcome) and x.intent != f.NO_INTENT]
    return [x for _, x in unfenced(journal)] + facts


def reviews(journal: Journal) -> list[Any]:
    """The decision that counts of each OUTCOME that holds mail: the first behind it."""
    holding = {at for at, x in unfenced(journal) if isinstance(x, f.Outcome) and Kind.HELD in x.kinds}
    first: dict[int, Any] = {}
    for x in journal:
        if isinstance(x, f.Resolve) and x.verdict in f.REVIEWS and x.intent in holding:
            first.setdefault(x.intent, x)
    return list(first.values())


def leased(streams: Streams) -> dict[int, Any]:
    """Valid leases by number."""
    return {frame.lease: frame for frame in valid_control(streams) if isinstance(frame, f.Assign)}


# ---- of the streams


def violations(streams: Streams, fold: Fold, live: Fold, bounds: Bounds, kind: type[Fold]) -> Iterator[str]:
    """Every invariant that the streams break. ``fold`` read them at once, ``live`` frame by frame through snapshots."""
    yield from (f"alarm: {text}" for text in fold.alarms)
    key = fold.key()
    if key != live.key():
        yield "I11 the fold over snapshots differs from the fold of the whole"
    other = kind()
    for frame in streams.control:
        other.apply_control(frame)
    for partition in reversed(range(len(streams.journals))):
        for position, frame in enumerate(streams.journals[partition]):
            other.apply_journal(partition, position, frame)
            if other.apply_journal(partition, position, frame):
                yield f"I16 reading journal/{partition}@{position} again changes the fold"
    if other.alarms != fold.alarms:
        yield f"I16 reading frames again raises an alarm: {other.alarms}"
    if key != other.key():
        yield "I16 the fold depends on the order in which journal partitions are read"
    yield from disjoint(fold)
    yield from doubts(streams, fold)
    yield from conserved(streams, fold, bounds)
    yield from reviewed(streams, fold)
    yield from low(fold)


def disjoint(fold: Fold) -> Iterator[str]:
    """I5: no place that has not ended is in two live leases of one attempt."""
    leases = list(fold.leases.values())
    for index, one in enumerate(leases):
        for other in leases[:index]:
            if (one.stream, one.partition, one.attempt) == (other.stream, other.partition, other.attempt):
                for offset in range(max(one.lo, other.lo), min(one.hi, other.hi)):
                    if not fold.progress[one.stream, one.partition].is_done(offset):
                        yield f"I5 {one.stream}@{offset} is in two live leases"


def doubts(streams: Streams, fold: Fold) -> Iterator[str]:
    """I8: in doubt = valid INTENT, fenced node or own report, no fact, no resolution."""
    expected = set()
    leases = leased(streams)
    for partition, journal in enumerate(streams.journals):
        fenced = {(x.node, x.incarnation) for x in journal if isinstance(x, f.Fence)}
        for position, intent in unfenced(journal):
            if not isinstance(intent, f.Intent) or intent.lease not in leases:
                continue
            later = journal[position + 1 :]
            facts = [x for x in later if isinstance(x, f.Outcome | f.Void) and x.intent == position]
            reported = any(isinstance(x, f.Outcome) and Kind.IN_DOUBT in x.kinds for x in facts)
            settled = any(isinstance(x, f.Void) or Kind.IN_DOUBT not in x.kinds for x in facts)
            decided = any(counts(at, x, journal) for at, x in enumerate(journal) if names_intent(x, position))
            if (reported or (intent.node, intent.incarnation) in fenced) and not settled and not decided:
                expected.add((partition, position))
    found = {entry.spot for entry in fold.in_doubt()}
    if found != expected:
        yield f"I8 in doubt by the fold {sorted(found)}, by the streams {sorted(expected)}"


def names_intent(frame: Any, position: int) -> bool:
    """Whether this is a RESOLVE of a doubt whose INTENT stands there."""
    return isinstance(frame, f.Resolve) and frame.verdict not in f.REVIEWS and frame.intent == position


def counts(at: int, resolve: f.Resolve, journal: Journal) -> bool:
    """R6: whether a RESOLVE of a doubt heeds the last that its node said before it."""
    before = enumerate(journal[:at])
    words = [
        n for n, x in before if isinstance(x, f.Outcome) and x.intent == resolve.intent and Kind.IN_DOUBT in x.kinds
    ]
    return resolve.heeds == (words[-1] if words else f.NO_WORD)


def conserved(streams: Streams, fold: Fold, bounds: Bounds) -> Iterator[str]:
    """I2, I9: every delivery is in exactly one class: ended, waiting in a tier, or not done."""
    parts = 2 if bounds.splits or bounds.settles else 1
    mail = fold.progress[bounds.stream, 0]
    open_units = sum(not mail.is_done(offset) for offset in range(bounds.units))
    total = (
        sum(fold.ended.values())
        + len(fold.named)
        + open_units * parts
        + sum(entry.recipients for entry in fold.held.values())
    )
    if total != bounds.units * parts:
        yield f"I2 {bounds.units} accepted, but {dict(fold.ended)} ended, {len(fold.named)} deferred, {open_units} open"
    sources = [streams.tier[copy.offset][0] for copy in fold.named if copy.offset < len(streams.tier)]
    if len(set(sources)) != len(sources):
        yield "I9 a unit has two live copies"
    if any(copy.offset >= len(streams.tier) for copy in fold.named):
        yield "I9 a copy is named that is not durable"


def reviewed(streams: Streams, fold: Fold) -> Iterator[str]:
    """I2: held is what an OUTCOME holds and no decision behind it."""
    for partition, journal in enumerate(streams.journals):
        decided = {x.intent for x in reviews(journal)}
        held = {at for at, x in unfenced(journal) if isinstance(x, f.Outcome) and Kind.HELD in x.kinds} - decided
        found = {spot[1] for spot in fold.held if spot[0] == partition}
        if not found <= held:
            yield f"I2 journal/{partition}@{sorted(found - held)} is held by the fold and decided by the streams"


def low(fold: Fold) -> Iterator[str]:
    """I6: the low watermark passes nothing that is open or in doubt."""
    for entry in fold.open.values():
        if entry.place.offset < fold.progress[entry.place[:2]].low:
            yield f"I6 the low watermark of {entry.place.stream} passed {entry.place.offset}, which is open"
    for where, progress in fold.progress.items():
        if any(offset < progress.low for offset in progress.free):
            yield f"I6 the low watermark of {where[0]} passed what is to be leased again"


# ---- of an end


def ends(
    streams: Streams, before: tuple[End, ...], end: End, place: Position, token: tuple[str, int], bounds: Bounds
) -> Iterator[str]:
    """I1, I3, I4, I7, I10, I18: whether an end that is written now has the right to be."""
    leases = leased(streams)
    what = f"end of unit {end.source} attempt {end.attempt} by {token[0]}.{token[1]}"
    intents = [x for _, x in unfenced(streams.journals[end.partition]) if isinstance(x, f.Intent)]
    mine = [x for x in intents if (x.node, x.incarnation) == token and x.attempt == end.attempt]
    if not any(x.offset == place.offset for x in mine):
        yield f"I3 {what}: no INTENT with no FENCE before it"
    held = [leases[x.lease] for x in mine if x.lease in leases]
    if not any((x.node, x.incarnation) == token and x.lo <= place.offset < x.hi for x in held):
        yield f"I7 {what}: no valid lease of this incarnation"
    if place.stream == TIER and not any(
        names(x, place.offset) for j in streams.journals for x in (*effective(j), *reviews(j))
    ):
        yield f"I10 {what}: no OUTCOME and no release names the copy"
    if not bounds.remembers and is_resolved(end, streams):
        yield f"I1 {what}: its attempt was resolved before"
    if bounds.remembers and sum(one.is_kept for one in (*before, end) if one.source == end.source) > 1:
        yield f"I1 {what}: a second copy at a peer that remembers"
    for one in before:
        if one.source == end.source and one.is_tagged != end.is_tagged:
            yield f"I18 {what}: attempt {one.attempt} transmitted other octets"
        if one.source == end.source and not bounds.remembers:
            yield from repeated(one, end, streams, what)
        if one.source == end.source and one.refused and end.refused and is_reported(one, streams):
            yield f"settled: {what} writes to whom attempt {one.attempt} had ended, and its node had said so"
    begun = sum(isinstance(x, f.Intent) and x.offset == place.offset for j in streams.journals for x in j)
    if bounds.stream == ORDERED and end.attempt == begun == 1 and any(one.source > end.source for one in before):
        yield f"order: {what} behind a later unit of its key"


def names(frame: Any, copy: int) -> bool:
    """Whether the frame is an OUTCOME or a release that names this tier copy."""
    return isinstance(frame, f.Outcome | f.Resolve) and any(
        deferral.copy.offset == copy for deferral in frame.deferrals
    )


def repeated(before: End, end: End, streams: Streams, what: str) -> Iterator[str]:
    """I1: a second end of one unit needs a refusal or a resolution of the first."""
    if before.attempt == end.attempt:
        yield f"I1 {what}: the second end of this attempt"
    elif before.kind is not Kind.DEFERRED and not is_resolved(before, streams):
        yield f"I1 {what}: attempt {before.attempt} had ended with the message taken or in doubt, and nothing resolved it"


def is_reported(end: End, streams: Streams) -> bool:
    """Whether the node's own word of this doubt stands in its partition, and no RESOLVE before it."""
    journal = streams.journals[end.partition]
    for at, frame in enumerate(journal):
        if isinstance(frame, f.Outcome) and frame.intent == end.intent:
            return Kind.IN_DOUBT in frame.kinds
        if names_intent(frame, end.intent) and counts(at, frame, journal):
            return False
    return False


def is_resolved(end: End, streams: Streams) -> bool:
    """R5, R6: whether a RESOLVE of this attempt stands with no fact before it in its partition."""
    journal = streams.journals[end.partition]
    for at, frame in enumerate(journal):
        if isinstance(frame, f.Outcome) and frame.intent == end.intent and Kind.IN_DOUBT not in frame.kinds:
            return False
        if names_intent(frame, end.intent) and counts(at, frame, journal):
            return True
    return False


# ---- of a world in which only faults could still happen


def undone(fold: Fold, nodes: list[Node], coordinators: tuple[int, ...], bounds: Bounds) -> Iterator[str]:
    """I8: with a living node and a leader everything has drained, but for what is held in doubt."""
    living = any(n.is_alive and not n.has_seen_fence and not fold.is_fenced(n.token) for n in nodes)
    if not living or fold.leader not in coordinators:
        return
    held = {entry.place for entry in fold.in_doubt()} if bounds.verdict is None and not bounds.remembers else set()
    mail = fold.progress[bounds.stream, 0]
    for offset in range(bounds.units):
        if not mail.is_done(offset) and (bounds.stream, 0, offset) not in held:
            yield f"I8 unit {offset} never ends although a node lives"
    for copy in fold.named:
        if copy not in held:
            yield f"I8 {copy} is never tried although a node lives"
