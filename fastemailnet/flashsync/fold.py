"""State = fold(control, journal): the one place where a frame's validity is decided (R1, R3, R5, R6, R8, R10, claim rule).

Every reader — coordinator, auditor, offline checker — folds the same frames to the same state. The result does not depend on how
the journal partitions interleave, as long as control was read at least as far as the leases that the journal frames name: what a
frame needs is either in its own partition before it (FENCE, INTENT) or in control (EPOCH, JOIN, ASSIGN).

A frame is folded once: what stands below the position that its partition was read to is a repetition (I16), and so is a frame whose
number was seen (R9).

A place (see ``frames``) is *done* when a valid outcome ended it, *open* while a valid INTENT has no fact, *in doubt* when it is
open and its node is fenced or says itself that the reply never came, and otherwise *out* under a lease or *free*. A done place may
be *held*: its deliveries wait until a RESOLVE rejects them or names the copy in which they go on.

A doubt that its node reported says whom its attempt has ended all the same: they are *settled*. Where it is tried again, every lease of
the place says so until it is done, whoever is fenced on the way, so that nobody is refused, or told of it, twice.
"""

from collections import Counter, defaultdict, deque
from dataclasses import replace
from typing import assert_never

from fastemailnet.envelope import Asked, Position, is_tier
from fastemailnet.flashsync.doubt import WAITING, decided, settled
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
from fastemailnet.flashsync.lease import Lease, Open, Quarantined, Spot, Token
from fastemailnet.flashsync.opened import Opened
from fastemailnet.flashsync.progress import Again, Progress
from fastemailnet.outcome import Kind

MAX_ALARMS = 100


