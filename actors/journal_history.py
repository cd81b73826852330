"""What happened according to the streams, read plainly: which leases were given, which ends were allowed, and how each of them ended.

This is a second reading of the rules, for judging the fold by something that is not the fold. It goes through control once and through
each journal partition once, and lists what contradicts the rules on the way (``found``, by the invariant). It keeps all that ever was
and no notion of what is live now; ``journal_rules`` compares it with the fold.

Under a lease a place is *held* until an INTENT *begins* it; it *ended*, or is *free* for another lease. Behind a FENCE or beyond a
SHRINK what was only held is free.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from actors.journal_reading import Streams
from fastemailnet.envelope import Position
from fastemailnet.flashsync.frames import (
    NO_INTENT,
    NO_WORD,
    NOT_NUMBERED,
    REVIEWS,
    Assign,
    Beat,
    ControlFrame,
    Deferral,
    Epoch,
    Fence,
    Intent,
    Join,
    JournalFrame,
    NodeFrame,
    Outcome,
    Resolve,
    Shrink,
    Split,
    Strike,
    Verdict,
    Void,
    is_fact,
)
from fastemailnet.flashsync.lease import Spot, Token
from fastemailnet.outcome import Kind

REOPENS = (Verdict.RETRY, Verdict.ASK)
DECIDES = {Verdict.ASSUME_RELAYED: Kind.RELAYED, Verdict.BOUNCE: Kind.BOUNCED}
REVIEWED = {Verdict.RELEASE: Kind.DEFERRED, Verdict.REJECT: Kind.REJECTED}
MAX_LISTED = 100  # of each invariant
GAP = -1
Act = Intent | Outcome


class Left(Enum):
    """What became of a place under a lease that does not have it any more."""

    ENDED = "ended"
    FREE = "free"


@dataclass(slots=True)
class Begun:
    """A valid INTENT and what followed."""

    spot: Spot
    intent: Intent
    place: Position
    is_doubted: bool = False  # now, or once
    word: int = NO_WORD  # position of the last OUTCOME by which the node said so
    kinds: tuple[Kind, ...] = ()  # as the node reported its doubt
    end: Outcome | Void | Resolve | None = None

    @property
    def token(self) -> Token:
        """Who wrote it."""
        return self.intent.node, self.intent.incarnation


@dataclass(frozen=True, slots=True)
class Ending:
    """A valid end of what stands at a place."""

    place: Position
    attempt: int
    spot: Spot  # of the frame that ended it, or decided what it holds
    kinds: tuple[Kind, ...]
    deferrals: tuple[Deferral, ...]
    intent: Spot | None
    is_decided: bool  # by a RESOLVE, not by a fact


@dataclass
class History:
    """The second reading."""

    epoch: int = 0
    joins: dict[Token, Join] = field(default_factory=dict)
    newest: dict[str, Join] = field(default_factory=dict)
    leases: dict[int, Assign] = field(default_factory=dict)
    void_leases: set[int] = field(default_factory=set)
    fenced: dict[Token, Spot] = field(default_factory=dict)
    reach: dict[int, int] = field(default_factory=dict)  # lease → its end, after a SHRINK
    places: dict[tuple[int, int], Begun | Left] = field(default_factory=dict)  # (lease, offset), where not just held
    begun: dict[Spot, Begun] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    held: dict[Spot, int] = field(default_factory=dict)  # OUTCOME that holds mail which nobody decided → its ending
    reopened: dict[tuple[Position, int], Spot] = field(default_factory=dict)  # (place, attempt) that a RESOLVE ended
    numbers: dict[tuple[Token, bool], int] = field(default_factory=dict)
    numbered: dict[tuple[int, Token, bool], "array[int]"] = field(
        default_factory=dict
    )  # positions by number; GAP: passed over
    refused: set[Spot] = field(default_factory=set)  # INTENTs behind the FENCE of their writer
    repetitions: int = 0
    counts: Counter[str] = field(default_factory=Counter)  # invariant → how often something contradicts it
    found: dict[str, list[str]] = field(default_factory=dict)  # the first of them in words

    def report(self, invariant: str, text: str) -> None:
        """Something contradicts an invariant."""
        self.counts[invariant] += 1
        texts = self.found.setdefault(invariant, [])
        if len(texts) < MAX_LISTED:
            texts.append(text)

    def is_free(self, lease: int, offset: int) -> bool:
        """Whether another lease may have a place of this one."""
        left = self.places.get((lease, offset))
        if left is not None:
            return left is Left.FREE
        given = self.leases[lease]
        return (given.node, given.incarnation) in self.fenced or offset >= self.reach.get(lease, given.hi)

    # ---- control

    def read_control(self, frames: Sequence[ControlFrame | None]) -> None:
        """R1: a frame counts if no higher EPOCH stands before it."""
        for position, frame in enumerate(frames):
            match frame:
                case None | Split() | Strike():
                    pass
                case Epoch():
                    self.epoch = max(self.epoch, frame.epoch)
                case Join() if frame.epoch == self.epoch:
                    self.joins[frame.node, frame.incarnation] = self.newest[frame.node] = frame
                case Assign() if frame.epoch == self.epoch:
                    if frame.lease in self.leases:
                        self.report("I5", f"control@{position} gives lease number {frame.lease} a second time")
                    self.leases[frame.lease] = frame
                case Assign():
                    self.void_leases.add(frame.lease)
                case Join():
                    pass
                case _:
                    assert_never(frame)

    # ---- journal

    def read_journal(self, partition: int, frames: Sequence[JournalFrame | None]) -> None:
        """Go through one partition, behind control."""
        opened: dict[Token, list[Begun]] = {}
        for position, frame in enumerate(frames):
            match frame:
                case None:
                    pass
                case Fence():
                    self._fence(frame, (partition, position), opened)
                case Resolve() if frame.verdict in REVIEWS:
                    self._review(frame, (partition, position))
                case Resolve():
                    self._resolve(frame, (partition, position))
                case _:
                    if not self._is_repeated(frame, (partition, position), frames):
                        self._node_frame(frame, (partition, position), opened)

    def _node_frame(self, frame: NodeFrame, spot: Spot, opened: dict[Token, list[Begun]]) -> None:
        token = (frame.node, frame.incarnation)
        join = self.joins.get(token)
        if join is None or join.slot != spot[0]:
            self.report("I4", f"{at(spot)} was written by {who(token)}, which has no JOIN for this partition")
        match frame:
            case Intent():
                place = self._place(frame, token, spot)
                if place is not None:
                    kinds = self.leases[frame.lease].settled or (Kind.IN_DOUBT,) * len(frame.recipients)
                    begun = Begun(spot, frame, place, kinds=kinds)
                    self.begun[spot] = self.places[frame.lease, frame.offset] = begun
                    opened.setdefault(token, []).append(begun)
            case Outcome() if frame.intent == NO_INTENT:
                place = self._place(frame, token, spot)
                if place is not None:
                    self.places[frame.lease, frame.offset] = Left.ENDED
                    if Kind.HELD in frame.kinds:
                        self.held[spot] = len(self.endings)
                    self._end(Ending(place, frame.attempt, spot, frame.kinds, frame.deferrals, None, False))
            case Outcome():
                self._fact(frame, spot)
            case Void():
                self._void(frame, spot)
            case Shrink():
                self._shrink(frame, token, spot)
            case Beat():
                pass
            case _:
                assert_never(frame)

    def _is_repeated(self, frame: NodeFrame, spot: Spot, frames: Sequence[JournalFrame | None]) -> bool:
        """R9: numbers follow each other; the same number is the same frame, once more."""
        token, facts = (frame.node, frame.incarnation), is_fact(frame)
        if frame.seq == NOT_NUMBERED or (token in self.fenced and not facts):
            return False
        channel = f"{who(token)} {'facts' if facts else 'permissions'}"
        expected = self.numbers.get((token, facts), 0)
        positions = self.numbered.setdefault((spot[0], token, facts), array("q"))
        if frame.seq < expected:
            self.repetitions += 1
            first = positions[frame.seq] if frame.seq < len(positions) else GAP
            if first == GAP or frames[first] != frame:
                self.report("R9", f"{at(spot)} has number {frame.seq} of {channel}, which another frame has had")
            return True
        if frame.seq > expected:
            self.report("R9", f"{at(spot)}: numbers {expected} to {frame.seq - 1} of {channel} are missing")
        self.numbers[token, facts] = frame.seq + 1
        positions.extend([GAP] * min(frame.seq - len(positions), len(frames)))
        positions.append(spot[1])
        return False

    def _place(self, frame: Act, token: Token, spot: Spot) -> Position | None:
        """The place that a frame may act on (R2, R3, R8). Behind its FENCE a writer has none, and that is no fault."""
        if token in self.fenced:
            if isinstance(frame, Intent):
                self.refused.add(spot)
            return None
        lease = self.leases.get(frame.lease)
        what = f"{at(spot)}: {type(frame).__name__.upper()} of {who(token)} at offset {frame.offset}"
        if lease is None:
            kind = "a superseded epoch's" if frame.lease in self.void_leases else "no"
            self.report("I7", f"{what} acts under {kind} lease {frame.lease}")
            return None
        if (lease.node, lease.incarnation) != token:
            self.report("I7", f"{what} acts under the lease of {lease.node}.{lease.incarnation}")
            return None
        if not lease.lo <= frame.offset < self.reach.get(frame.lease, lease.hi):
            self.report("I7", f"{what} lies outside its lease {frame.lease}")
            return None
        known = self.places.get((frame.lease, frame.offset))
        if isinstance(known, Begun) and isinstance(frame, Intent):
            self.report("I1", f"{what} is the second INTENT beside {at(known.spot)}, which nothing ended")
        elif isinstance(known, Begun):
            self.report("I3", f"{what} names no INTENT, but {at(known.spot)} had allowed the end")
        elif known is not None:
            self.report("I1", f"{what} acts on a place that lease {frame.lease} does not have any more: {known.value}")
        return Position(lease.stream, lease.partition, frame.offset) if known is None else None

    def _allowed(self, frame: Outcome | Void, spot: Spot) -> Begun | None:
        """The INTENT that a fact settles; None where there is none to settle any more."""
        begun = self.begun.get((spot[0], frame.intent))
        what = f"{at(spot)}: {type(frame).__name__.upper()} of {who((frame.node, frame.incarnation))}"
        if (spot[0], frame.intent) in self.refused:
            self.report("I4", f"{what} settles {at((spot[0], frame.intent))}, an INTENT behind the FENCE of its writer")
            return None
        if begun is None:
            self.report("I3", f"{what} names position {frame.intent}, where no valid INTENT stands")
            return None
        named = (begun.intent.lease, begun.intent.offset, begun.intent.attempt)
        if named != (frame.lease, frame.offset, frame.attempt):
            self.report("I3", f"{what} speaks of another attempt than the INTENT that it names, {at(begun.spot)}")
        if isinstance(begun.end, Outcome | Void):
            self.report("I3", f"{what} settles {at(begun.spot)} a second time")
        return begun if begun.end is None else None

    def _fact(self, frame: Outcome, spot: Spot) -> None:
        begun = self._allowed(frame, spot)
        if begun is None:
            return
        if Kind.IN_DOUBT in frame.kinds:
            begun.is_doubted, begun.kinds, begun.word = True, frame.kinds, spot[1]
            return
        begun.end = frame
        self.places[begun.intent.lease, begun.intent.offset] = Left.ENDED
        self._end(Ending(begun.place, frame.attempt, spot, frame.kinds, frame.deferrals, begun.spot, False))

    def _void(self, frame: Void, spot: Spot) -> None:
        begun = self._allowed(frame, spot)
        if begun is None:
            return
        begun.end = frame
        del self.places[
            begun.intent.lease, begun.intent.offset
        ]  # held again, or free where its lease does not reach it

    def _shrink(self, frame: Shrink, token: Token, spot: Spot) -> None:
        lease = self.leases.get(frame.lease)
        if token in self.fenced:
            return
        if lease is None or (lease.node, lease.incarnation) != token:
            self.report("I7", f"{at(spot)}: SHRINK of {who(token)} for lease {frame.lease}, which is not its own")
            return
        self.reach[frame.lease] = min(frame.at, self.reach.get(frame.lease, lease.hi))

    def _fence(self, frame: Fence, spot: Spot, opened: dict[Token, list[Begun]]) -> None:
        token = (frame.node, frame.incarnation)
        join = self.joins.get(token)
        if join is not None and join.slot != spot[0]:
            self.report("I4", f"{at(spot)} fences {who(token)}, which writes journal/{join.slot}")
        self.fenced.setdefault(token, spot)
        for begun in opened.pop(token, ()):
            begun.is_doubted |= begun.end is None

    def _resolve(self, frame: Resolve, spot: Spot) -> None:
        """R6: of what is in doubt; behind a fact, or a word that it does not heed, it changes nothing."""
        begun = self.begun.get((spot[0], frame.intent))
        if begun is None or begun.end is not None or not begun.is_doubted or frame.is_behind(begun.word):
            return
        begun.end = frame
        key = (begun.intent.lease, begun.intent.offset)
        if frame.verdict in REOPENS:
            self.places[key] = Left.FREE
            self.reopened[begun.place, begun.intent.attempt] = spot
            return
        self.places[key] = Left.ENDED
        names = {Kind.IN_DOUBT: DECIDES[frame.verdict], Kind.DEFERRED: Kind.EXPIRED}
        kinds = tuple(names.get(kind, kind) for kind in begun.kinds)
        self._end(Ending(begun.place, begun.intent.attempt, spot, kinds, (), begun.spot, True))

    def _review(self, frame: Resolve, spot: Spot) -> None:
        """What was held ends as rejected, or is deferred to the copy that the release names. Of several decisions the first counts."""
        number = self.held.get((spot[0], frame.intent))
        if number is None:
            return
        if frame.verdict is Verdict.RELEASE and frame.deferral is None:
            self.report("I2", f"{at(spot)} releases {at((spot[0], frame.intent))} and names no copy")
            return
        del self.held[spot[0], frame.intent]
        ending, kind = self.endings[number], REVIEWED[frame.verdict]
        kinds = tuple(kind if one is Kind.HELD else one for one in ending.kinds)
        self.endings[number] = replace(ending, spot=spot, kinds=kinds, deferrals=(*ending.deferrals, *frame.deferrals))

    def _end(self, ending: Ending) -> None:
        self.endings.append(ending)


def read_history(streams: Streams) -> History:
    """The second reading of all streams."""
    history = History()
    history.read_control(streams.control)
    for partition, frames in sorted(streams.journals.items()):
        history.read_journal(partition, frames)
    return history


def at(spot: Spot) -> str:
    """A journal position for people."""
    return f"journal/{spot[0]}@{spot[1]}"


def who(token: Token) -> str:
    """An incarnation for people."""
    return f"{token[0]}.{token[1]}"
