"""What must hold in every state, judged from the raw streams by simple means (numbers as in docs/flashsync.md).

The checks do not use the fold to judge the fold: they read the streams again, slowly and plainly.
"""

from collections.abc import Iterator
from typing import Any

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.outcome import Kind
from tests.model.steps import Model
from tests.model.world import MAIL, TIER, Bounds, End, World


def valid_control(world: World) -> list[Any]:
    """The control frames with no higher EPOCH before them (R1)."""
    epoch, valid = 0, []
    for frame in world.control:
        if isinstance(frame, f.Epoch):
            epoch = max(epoch, frame.epoch)
        elif frame.epoch == epoch:
            valid.append(frame)
    return valid


def unfenced(journal: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
    """The frames of nodes with no FENCE of their token before them, with their positions."""
    fenced: set[tuple[str, int]] = set()
    for position, frame in enumerate(journal):
        if isinstance(frame, f.Fence):
            fenced.add((frame.node, frame.incarnation))
        elif not isinstance(frame, f.Resolve) and (frame.node, frame.incarnation) not in fenced:
            yield position, frame


def effective(journal: tuple[Any, ...]) -> list[Any]:
    """Permissions with no FENCE before them, and facts wherever they stand (R5)."""
    facts = [x for x in journal if isinstance(x, f.Outcome) and x.intent != f.NO_INTENT]
    return [x for _, x in unfenced(journal)] + facts


def leased(world: World) -> dict[int, Any]:
    """Valid leases by number."""
    return {frame.lease: frame for frame in valid_control(world) if isinstance(frame, f.Assign)}


def violations(world: World, model: Model) -> Iterator[str]:
    """Every invariant that this state breaks."""
    yield from ends(world)
    fold = model.folded(world)
    yield from (f"alarm: {text}" for text in fold.alarms)
    if fold.key() != model.fold_from_scratch(world, reverse=True).key():
        yield "I16 the fold depends on the order in which journal partitions are read"
    yield from disjoint(fold)
    yield from doubts(world, fold)
    yield from conserved(world, fold, model.bounds)


def ends(world: World) -> Iterator[str]:
    """I1, I3, I4, I7, I10: every end that was written had the right to be."""
    leases = leased(world)
    for index, end in enumerate(world.ends):
        what = f"end of unit {end.source} attempt {end.attempt} by {end.token[0]}.{end.token[1]}"
        slot = 0 if end.token[0] == "a" else 1
        intents = [x for _, x in unfenced(end.journals[slot]) if isinstance(x, f.Intent)]
        mine = [x for x in intents if (x.node, x.incarnation) == end.token and x.attempt == end.attempt]
        if not any(x.offset == end.place.offset for x in mine):
            yield f"I3 {what}: no INTENT with no FENCE before it"
        held = [leases[x.lease] for x in mine if x.lease in leases]
        if not any((x.node, x.incarnation) == end.token and x.lo <= end.place.offset < x.hi for x in held):
            yield f"I7 {what}: no valid lease of this incarnation"
        if end.place.stream == TIER and not any(names(x, end.place.offset) for j in end.journals for x in effective(j)):
            yield f"I10 {what}: no OUTCOME names the copy"
        if resolved(end, end.journals):
            yield f"I1 {what}: its attempt was resolved before"
        for before in world.ends[:index]:
            if before.source == end.source:
                yield from repeated(before, end, what)


def names(frame: Any, copy: int) -> bool:
    """Whether the frame is an OUTCOME that names this tier copy."""
    return isinstance(frame, f.Outcome) and frame.deferral is not None and frame.deferral.copy.offset == copy


def repeated(before: End, end: End, what: str) -> Iterator[str]:
    """I1: a second end of one unit needs a refusal or a resolution of the first."""
    if before.attempt == end.attempt:
        yield f"I1 {what}: the second end of this attempt"
    elif before.kind is not Kind.DEFERRED and not resolved(before, end.journals):
        yield f"I1 {what}: attempt {before.attempt} had ended with the message taken or in doubt, and nothing resolved it"


def resolved(end: End, journals: tuple[tuple[Any, ...], ...]) -> bool:
    """R5, R6: whether a RESOLVE of this attempt stands with no fact before it in its partition."""
    for frame in journals[0 if end.token[0] == "a" else 1]:
        if isinstance(frame, f.Outcome) and frame.intent == end.intent and Kind.IN_DOUBT not in frame.kinds:
            return False
        if isinstance(frame, f.Resolve) and frame.intent == end.intent:
            return True
    return False


def disjoint(fold: Fold) -> Iterator[str]:
    """I5: no place that has not ended is in two live leases of one attempt."""
    leases = list(fold.leases.values())
    for index, one in enumerate(leases):
        for other in leases[:index]:
            same_place = (one.stream, one.partition, one.lo) == (other.stream, other.partition, other.lo)
            if same_place and one.attempt == other.attempt and not fold.progress[one.stream, 0].is_done(one.lo):
                yield f"I5 {one.stream}@{one.lo} is in two live leases"


def doubts(world: World, fold: Fold) -> Iterator[str]:
    """I8: in doubt = valid INTENT, fenced node or own report, no fact, no resolution."""
    expected = set()
    leases = leased(world)
    for partition, journal in enumerate(world.journals):
        fenced = {(x.node, x.incarnation) for x in journal if isinstance(x, f.Fence)}
        for position, intent in unfenced(journal):
            if not isinstance(intent, f.Intent) or intent.lease not in leases:
                continue
            later = journal[position + 1 :]
            facts = [x for x in later if isinstance(x, f.Outcome | f.Void) and x.intent == position]
            reported = any(isinstance(x, f.Outcome) and Kind.IN_DOUBT in x.kinds for x in facts)
            settled = any(isinstance(x, f.Void) or Kind.IN_DOUBT not in x.kinds for x in facts)
            decided = any(isinstance(x, f.Resolve) and x.intent == position for x in later)
            if (reported or (intent.node, intent.incarnation) in fenced) and not settled and not decided:
                expected.add((partition, position))
    found = {entry.spot for entry in fold.in_doubt()}
    if found != expected:
        yield f"I8 in doubt by the fold {sorted(found)}, by the streams {sorted(expected)}"


def conserved(world: World, fold: Fold, bounds: Bounds) -> Iterator[str]:
    """I2, I9: every unit is in exactly one class: ended, waiting in a tier, or not done."""
    mail = fold.progress[MAIL, 0]
    open_units = sum(not mail.is_done(offset) for offset in range(bounds.units))
    total = sum(fold.ended.values()) + len(fold.named) + open_units
    if total != bounds.units:
        yield f"I2 {bounds.units} accepted, but {dict(fold.ended)} ended, {len(fold.named)} deferred, {open_units} open"
    missing = [copy for copy in fold.named if copy.offset >= len(world.tier)]
    if missing:
        yield f"I9 {missing[0]} is named but no such copy is durable"


def stuck(world: World, model: Model) -> Iterator[str]:
    """I8: a world with nothing on its way, a living node and a leader has drained, but for what is held in doubt."""
    fold = model.folded(world)
    living = any(n.alive and not n.fence_seen and not fold.is_fenced(n.token) for n in world.nodes)
    if not living or fold.epoch not in world.coordinators:
        return
    held = {entry.place for entry in fold.in_doubt()} if model.bounds.verdict is None else set()
    mail = fold.progress[MAIL, 0]
    for offset in range(model.bounds.units):
        if not mail.is_done(offset) and (MAIL, 0, offset) not in held:
            yield f"I8 unit {offset} never ends although a node lives"
    for copy in fold.named:
        if copy not in held:
            yield f"I8 {copy} is never tried although a node lives"
