"""What a node does next, by the production machines: ``Right``, ``Held`` and ``Attempt``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastemailnet.delivery.gate import Ruling, Tags, Way, tries_before
from fastemailnet.envelope import Asked, Position, Recipient, Suspicion
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator
from fastemailnet.flashsync.doubt import WAITING
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.lease import Held, Lease
from fastemailnet.flashsync.node import INTENT_MAX_AGE_MS, TTL_MS, Release, Right, Standing
from fastemailnet.flashsync.unit import (
    AskRelease,
    Attempt,
    CopyLogged,
    Ended,
    IntentLogged,
    LogCopy,
    Logged,
    LogIntent,
    LogOutcome,
    LogVoid,
    Refused,
    State,
    WriteEnd,
    left_of,
    of_all,
)
from fastemailnet.outcome import Kind
from tests.model.world import TIER, Answer, Bounds, Copy, Flight, Node, Work

PEOPLE = (Recipient("r@x.example", 0), Recipient("refused@x.example", 1))


@dataclass(frozen=True, slots=True)
class Parts:
    """The machines that the model drives."""

    fold: type[Fold] = Fold
    right: type[Right] = Right
    held: type[Held] = Held
    attempt: type[Attempt] = Attempt
    coordinator: type[Coordinator] = Coordinator
    tags: type[Tags] = Tags


class View(NamedTuple):
    """What one node sees of the streams."""

    control: tuple[Any, ...]
    fenced: frozenset[tuple[str, int]]  # tokens with a FENCE in its journal partition
    tier: tuple[Copy, ...]


class Ending(NamedTuple):
    """An end of data that leaves in a step; whether the peer makes a copy is for the world to say."""

    work: Work
    transaction: int
    kind: Kind
    is_kept: bool
    knows: bool  # possible only if the peer knows (or does not know) the transaction already
    wrong: str = ""  # what the node knew that forbids it


class NodeMove(NamedTuple):
    """A step of a node: what was done, what it is then, what it writes."""

    says: str
    node: Node
    flights: tuple[Flight, ...]
    ending: Ending | None = None


class Nodes:
    """The steps of a node under given bounds."""

    def __init__(self, bounds: Bounds, parts: Parts) -> None:
        self.bounds = bounds
        self.parts = parts
        self.mail = (bounds.stream, 0)

    def moves(self, node: Node, view: View) -> Iterator[NodeMove]:
        """Everything that a living node may do now."""
        if node.read < len(view.control) and not node.has_seen_fence:
            yield self.reads(node, view)
        for answer in node.answers:
            yield from self.hears(node, answer, view)
        if not node.has_seen_fence:
            yield from self.takes(node, view)
            for work in node.works:
                if work.state is State.LEASED:
                    yield from self.begins(node, work, "tries again")

    # ---- control

    def reads(self, node: Node, view: View) -> NodeMove:
        """Follow control to its end: leases come in, hints to share them are answered by a SHRINK."""
        right, held = self.right(node), self.held(node)
        flights = []
        for frame in view.control[node.read :]:
            match right.control_read(frame):
                case Lease() as lease:
                    held.grant(lease)
                case f.Split(_, number) if (at := held.split(number)) is not None:
                    shrink = right.numbered(f.Shrink(number, at, *node.token))
                    flights.append(Flight(f.JOURNAL, node.slot, shrink, node.token, under_token=True))
        after = node._replace(
            read=len(view.control),
            epoch=right.epoch,
            has_seen_fence=right.standing is Standing.FENCED,
            numbers=(right.numbers[False], right.numbers[True]),
            held=flat(held),
        )
        gives = "".join(f" and gives back {flight.frame.at}…" for flight in flights)
        return NodeMove(f"{name(node)} reads control{gives}", after, tuple(flights))

    def takes(self, node: Node, view: View) -> Iterator[NodeMove]:
        """Take the next unit of a lease."""
        for where, end in ((self.mail, self.bounds.units), ((TIER, 0), len(view.tier))):
            held = self.held(node)
            lease = held.next(where, end)
            if lease is None:
                continue
            held.taken(lease, lease.lo + 1)
            place = Position(*where, lease.lo)
            copy = view.tier[lease.lo] if where[0] == TIER else Copy(lease.lo, 1)
            work = Work(lease.lease, place, copy.source, lease.attempt or copy.attempt, lease.asked or copy.asked)
            work = work._replace(put_off=copy.put_off, is_tagged=copy.is_tagged, settled=lease.settled)
            taker = node._replace(held=flat(held), works=(*node.works, work))
            if self.bounds.splits and where == self.mail:
                machine = self.machine(work)
                kinds = (Kind.DEFERRED,) * len(self.copies(work, None))
                after, flights = self.perform(taker, work, machine, machine.step(Ended(kinds)))
                yield NodeMove(f"{name(node)} splits unit {copy.source}", after, flights)
                continue
            yield from self.passes(node, held, work)
            for kind in self.bounds.early:
                if kind not in WAITING or work.attempt <= self.bounds.attempts:  # what was released passes the gate
                    machine = self.machine(work)
                    after, flights = self.perform(taker, work, machine, machine.step(Ended((kind,))))
                    says = f"{name(node)} ends unit {copy.source} attempt {work.attempt} before data: {kind.value}"
                    yield NodeMove(says, after, flights)

    def passes(self, node: Node, held: Held, work: Work) -> Iterator[NodeMove]:
        """The gate lets the mail go on, by the production rule; with tags, whether a classifier answers is anybody's guess."""
        for ruling in (Ruling.TAG, Ruling.SEND) if self.bounds.tags else (Ruling.SEND,):
            found = Suspicion((0.0, 1.0, 0.0), 0.5) if work.is_tagged else None
            way = self.parts.tags().way(ruling, found, tries_before(work.attempt, work.put_off))
            goes = work._replace(is_tagged=way is Way.TAGGED, is_marking=way is Way.MARKED)
            taker = node._replace(held=flat(held), works=(*node.works, goes))
            if way is not Way.MARKED:
                yield from self.begins(taker, goes, f"begins {way.value},")
                continue
            machine = self.machine(goes)
            after, flights = self.perform(taker, goes, machine, machine.step(Ended((Kind.DEFERRED,))))
            yield NodeMove(f"{name(node)} puts unit {work.source} attempt {work.attempt} off to tag it", after, flights)

    def begins(self, node: Node, work: Work, verb: str) -> Iterator[NodeMove]:
        """Ask for the release of an end."""
        machine = self.machine(work)
        effects = machine.step(AskRelease((0,) if self.bounds.remembers else ()))
        if WriteEnd() in effects:
            yield from self.ends(node, work, machine)
            return
        after, flights = self.perform(node, work, machine, effects)
        yield NodeMove(f"{name(node)} {verb} unit {work.source} attempt {work.attempt}", after, flights)

    # ---- answers

    def hears(self, node: Node, answer: Answer, view: View) -> Iterator[NodeMove]:
        """The log answered an append."""
        answers = tuple(one for one in node.answers if one is not answer)
        node = node._replace(answers=answers, has_seen_fence=node.has_seen_fence or answer.is_fenced)
        work = next((work for work in node.works if work.key == answer.key), None)
        if work is None:
            yield NodeMove(f"{name(node)} hears of an append that it does not wait for", node, ())
            return
        machine = self.machine(work)
        if answer.is_fenced:
            effects = machine.step(Refused())
            if WriteEnd() in effects:
                yield from self.ends(node, work, machine)
                return
            after, flights = self.perform(node, work, machine, effects)
            yield NodeMove(f"{name(node)}: refused by the log", after, flights)
        elif work.state is State.INTENT:
            yield from self.decides(node, work, answer.position, self.may_end(node))
            if node.slips < self.bounds.slips:
                yield from self.slips(node._replace(slips=node.slips + 1), work, answer.position)
        elif work.state is State.COPYING:
            copies = range(answer.position, answer.position + len(self.copies(work, None)))
            effects = machine.step(CopyLogged(tuple(Position(TIER, 0, offset) for offset in copies)))
            after, flights = self.perform(node, work, machine, effects)
            yield NodeMove(f"{name(node)}: the copy is durable", after, flights)
        else:
            machine.step(Logged())
            after, flights = self.perform(node, work, machine, [])
            yield NodeMove(f"{name(node)}: logged", after, flights)

    def slips(self, node: Node, work: Work, intent: int) -> Iterator[NodeMove]:
        """The node was slow: nothing of it was acknowledged for too long, or only its INTENT is too old."""
        yield from self.decides(node, work, intent, self.right(node).may_end(0, 10 * TTL_MS))
        right = self.right(node)
        right.acknowledged(INTENT_MAX_AGE_MS)
        yield from self.decides(node, work, intent, right.may_end(0, INTENT_MAX_AGE_MS), "I14 its INTENT is too old")

    def decides(self, node: Node, work: Work, intent: int, release: Release, wrong: str = "") -> Iterator[NodeMove]:
        """The INTENT is durable, and the check has answered."""
        machine = self.machine(work)
        effects = machine.step(IntentLogged(intent, release))
        if WriteEnd() in effects:
            yield from self.ends(node, work, machine, wrong)
        else:
            after, flights = self.perform(node, work, machine, effects)
            yield NodeMove(f"{name(node)}: {release.value}", after, flights)

    def may_end(self, node: Node) -> Release:
        """R4, by the production check; a late node's clock stands behind its deadline."""
        return self.right(node).may_end(0, 10 * TTL_MS if node.is_late else 0)

    def ends(self, node: Node, work: Work, machine: Attempt, wrong: str = "") -> Iterator[NodeMove]:
        """The end leaves; the peer takes the message or not, and its reply may be lost."""
        wrong = wrong or ("I4 it has met its FENCE" if node.has_seen_fence else "")
        if work.attempt <= self.bounds.loses:
            lost = self.machine(work.after(machine))
            after, flights = self.perform(node, work, lost, lost.step(Ended((Kind.DEFERRED,))))
            yield NodeMove(f"{name(node)}: the connection was lost before the end left", after, flights)
        for kind in self.bounds.replies:
            if kind is not Kind.RELAYED and work.attempt > self.bounds.attempts:
                continue
            said = self.machine(work.after(machine))
            ended = work.after(machine)
            after, flights = self.perform(node, work, said, said.step(Ended(self.kinds(work, kind))))
            under = machine.transaction
            says = f"{name(node)}: END of unit {work.source} attempt {work.attempt}, reply {kind.value}"
            if kind is not Kind.DEFERRED:
                yield NodeMove(says, after, flights, Ending(ended, under, kind, True, False, wrong))
            if self.bounds.remembers and kind is not Kind.DEFERRED:
                yield NodeMove(f"{says} (asked)", after, flights, Ending(ended, under, kind, False, True, wrong))
            if kind is Kind.DEFERRED or (self.bounds.remembers and kind is Kind.IN_DOUBT):
                yield NodeMove(f"{says} (not taken)", after, flights, Ending(ended, under, kind, False, False, wrong))

    def kinds(self, work: Work, kind: Kind) -> tuple[Kind, ...]:
        """What became of everybody: the second recipient, where there is one, is refused unless it is settled."""
        left = left_of(PEOPLE[: 1 + self.bounds.settles], work.settled)
        return of_all([kind if one.index == 0 else Kind.BOUNCED for one in left], work.settled)

    # ---- machines and effects

    def machine(self, work: Work) -> Attempt:
        """The attempt's machine in the state of this work."""
        return self.parts.attempt(work.state, work.intent, work.kinds, work.attempt, work.asked)

    def right(self, node: Node) -> Right:
        """The node's right."""
        standing = Standing.FENCED if node.has_seen_fence else Standing.HOLDING
        numbers = {False: node.numbers[0], True: node.numbers[1]}
        return self.parts.right(*node.token, 0, node.epoch, standing, numbers=numbers)

    def held(self, node: Node) -> Held:
        """The node's leases."""
        held = self.parts.held()
        for lease in node.held:
            held.grant(lease)
        return held

    def perform(self, node: Node, work: Work, machine: Attempt, effects: list[Any]) -> tuple[Node, tuple[Flight, ...]]:
        """The node with the machine's state, and the appends that its effects ask for."""
        right = self.right(node)
        flights = [flight for effect in effects if (flight := self.flight(node, work, effect, right)) is not None]
        works = tuple(one.after(machine) if one.key == work.key else one for one in node.works)
        works = tuple(one for one in works if one.state not in (State.DONE, State.RETURNED))
        return node._replace(works=works, numbers=(right.numbers[False], right.numbers[True])), tuple(flights)

    def flight(self, node: Node, work: Work, effect: Any, right: Right) -> Flight | None:
        """The append that an effect asks for."""
        who = (work.lease, work.place.offset, work.attempt, *node.token)
        match effect:
            case LogIntent(asked):
                frame: Any = f.Intent(*who, 0, b"", (0, 1) if self.bounds.settles else (0,), asked)
            case LogVoid(intent):
                frame = f.Void(*who, intent)
            case LogCopy(asked):
                return Flight(TIER, 0, self.copies(work, asked), node.token, work.key)
            case LogOutcome(intent, kinds, copied):
                source = Position(*self.mail, work.source)
                deferrals = [
                    f.Deferral(place, source, attempt, 1, 1)
                    for place, (_, attempt, *_) in zip(copied, self.copies(work, None), strict=False)
                ]
                first = deferrals[0] if deferrals else None
                frame = f.Outcome(*who, 0, intent, kinds, first, more=tuple(deferrals[1:]))
            case _:
                return None
        under_token = not f.is_fact(frame)
        return Flight(f.JOURNAL, node.slot, right.numbered(frame), node.token, work.key, under_token)

    def copies(self, work: Work, asked: Asked | None) -> tuple[Copy, ...]:
        """What is deferred of a unit: the unit, or its two parts, which nobody tried yet."""
        if self.bounds.splits and work.place[:2] == self.mail:
            first = self.bounds.units + 2 * work.source
            return Copy(first, 1, asked), Copy(first + 1, 1, asked)
        is_tagged = work.is_tagged or work.is_marking
        return (Copy(work.source, work.attempt + 1, asked, work.put_off + work.is_marking, is_tagged),)


def flat(held: Held) -> tuple[Lease, ...]:
    """The leases of a node as a value."""
    return tuple(lease for where in sorted(held.ranges) for lease in held.ranges[where])


def name(node: Node) -> str:
    """A node in words."""
    return f"{node.name}.{node.incarnation}"
