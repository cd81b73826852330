"""The steps of a world, driven by the production machines: what may happen next, and what the machines make of it.

A step touches a part of the world only: a record lands in one stream, a node acts on what it sees of the log. What follows from
a part is worked out once and remembered, so that a step of the whole is a few look-ups.
"""

from functools import cache
from typing import Any

from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy, Write
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from tests.model import invariants
from tests.model.nodes import Ending, Nodes, Parts, View
from tests.model.reviewers import copies, decisions
from tests.model.world import TIER, Answer, Book, Bounds, End, Flight, Node, Rest, Streams, World, brief, genesis

Move = tuple[tuple[Any, ...], World, str]  # what was done, the world behind it, the invariant it breaks
AT_MS = 10  # every doubt and every deferral is due
PRODUCTION = Parts()
NOT_OWED = frozenset(
    {"kill", "suspect", "takeover", "rejoin", "echo", "review"}
)  # faults, and what a person need not do


class Model:
    """The worlds under given bounds, driven by the production machines or by mutants of them."""

    def __init__(self, bounds: Bounds, parts: Parts = PRODUCTION) -> None:
        self.bounds = bounds
        self.parts = parts
        self.machines = Nodes(bounds, parts)
        self.streams: Book[Streams] = Book()
        self.flights: Book[Flight] = Book()
        self.flown: Book[tuple[int, ...]] = Book()
        self.nodes: Book[Node] = Book()
        self.fleets: Book[tuple[int, ...]] = Book()
        self.rests: Book[Rest] = Book()
        self.ends: Book[tuple[End, ...]] = Book()
        self.views: Book[View] = Book()
        self.folds: list[Fold] = []  # by number of the streams
        self.alive: list[bytes] = []  # snapshots of folds that read frame by frame, likewise
        self.seen: list[dict[str, int]] = []  # what a node of this name sees, likewise
        self.broken: list[str] = []
        # Remembered per model: functools' caches are the fastest look-up there is.
        for name in (
            "land",
            "landable",
            "waiting",
            "without",
            "adding",
            "node_moves",
            "answered",
            "put",
            "lead",
            "judge",
        ):
            setattr(self, name, cache(getattr(self, name)))

    def genesis(self) -> World:
        """The first world."""
        streams, nodes = genesis()
        number = self.log(streams, None, None)
        fleet = self.fleets.number(tuple(self.nodes.number(node) for node in nodes))
        return (
            number,
            self.flown.number(()),
            fleet,
            self.rests.number(Rest(() if self.bounds.headless else (1,))),
            self.ends.number(()),
        )

    # ---- the streams

    def log(self, streams: Streams, before: int | None, landed: tuple[int | None, Any] | None) -> int:
        """The number of streams; new ones are folded and judged."""
        known = self.streams.numbers.get(streams)
        if known is not None:
            return known
        number = self.streams.number(streams)
        fold = fold_all(self.parts.fold, streams)
        self.folds.append(fold)
        live = self.fold_on(before, landed)
        self.alive.append(encode_snapshot(live, len(streams.control)))
        view = [View(streams.control, fences(journal), streams.tier) for journal in streams.journals]
        self.seen.append({"a": self.views.number(view[0]), "b": self.views.number(view[1])})
        self.broken.append(next(invariants.violations(streams, fold, live, self.bounds, self.parts.fold), ""))
        return number

    def fold_on(self, before: int | None, landed: tuple[int | None, Any] | None) -> Fold:
        """The fold of a reader that was here before and reads the one new frame."""
        if before is None or landed is None:
            return fold_all(self.parts.fold, genesis()[0])
        fold, position = decode_snapshot(self.alive[before], self.parts.fold)
        partition, frame = landed
        if partition is None:
            assert position == len(self.streams.values[before].control)
            fold.apply_control(frame)
        elif partition >= 0:
            fold.apply_journal(partition, len(self.streams.values[before].journals[partition]), frame)
        return fold

    # ---- moves

    def moves(self, world: World) -> list[Move]:
        """Every step that may come next."""
        found: list[Move] = []
        self._landings(world, found)
        self._node_moves(world, found)
        self._coordinator_moves(world, found)
        return found

    def says(self, move: tuple[Any, ...]) -> str:
        """A move in words."""
        if move[0] in ("land", "echo"):
            flight = self.flights.values[move[1]]
            twice = ", and a copy stays on its way" if move[0] == "echo" else ""
            return f"lands in {flight.stream}/{flight.partition}: {brief(flight.frame)}{twice}"
        return str(move[1])

    def _landings(self, world: World, found: list[Move]) -> None:
        streams, flown, fleet, rest, ends = world
        echoes = self.rests.values[rest].echoes
        for flight in self.landable(flown):
            after, answer = self.land(streams, flight)
            nodes = fleet if answer is None else self.answered(fleet, flight, answer, after)
            left = self.without(flown, flight)
            found.append((("land", flight), (after, left, nodes, rest, ends), self.broken[after]))
            if echoes < self.bounds.echoes and answer is not None and self.flights.values[flight].key is not None:
                echo = self.flights.number(self.flights.values[flight]._replace(is_echo=True))
                spent = self.rests.number(self.rests.values[rest]._replace(echoes=echoes + 1))
                stays = self.adding(left, (echo,))
                found.append((("echo", flight), (after, stays, nodes, spent, ends), self.broken[after]))

    def landable(self, flown: int) -> list[int]:
        """The flights that may land: of one incarnation's frames in one channel, the first."""
        found = []
        first: dict[Any, tuple[int, int]] = {}
        for number in self.flown.values[flown]:
            flight = self.flights.values[number]
            if flight.is_echo or flight.stream != f.JOURNAL or flight.writer[0] == "coordinator":
                found.append(number)
                continue
            channel = (flight.writer, flight.under_token)
            first[channel] = min(first.get(channel, (flight.frame.seq, number)), (flight.frame.seq, number))
        return sorted([*found, *(number for _, number in first.values())])

    def land(self, streams: int, flight: int) -> tuple[int, Answer | None]:
        """A record lands; the answer for the node that waits for it, or for the one that joins by it."""
        what = self.flights.values[flight]
        was = self.streams.values[streams]
        if what.stream == f.CONTROL:
            after = was._replace(control=(*was.control, what.frame))
            joins = Answer((0, 0), 0, False) if isinstance(what.frame, f.Join) else None
            return self.log(after, streams, (None, what.frame)), joins
        if what.stream == TIER:
            after = was._replace(tier=(*was.tier, *what.frame))
            number = self.log(after, streams, (-1, None))
            position, is_fenced = len(was.tier), False
        else:
            position = len(was.journals[what.partition])
            is_fenced = what.under_token and what.writer in fences(was.journals[what.partition])
            journals = list(was.journals)
            journals[what.partition] = (*journals[what.partition], what.frame)
            number = self.log(was._replace(journals=tuple(journals)), streams, (what.partition, what.frame))
        if (what.key is None and not is_fenced) or what.is_echo:
            return number, None
        return number, Answer(what.key or (0, 0), position, is_fenced)

    def answered(self, fleet: int, flight: int, answer: Answer, streams: int) -> int:
        """The processes after the log's answer to one of them, or after a JOIN."""
        what = self.flights.values[flight]
        nodes = [self.nodes.values[number] for number in self.fleets.values[fleet]]
        if isinstance(what.frame, f.Join):
            if self.folds[streams].members.get(what.frame.node) != what.frame:
                return fleet  # void: its coordinator answers nobody
            control = len(self.streams.values[streams].control)
            nodes = [node for node in nodes if node.is_alive or node.name != what.frame.node]
            nodes.append(Node(what.frame.node, what.frame.incarnation, control, what.frame.epoch))
            return self.fleet(nodes)
        after = [
            node._replace(answers=(*node.answers, answer)) if node.is_alive and node.token == what.writer else node
            for node in nodes
        ]
        return self.fleet(after)

    def fleet(self, nodes: list[Node]) -> int:
        """The number of these processes."""
        return self.fleets.number(tuple(self.nodes.number(node) for node in nodes))

    def without(self, flown: int, flight: int) -> int:
        """The flights but one."""
        return self.flown.number(tuple(number for number in self.flown.values[flown] if number != flight))

    def adding(self, flown: int, flights: tuple[int, ...]) -> int:
        """The flights and some more."""
        return self.flown.number(tuple(sorted({*self.flown.values[flown], *flights})))

    # ---- nodes

    def _node_moves(self, world: World, found: list[Move]) -> None:
        streams, flown, fleet, rest, ends = world
        kills = self.rests.values[rest].kills < self.bounds.kills
        seen = self.seen[streams]
        for index, number in enumerate(self.fleets.values[fleet]):
            node = self.nodes.values[number]
            if not node.is_alive:
                continue
            for says, after, flights, ending in self.node_moves(number, seen[node.name]):
                nodes = self.put(fleet, index, after)
                flying = self.adding(flown, flights) if flights else flown
                if ending is None:
                    found.append((("node", says), (streams, flying, nodes, rest, ends), ""))
                    continue
                judged = self.judge(streams, ends, ending, node.token)
                if judged is not None:
                    found.append((("node", says), (streams, flying, nodes, rest, judged[0]), judged[1]))
            if kills:
                spent = self.rests.values[rest]
                fewer = self.rests.number(spent._replace(kills=spent.kills + 1))
                dead = self.nodes.number(Node(node.name, node.incarnation, 0, is_alive=False))
                nodes = self.put(fleet, index, dead)
                found.append(
                    (("kill", f"kill {node.name}.{node.incarnation}"), (streams, flown, nodes, fewer, ends), "")
                )

    def node_moves(self, number: int, view: int) -> list[tuple[str, int, tuple[int, ...], Ending | None]]:
        """The steps of a node that sees this, in numbers."""
        moves = self.machines.moves(self.nodes.values[number], self.views.values[view])
        return [
            (says, self.nodes.number(after), tuple(self.flights.number(flight) for flight in flights), ending)
            for says, after, flights, ending in moves
        ]

    def put(self, fleet: int, index: int, node: int) -> int:
        """The processes with another state of one."""
        nodes = list(self.fleets.values[fleet])
        nodes[index] = node
        return self.fleets.number(tuple(nodes))

    def judge(self, streams: int, ends: int, ending: Ending, token: tuple[str, int]) -> tuple[int, str] | None:
        """The ends with this one, and what it breaks; None where the peer cannot have acted so."""
        work = ending.work
        before = self.ends.values[ends]
        under = (work.source, ending.transaction)
        knows = any(end.is_kept and (end.source, end.transaction) == under for end in before)
        if self.bounds.remembers and ending.knows != knows:
            return None
        partition = 0 if token[0] == "a" else 1
        how = (ending.kind, ending.transaction, ending.is_kept, self.bounds.settles and not work.settled)
        end = End(work.source, work.attempt, partition, work.intent, *how, work.is_tagged)
        said = self.streams.values[streams]
        broken = next(invariants.ends(said, before, end, work.place, token, self.bounds), "")
        if ending.wrong:
            broken = f"{ending.wrong}: end of unit {work.source} attempt {work.attempt} by {token[0]}.{token[1]}"
        return self.ends.number((*before, end)), broken

    # ---- coordinators

    def _coordinator_moves(self, world: World, found: list[Move]) -> None:
        streams, flown, fleet, rest, ends = world
        spent = self.rests.values[rest]
        waiting = self.waiting(flown)
        for who in spent.coordinators:
            if who in waiting:
                continue
            for kind, says, flights, has_resolved, node in self.lead(streams, who):
                after, nodes = spent, fleet
                if kind == "stop":
                    after = spent._replace(coordinators=tuple(x for x in spent.coordinators if x != who))
                elif kind == "fence" and self._is_alive(fleet, node):
                    if spent.fences >= self.bounds.fences:
                        continue
                    kind, after = "suspect", spent._replace(fences=spent.fences + 1)
                elif kind == "rejoin":
                    if spent.joins >= self.bounds.joins:
                        continue
                    after = spent._replace(joins=spent.joins + 1)
                if has_resolved:
                    nodes = self._late(fleet, streams)
                flying = self.adding(flown, flights)
                found.append(((kind, says), (streams, flying, nodes, self.rests.number(after), ends), ""))
        if spent.reviews < self.bounds.reviews:
            after = self.rests.number(spent._replace(reviews=spent.reviews + 1))
            for flight in copies(self.folds[streams], spent.reviews):
                flying = self.adding(flown, (self.flights.number(flight),))
                found.append((("review", "a reviewer makes a copy"), (streams, flying, fleet, after, ends), ""))
        if spent.takeovers < self.bounds.takeovers:
            who = spent.takeovers + 2
            epoch = f.Epoch(self.folds[streams].epoch + 1, 0, who)
            flying = self.adding(flown, (self.flights.number(Flight(f.CONTROL, 0, epoch, ("coordinator", who))),))
            after = spent._replace(coordinators=(*spent.coordinators, who), takeovers=spent.takeovers + 1)
            says = f"coordinator {who} asks for epoch {epoch.epoch}"
            found.append((("takeover", says), (streams, flying, fleet, self.rests.number(after), ends), ""))

    def waiting(self, flown: int) -> set[int]:
        """The coordinators whose appends are on their way."""
        writers = (self.flights.values[number].writer for number in self.flown.values[flown])
        return {writer[1] for writer in writers if writer[0] == "coordinator"}

    def lead(self, streams: int, who: int) -> list[tuple[str, str, tuple[int, ...], bool, tuple[str, int]]]:
        """What a coordinator that has read to the tail may do: kind, words, flights, whether it resolves, whom it concerns."""
        leader = self.leader(streams, who)
        nobody = ("", 0)
        if leader.is_deposed():
            return [("stop", f"coordinator {who} sees that another leads, and stops", (), False, nobody)]
        found = []
        for join in leader.living():
            write = leader.fence(join, 0, "silent")
            says = f"coordinator {who} fences {join.node}.{join.incarnation}"
            found.append(("fence", says, self.send([write], who), False, (join.node, join.incarnation)))
        for node in ("a", "b") if self.bounds.joins else ():
            writes = self.leader(streams, who).admit(node, 9, 0)
            says = f"{node} starts anew, coordinator {who} writes {words(writes)}"
            found.append(("rejoin", says, self.send(writes, who), False, nobody))
        for write in decisions(leader, self.streams.values[streams].tier) if self.bounds.reviews else ():
            says = f"coordinator {who} is asked by a reviewer and writes {words([write])}"
            found.append(("review", says, self.send([write], who), False, nobody))
        writes = leader.plan(AT_MS, {(self.bounds.stream, 0): self.bounds.units})
        if writes:
            # A peer that remembers may be asked at once; any other resolution waits until no holder can still end anything.
            resolves = any(isinstance(w.frame, f.Resolve) and w.frame.verdict is not f.Verdict.ASK for w in writes)
            says = f"coordinator {who} writes {words(writes)}"
            found.append(("plan", says, self.send(writes, who), resolves, nobody))
        return found

    def leader(self, streams: int, who: int) -> Coordinator:
        """A coordinator process, having read to the tail."""
        bounds = self.bounds
        policy = Policy(
            lease_units=bounds.lease_units,
            window_units=max(bounds.units, bounds.lease_units),
            steal_units=1 if bounds.steals else 99,
            verdicts={bounds.stream: bounds.verdict},
            doubt_ms=0,
            ask_ms=0,
        )
        leader = self.parts.coordinator(policy, self.folds[streams].clone(), who)
        control = self.streams.values[streams].control
        epoch = next(frame.epoch for frame in control if isinstance(frame, f.Epoch) and frame.who == who)
        leader.epoch = epoch
        leader.grants.made = sum(isinstance(frame, f.Assign) and frame.epoch == epoch for frame in control)
        leader.asked = {frame.lease for frame in control if isinstance(frame, f.Split)}
        return leader

    def send(self, writes: list[Write], who: int) -> tuple[int, ...]:
        """A coordinator's appends on their way."""
        streams = [(f.CONTROL, 0) if w.partition is None else (f.JOURNAL, w.partition) for w in writes]
        return tuple(
            self.flights.number(Flight(*where, write.frame, ("coordinator", who)))
            for where, write in zip(streams, writes, strict=True)
        )

    def _is_alive(self, fleet: int, token: tuple[str, int]) -> bool:
        nodes = (self.nodes.values[number] for number in self.fleets.values[fleet])
        return any(node.is_alive and node.token == token for node in nodes)

    def _late(self, fleet: int, streams: int) -> int:
        """Time passed for every fenced holder."""
        fold = self.folds[streams]
        nodes = [self.nodes.values[number] for number in self.fleets.values[fleet]]
        return self.fleet([node._replace(is_late=node.is_late or fold.is_fenced(node.token)) for node in nodes])

    # ---- the end of a run

    def stuck(self, world: World) -> str:
        """What is left undone although only faults could still happen; "" if all is done."""
        streams, _, fleet, rest, _ = world
        nodes = [self.nodes.values[number] for number in self.fleets.values[fleet]]
        return next(
            invariants.undone(self.folds[streams], nodes, self.rests.values[rest].coordinators, self.bounds), ""
        )


def fold_all(kind: type[Fold], streams: Streams, reverse: bool = False) -> Fold:
    """Read control to its end, then each journal partition, in either order of partitions."""
    fold = kind()
    for frame in streams.control:
        fold.apply_control(frame)
    order = range(len(streams.journals))
    for partition in reversed(order) if reverse else order:
        for position, frame in enumerate(streams.journals[partition]):
            fold.apply_journal(partition, position, frame)
    return fold


def fences(journal: tuple[Any, ...]) -> frozenset[tuple[str, int]]:
    """The tokens that have a FENCE there."""
    return frozenset((x.node, x.incarnation) for x in journal if isinstance(x, f.Fence))


def words(writes: list[Write]) -> str:
    """What is written, in words."""
    return " + ".join(brief(write.frame) for write in writes)


def is_quiet(moves: list[Move]) -> bool:
    """Whether nothing but faults could still happen."""
    return all(move[0][0] in NOT_OWED for move in moves)
