"""The steps of a world, driven by the production machines: what may happen next, and what the machines make of it.

What a process knows of the streams is what stands in them when it acts (reads jump to the tail); everything it writes is first in
flight and lands at any later moment, or never, even after its writer died.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy, Write
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.node import TTL_MS, Release, Right
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
)
from fastemailnet.outcome import Kind
from tests.model.world import MAIL, TIER, Answer, Bounds, End, Flight, Node, Work, World, brief, same


@dataclass(frozen=True, slots=True)
class Parts:
    """The machines that the model drives."""

    fold: type[Fold] = Fold
    right: type[Right] = Right
    attempt: type[Attempt] = Attempt
    coordinator: type[Coordinator] = Coordinator


class Model:
    """The steps of the world under given bounds, driven by the production machines or by mutants of them."""

    def __init__(self, bounds: Bounds, parts: Parts = Parts()) -> None:
        self.bounds = bounds
        self.fold, self.right, self.attempt, self.coordinator = (
            parts.fold,
            parts.right,
            parts.attempt,
            parts.coordinator,
        )
        self.folds: dict[tuple[Any, ...], Fold] = {}

    def machine(self, work: Work) -> Attempt:
        """The attempt's machine in the state of this work."""
        return self.attempt(work.state, work.intent, work.kinds)

    # ---- what a reader at the tail knows

    def folded(self, world: World) -> Fold:
        """The fold of both streams, control first; remembered per content."""
        key = (world.control, world.journals)
        known = self.folds.get(key)
        if known is None:
            known = self.fold_from_scratch(world)
            self.folds[key] = known
        return known

    def fold_from_scratch(self, world: World, reverse: bool = False) -> Fold:
        """Read control to its end, then each journal partition, in either order of partitions."""
        fold = self.fold()
        for frame in world.control:
            fold.apply_control(frame)
        order = range(len(world.journals))
        for partition in reversed(order) if reverse else order:
            for position, frame in enumerate(world.journals[partition]):
                fold.apply_journal(partition, position, frame)
        return fold

    def leader(self, world: World, epoch: int) -> Coordinator:
        """The coordinator process of an epoch, having read to the tail."""
        verdicts = {MAIL: self.bounds.verdict}
        leader = self.coordinator(Policy(lease_units=1, window_units=self.bounds.units, verdicts=verdicts, doubt_ms=0))
        leader.fold = self.folded(world)
        leader.epoch = epoch
        leader.leases_made = sum(isinstance(frame, f.Assign) and frame.epoch == epoch for frame in world.control)
        leader.due = [(0, copy) for copy in sorted(leader.fold.named)]
        return leader

    # ---- steps

    def steps(self, world: World) -> Iterator[tuple[str, World]]:
        """Every step that may come next, with a line that says what happened."""
        for flight in sorted(world.flights, key=repr):
            yield self.land(world, flight)
        for answer in sorted(world.answers, key=repr):
            yield from self.answered(world, answer)
        for index, node in enumerate(world.nodes):
            if node.alive:
                yield from self.node_steps(world, index, node)
        for epoch in sorted(set(world.coordinators)):
            yield from self.coordinator_steps(world, epoch)
        yield from self.takeover(world)

    def land(self, world: World, flight: Flight) -> tuple[str, World]:
        """A record lands. A node that waits for it gets an answer."""
        after = replace(world, flights=world.flights - {flight})
        says = f"lands in {flight.stream}/{flight.partition}: {brief(flight.frame)}"
        if flight.stream == TIER:
            position = len(world.tier)
            after = replace(after, tier=(*world.tier, flight.frame))
        elif flight.stream == f.CONTROL:
            return says, replace(after, control=(*world.control, flight.frame))
        else:
            position = len(world.journals[flight.partition])
            journals = list(world.journals)
            journals[flight.partition] = (*journals[flight.partition], flight.frame)
            after = replace(after, journals=tuple(journals))
        if flight.writer[0] != "node":
            return says, after
        fenced = flight.under_token and self.fenced_in_log(world, flight.partition, flight.writer[1])
        return says, replace(after, answers=after.answers | {Answer(flight.writer, position, fenced)})

    def fenced_in_log(self, world: World, partition: int, token: tuple[str, int]) -> bool:
        """What the log back end checks: does a FENCE of the token stand there already?"""
        return any(isinstance(x, f.Fence) and (x.node, x.incarnation) == token for x in world.journals[partition])

    def answered(self, world: World, answer: Answer) -> Iterator[tuple[str, World]]:
        """A node reads the log's answer, and goes on in the same turn."""
        after = replace(world, answers=world.answers - {answer})
        _, token, lease, offset = answer.writer
        for index, node in enumerate(world.nodes):
            work = next((w for w in node.works if (w.lease, w.place.offset) == (lease, offset)), None)
            if node.alive and node.token == token and work is not None:
                yield from self.proceed(after, index, node, work, answer)
                return
        yield f"answer for {token} finds nobody", after

    def proceed(self, world: World, index: int, node: Node, work: Work, answer: Answer) -> Iterator[tuple[str, World]]:
        """Feed the answer to the attempt's machine and perform what it asks."""
        machine = self.machine(work)
        if answer.fenced:
            node = replace(node, fence_seen=True)
            effects = machine.step(Refused())
            if WriteEnd() in effects:
                yield from self.write_end(world, index, node, work.after(machine))
            else:
                yield f"{node.name}: refused", self.perform(world, index, node, work, machine, effects)
        elif work.state is State.INTENT:
            release = self.may_end(node)
            effects = machine.step(IntentLogged(answer.position, release))
            if WriteEnd() in effects:
                yield from self.write_end(world, index, node, work.after(machine))
            else:
                yield f"{node.name}: {release.value}", self.perform(world, index, node, work, machine, effects)
        elif work.state is State.COPYING:
            effects = machine.step(CopyLogged(Position(TIER, 0, answer.position)))
            yield f"{node.name}: copy is durable", self.perform(world, index, node, work, machine, effects)
        else:
            machine.step(Logged())
            yield f"{node.name}: logged", self.perform(world, index, node, work, machine, [])

    def may_end(self, node: Node) -> Release:
        """R4, by the production check; a late node's clock stands behind its deadline."""
        right = self.right(node.name, node.incarnation, sent_ms=0)
        if node.fence_seen:
            right.fence()
        return right.may_end(0, 10 * TTL_MS if node.late else 0)

    def write_end(self, world: World, index: int, node: Node, work: Work) -> Iterator[tuple[str, World]]:
        """The end leaves; the peer takes the message or not, and its reply may be lost."""
        for kind in self.bounds.replies:
            if kind is not Kind.RELAYED and work.attempt > 1:
                continue
            end = End(work.source, work.attempt, node.token, work.place, work.intent, kind, world.journals)
            after = replace(world, ends=(*world.ends, end))
            machine = self.machine(work)
            effects = machine.step(Ended((kind,)))
            says = f"{node.name}: END of unit {work.source} attempt {work.attempt}, reply {kind.value}"
            yield says, self.perform(after, index, node, work, machine, effects)

    def perform(self, world: World, index: int, node: Node, work: Work, machine: Attempt, effects: list[Any]) -> World:
        """Put the effects of a machine in flight and keep its state."""
        writer = ("node", node.token, work.lease, work.place.offset)
        flights = set(world.flights)
        for effect in effects:
            flight = self.flight(node, work, effect, writer, machine)
            if flight is not None:
                flights.add(flight)
        works = tuple(work.after(machine) if w == work or same(w, work) else w for w in node.works)
        works = tuple(w for w in works if w.state not in (State.DONE, State.RETURNED))
        nodes = list(world.nodes)
        nodes[index] = replace(node, works=works)
        return replace(world, nodes=tuple(nodes), flights=frozenset(flights))

    def flight(self, node: Node, work: Work, effect: Any, writer: tuple[Any, ...], machine: Attempt) -> Flight | None:
        """The append that an effect asks for."""
        slot = 0 if node.name == "a" else 1
        who = (work.lease, work.place.offset, work.attempt, *node.token)
        match effect:
            case LogIntent():
                return Flight(f.JOURNAL, slot, f.Intent(*who, 0, b"", (0,)), writer, under_token=True)
            case LogVoid(intent):
                return Flight(f.JOURNAL, slot, f.Void(*who, intent), writer)
            case LogCopy():
                return Flight(TIER, 0, (work.source, work.attempt + 1), writer)
            case LogOutcome(intent, kinds, copied):
                source = Position(MAIL, 0, work.source)
                deferral = f.Deferral(copied, source, work.attempt + 1, 0, 1) if copied is not None else None
                frame = f.Outcome(*who, 0, intent, kinds, deferral)
                return Flight(f.JOURNAL, slot, frame, writer, under_token=intent == f.NO_INTENT)
            case _:
                return None

    def node_steps(self, world: World, index: int, node: Node) -> Iterator[tuple[str, World]]:
        """A living node takes a unit of a lease, notices its fence, or is killed."""
        nodes = list(world.nodes)
        fenced, kills, takeovers, joins = world.spent
        if kills < self.bounds.kills:
            nodes[index] = replace(node, alive=False, works=())
            yield f"kill {node.name}", replace(world, nodes=tuple(nodes), spent=(fenced, kills + 1, takeovers, joins))
        slot = 0 if node.name == "a" else 1
        if not node.fence_seen and self.fenced_in_log(world, slot, node.token):
            nodes[index] = replace(node, fence_seen=True)
            yield f"{node.name} reads its fence", replace(world, nodes=tuple(nodes))
        for work in self.takeable(world, node):
            begun = replace(node, works=(*node.works, work), taken=node.taken | {(work.lease, work.place.offset)})
            machine = self.machine(work)
            effects = machine.step(AskRelease())
            yield (
                f"{node.name} begins unit {work.source} attempt {work.attempt}",
                self.perform(world, index, begun, work, machine, effects),
            )
            if self.bounds.early_end:
                machine = self.machine(work)
                effects = machine.step(Ended((Kind.REJECTED,)))
                yield (
                    f"{node.name} rejects unit {work.source}",
                    self.perform(world, index, begun, work, machine, effects),
                )
        for work in node.works:
            if work.state is State.LEASED and not node.fence_seen:
                machine = self.machine(work)
                effects = machine.step(AskRelease())
                yield (
                    f"{node.name} tries unit {work.source} again",
                    self.perform(world, index, node, work, machine, effects),
                )

    def takeable(self, world: World, node: Node) -> Iterator[Work]:
        """Units of valid leases of this incarnation that it has not begun, as its reading of control tells."""
        if node.fence_seen:
            return
        right = self.right(node.name, node.incarnation, sent_ms=0)
        for frame in world.control:
            lease = right.control_read(frame)
            if lease is None or (lease.lease, lease.lo) in node.taken:
                continue
            if lease.stream == TIER and lease.lo < len(world.tier):
                source, attempt = world.tier[lease.lo]
            elif lease.stream == MAIL and lease.lo < self.bounds.units:
                source, attempt = lease.lo, 1
            else:
                continue
            yield Work(lease.lease, Position(lease.stream, 0, lease.lo), source, lease.attempt or attempt)

    def coordinator_steps(self, world: World, epoch: int) -> Iterator[tuple[str, World]]:
        """A coordinator that waits for no append of its own reads to the tail and writes what it decides."""
        if any(flight.writer == ("coordinator", epoch) for flight in world.flights):
            return
        leader = self.leader(world, epoch)
        if leader.is_deposed():
            gone = tuple(e for e in world.coordinators if e != epoch)
            yield f"coordinator {epoch} sees a higher epoch and stops", replace(world, coordinators=gone)
            return
        fences, kills, takeovers, joins = world.spent
        for join in leader.living():
            node = next(n for n in world.nodes if n.name == join.node)
            suspected = node.alive and node.incarnation == join.incarnation
            if suspected and fences >= self.bounds.fences:
                continue
            spent = (fences + suspected, kills, takeovers, joins)
            write = leader.fence(join, 0, "suspected" if suspected else "dead")
            says = f"coordinator {epoch} fences {join.node}.{join.incarnation}"
            yield says, self.send(replace(world, spent=spent), epoch, [write, *self.plan(world, epoch)])
        yield from self.plans(world, epoch)
        yield from self.admissions(world, epoch, leader)

    def plan(self, world: World, epoch: int) -> list[Write]:
        """What the production machine of this epoch wants to write."""
        return self.leader(world, epoch).plan(0, {(MAIL, 0): self.bounds.units})

    def plans(self, world: World, epoch: int) -> Iterator[tuple[str, World]]:
        """The whole batch goes on its way at once."""
        writes = self.plan(world, epoch)
        if writes:
            says = " + ".join(brief(write.frame) for write in writes)
            yield f"coordinator {epoch} writes {says}", self.send(world, epoch, writes)

    def admissions(self, world: World, epoch: int, leader: Coordinator) -> Iterator[tuple[str, World]]:
        """A node that was killed or fenced starts anew under the next incarnation."""
        fences, kills, takeovers, joins = world.spent
        if joins >= self.bounds.joins:
            return
        for index, node in enumerate(world.nodes):
            if leader.fold.is_fenced(node.token) and not node.alive:
                write = leader.admit(node.name, 9, 0)[-1]
                nodes = list(world.nodes)
                nodes[index] = Node(node.name, node.incarnation + 1)
                after = replace(world, nodes=tuple(nodes), spent=(fences, kills, takeovers, joins + 1))
                yield f"{node.name} starts anew", self.send(after, epoch, [write])

    def takeover(self, world: World) -> Iterator[tuple[str, World]]:
        """Another coordinator starts; the old one may be dead or only slow, which is the same until it writes."""
        fences, kills, takeovers, joins = world.spent
        if takeovers >= self.bounds.takeovers:
            return
        epoch = self.folded(world).epoch + 1
        control = (*world.control, f.Epoch(epoch, 0))
        spent = (fences, kills, takeovers + 1, joins)
        after = replace(world, control=control, coordinators=(*world.coordinators, epoch), spent=spent)
        yield f"coordinator {epoch} takes over", after

    def send(self, world: World, epoch: int, writes: list[Write]) -> World:
        """A coordinator's appends go on their way. A RESOLVE means that time passed for every fenced holder."""
        if any(isinstance(write.frame, f.Resolve) for write in writes):
            fold = self.folded(world)
            late = tuple(replace(n, late=n.late or fold.is_fenced(n.token)) for n in world.nodes)
            world = replace(world, nodes=late)
        flights = {
            Flight(f.CONTROL if w.partition is None else f.JOURNAL, w.partition or 0, w.frame, ("coordinator", epoch))
            for w in writes
        }
        return replace(world, flights=world.flights | flights)