class Fold:
    """The folded state. Mutable; ``clone`` copies it, ``key`` is its value."""

    def __init__(self) -> None:
        self.epoch = 0
        self.leader = 0  # who won that epoch
        self.members: dict[str, Join] = {}  # node → its newest incarnation
        self.fenced: set[Token] = set()
        self.leases: dict[int, Lease] = {}  # live, with places that have not ended
        self.left: dict[int, set[int]] = {}  # lease → offsets of it that have not ended and were not given back
        self.progress: defaultdict[tuple[str, int], Progress] = defaultdict(Progress)
        self.out: dict[Position, int] = {}  # place → the newest lease that covers it, until it is done or free
        self.open = Opened()
        self.begun: dict[tuple[int, int], Spot] = {}  # (lease, offset) → its open INTENT
        self.named: dict[
            Position, Deferral
        ] = {}  # live tier copies; one that no OUTCOME names is an orphan (claim rule)
        self.held: dict[Spot, Quarantined] = {}  # where the OUTCOME stands → what it holds until a person decides
        self.ended: Counter[Kind] = Counter()  # recipients whose delivery ended, by class
        self.strikes: Counter[Position] = Counter()  # open place → processes that died over it
        self.read: dict[int, int] = {}  # journal partition → the position behind the newest frame that was folded
        self.numbers: dict[tuple[Token, bool], int] = {}  # writer and whether facts → the number of its next frame
        self.alarms: deque[str] = deque(maxlen=MAX_ALARMS)  # what must not happen, newest last

    # ---- control

    def apply_control(self, frame: ControlFrame) -> bool:
        """Fold one control frame; False where it is void."""
        if isinstance(frame, Epoch):
            if frame.epoch <= self.epoch:
                return False
            self.epoch, self.leader = frame.epoch, frame.who
            return True
        if self.is_superseded(frame.epoch):
            return False
        match frame:
            case Join():
                self.members[frame.node] = frame
            case Assign():
                self._assign(frame)
            case Strike():
                return self._strike(Position(frame.stream, frame.partition, frame.offset))
            case Split():
                pass
            case _:
                assert_never(frame)
        return True

    def is_superseded(self, epoch: int) -> bool:
        """R1: a command of another than the newest epoch has no effect."""
        return epoch != self.epoch

    def _assign(self, frame: Assign) -> None:
        token = (frame.node, frame.incarnation)
        where = (frame.stream, frame.partition)
        lease = Lease.of(frame)
        progress = self.progress[where]
        self.leases[lease.lease] = lease
        self.left[lease.lease] = set(range(frame.lo, frame.hi))
        if is_tier(frame.stream):
            progress.take_copies(frame.lo, frame.hi)
        else:
            progress.take(frame.lo, frame.hi)
        for offset in range(frame.lo, frame.hi):
            # Control may be read ahead of the journal frame that frees the place: the older lease keeps it until then.
            self.out[Position(*where, offset)] = lease.lease
        if self.is_fenced(token):
            # The FENCE was folded first: the lease ends as it begins.
            self._withdraw(lease)

    def _strike(self, place: Position) -> bool:
        if self.progress[place[:2]].is_done(place.offset):
            return False
        self.strikes[place] += 1
        return True

    # ---- journal

    def apply_journal(self, partition: int, position: int, frame: JournalFrame) -> bool:
        """Fold the journal frame at ``position`` of ``partition``; False where it is void or changes nothing."""
        if position < self.read.get(partition, 0):
            return False
        self.read[partition] = position + 1
        match frame:
            case Fence():
                return self._fence(frame)
            case Resolve():
                if frame.verdict in REVIEWS:
                    return self._review((partition, frame.intent), frame)
                spot = (partition, frame.intent)
                return not self.is_overtaken(spot, frame) and self._resolve(spot, frame.verdict)
            case _:
                return not self.is_repeated(frame) and self._node_frame(partition, position, frame)

    def _node_frame(self, partition: int, position: int, frame: NodeFrame) -> bool:
        match frame:
            case Beat():
                return not self.is_fenced((frame.node, frame.incarnation))
            case Intent():
                return self._intent((partition, position), frame)
            case Outcome():
                return self._outcome((partition, position), frame)
            case Void():
                return self._void((partition, frame.intent))
            case Shrink():
                return self._shrink(frame)
            case _:
                assert_never(frame)

    def is_repeated(self, frame: NodeFrame) -> bool:
        """R9: whether the frame's number was seen. One that was passed over means a lost frame or a second writer."""
        token, facts = (frame.node, frame.incarnation), is_fact(frame)
        if frame.seq == NOT_NUMBERED or (self.is_fenced(token) and not facts):
            return False
        expected = self.numbers.get((token, facts), 0)
        if frame.seq < expected:
            return True
        if frame.seq > expected:
            what = "facts" if facts else "permissions"
            self.alarms.append(f"{token[0]}.{token[1]}: {what} {expected} to {frame.seq - 1} are missing (R9)")
        self.numbers[token, facts] = frame.seq + 1
        return False

    def is_fenced(self, token: Token) -> bool:
        """R3: whether a FENCE for the incarnation precedes this point of its partition."""
        return token in self.fenced

    def _permitted(self, frame: Intent | Outcome) -> Position | None:
        """The place that the frame may act on; None where it holds no such lease, and a fenced token holds none (R2, R3, R8)."""
        token = (frame.node, frame.incarnation)
        lease = self.leases.get(frame.lease)
        if lease is None or lease.token != token:
            return None
        place = Position(lease.stream, lease.partition, frame.offset)
        if frame.offset in self.left[frame.lease]:
            return place
        if self.progress[place[:2]].is_done(frame.offset) and lease.covers(frame.offset):
            self.alarms.append(f"{type(frame).__name__.upper()} for {place}, which has ended, by {token[0]}.{token[1]}")
        return None

    def _intent(self, spot: Spot, frame: Intent) -> bool:
        place = self._permitted(frame)
        if place is None:
            return False
        if (frame.lease, frame.offset) in self.begun:
            self.alarms.append(
                f"second INTENT for {place} of one lease at {spot}: two writers share an incarnation (R9)"
            )
            return False
        self.begun[frame.lease, frame.offset] = spot
        kinds = self.leases[frame.lease].settled or (Kind.IN_DOUBT,) * len(frame.recipients)
        token = (frame.node, frame.incarnation)
        about = (place, frame.attempt, frame.lease, token, spot, frame.message, kinds)
        self.open[spot] = Open(*about, asked=frame.asked, word=NO_WORD)
        return True

    def _outcome(self, spot: Spot, frame: Outcome) -> bool:
        if frame.intent != NO_INTENT:
            return self._fact((spot[0], frame.intent), frame)
        place = self._permitted(frame)
        if place is None:
            return False
        self._end(place, frame.lease, frame.kinds, frame.deferrals)
        if Kind.HELD in frame.kinds:
            self.held[spot] = Quarantined(place, frame.attempt, spot, frame.kinds, frame.at_ms)
        return True

    def _fact(self, spot: Spot, frame: Outcome) -> bool:
        """R5: an outcome behind an INTENT settles it, whoever brings it and whenever, unless it was resolved before."""
        entry = self.open.get(spot)
        if entry is None:
            return False
        if Kind.IN_DOUBT in frame.kinds:
            reason, word = "no reply to the end of data", self.read[spot[0]] - 1  # the frame that is being folded
            self.open[spot] = replace(entry, kinds=frame.kinds, doubt_ms=frame.at_ms, reason=reason, word=word)
            return True
        self._close(spot)
        self._end(entry.place, entry.lease, frame.kinds, frame.deferrals)
        return True

    def _void(self, spot: Spot) -> bool:
        if spot not in self.open:
            return False
        entry = self._close(spot)
        lease = self.leases.get(entry.lease)
        if lease is None or not lease.covers(entry.place.offset):
            # ``asked`` of an INTENT that was never used asks about nothing; what its lease carried goes on.
            self._free(entry.place, entry.lease, Again(entry.attempt, _carried(entry), settled(entry.kinds)))
        return True

    def _shrink(self, frame: Shrink) -> bool:
        """R7: the tail of the lease is free, unless it was begun."""
        lease = self.leases.get(frame.lease)
        if lease is None or lease.token != (frame.node, frame.incarnation) or not lease.covers(frame.at):
            return False
        self.leases[lease.lease] = replace(lease, hi=frame.at)
        self._give_back(lease, frame.at)
        return True

    def _fence(self, frame: Fence) -> bool:
        token = (frame.node, frame.incarnation)
        if self.is_fenced(token):
            return False
        self.fenced.add(token)
        for spot in list(self.open.expected.get(token, ())):
            entry = self.open[spot]
            self.open[spot] = replace(entry, doubt_ms=frame.at_ms, reason=f"its node was fenced: {frame.reason}")
        for lease in [lease for lease in self.leases.values() if lease.token == token]:
            self._withdraw(lease)
        return True

    def is_overtaken(self, spot: Spot, frame: Resolve) -> bool:
        """R6: whether the node spoke of the doubt between what a RESOLVE was made of and the RESOLVE."""
        entry = self.open.get(spot)
        return entry is not None and frame.is_behind(entry.word)

    def _resolve(self, spot: Spot, verdict: Verdict) -> bool:
        entry = self.open.get(spot)
        if entry is None or entry.doubt_ms is None:
            return False
        self._close(spot)
        match verdict:
            case Verdict.ASK:
                self._free(entry.place, entry.lease, Again(entry.attempt + 1, entry.asked, settled(entry.kinds)))
            case Verdict.RETRY:
                self._free(entry.place, entry.lease, Again(entry.attempt + 1, None, settled(entry.kinds)))
            case Verdict.ASSUME_RELAYED | Verdict.BOUNCE:
                self._end(entry.place, entry.lease, decided(entry.kinds, verdict), ())
            case Verdict.RELEASE | Verdict.REJECT:
                raise AssertionError(f"{verdict} decides about no doubt")
            case _:
                assert_never(verdict)
        return True

    def _review(self, spot: Spot, frame: Resolve) -> bool:
        """A person decides about what is held: once. A release that names no copy would lose it, and is void."""
        entry = self.held.get(spot)
        if entry is None or (frame.verdict is Verdict.RELEASE and frame.deferral is None):
            return False
        del self.held[spot]
        if frame.verdict is Verdict.REJECT:
            self.ended[Kind.REJECTED] += entry.recipients
        else:
            self._name(frame.deferrals)
        return True

    # ---- the steps that the frames share

    def _close(self, spot: Spot) -> Open:
        entry: Open = self.open.pop(spot)
        self.begun.pop((entry.lease, entry.place.offset), None)
        return entry

    def _end(self, place: Position, lease: int, kinds: tuple[Kind, ...], deferrals: tuple[Deferral, ...]) -> None:
        self.progress[place[:2]].finish(place.offset)
        self._leave(place, lease)
        self.named.pop(place, None)
        self.strikes.pop(place, None)
        self.ended.update(kind for kind in kinds if kind not in WAITING)
        self._name(deferrals)

    def _name(self, deferrals: tuple[Deferral, ...]) -> None:
        """From here on these copies are live (claim rule), unless control was read ahead and they have ended already."""
        for deferral in deferrals:
            if not self.progress[deferral.copy[:2]].is_done(deferral.copy.offset):
                self.named[deferral.copy] = deferral

    def _withdraw(self, lease: Lease) -> None:
        """R3: the lease ends; what of it has no INTENT is free. A frame behind the FENCE finds no lease and is void."""
        self._give_back(lease, lease.lo)
        self._forget(lease.lease)

    def _give_back(self, lease: Lease, lo: int) -> None:
        """Free what is left of the lease from ``lo`` on and has no open INTENT."""
        for offset in sorted(self.left[lease.lease]):
            if offset >= lo and (lease.lease, offset) not in self.begun:
                place = Position(lease.stream, lease.partition, offset)
                self._free(place, lease.lease, Again(lease.attempt, lease.asked, lease.settled))

    def _free(self, place: Position, lease: int, again: Again) -> None:
        """Give a place back, unless a newer lease has it (whose ASSIGN may have been folded before this)."""
        is_out = self.out.get(place) == lease
        self._leave(place, lease)
        if is_out:
            self.progress[place[:2]].give_back(place.offset, again)

    def _leave(self, place: Position, lease: int) -> None:
        if self.out.get(place) == lease:
            del self.out[place]
        left = self.left.get(lease)
        if left is not None:
            left.discard(place.offset)
            if not left:
                self._forget(lease)

    def _forget(self, lease: int) -> None:
        """Nothing of it is out any more: a frame that still names it is a repetition."""
        self.leases.pop(lease, None)
        self.left.pop(lease, None)

    # ---- reading it

    def in_doubt(self) -> list[Open]:
        """The attempts whose end may have been written and of which no fact is known (R6)."""
        return [entry for _, entry in self.open.doubts.values()]

    def clone(self) -> "Fold":
        """An independent copy."""
        copy = type(self)()
        copy.epoch, copy.leader = self.epoch, self.leader
        copy.members, copy.fenced, copy.leases = dict(self.members), set(self.fenced), dict(self.leases)
        copy.left = {lease: set(offsets) for lease, offsets in self.left.items()}
        copy.out, copy.open = dict(self.out), self.open.copy()
        copy.begun = dict(self.begun)
        copy.progress.update((where, progress.clone()) for where, progress in self.progress.items())
        copy.named, copy.ended, copy.alarms = dict(self.named), self.ended.copy(), self.alarms.copy()
        copy.held = dict(self.held)
        copy.strikes, copy.read, copy.numbers = self.strikes.copy(), dict(self.read), dict(self.numbers)
        return copy

    def key(self) -> tuple[object, ...]:
        """The state as a hashable value."""
        return (
            (self.epoch, self.leader),
            frozenset(self.members.items()),
            frozenset(self.fenced),
            frozenset((lease, frozenset(self.left[number])) for number, lease in self.leases.items()),
            frozenset(self.out.items()),
            frozenset(self.open.values()),
            frozenset((where, progress.key()) for where, progress in self.progress.items() if progress.next),
            frozenset(self.named.items()),
            frozenset(self.held.values()),
            frozenset(self.ended.items()),
            frozenset(self.strikes.items()),
        )


def _carried(entry: Open) -> Asked | None:
    """What an attempt was leased to ask about: an earlier attempt, never itself."""
    return entry.asked if entry.asked is not None and entry.asked.attempt < entry.attempt else None
