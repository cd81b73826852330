"""A small world: two nodes, coordinators that crash and linger, and appends that are late, reordered or never land.

The state is an immutable value. What a process knows of the streams is what stands in them when it acts (reads jump to the tail);
everything it writes is first *in flight* and lands at any later moment, or never, even after its writer died. Records of a fenced
token land behind the fence, as they do in Kafka, and the writer learns so.

Times are logical: a node is *late* once the fleet has waited longer than any right of it can last, which is when a doubt may be
resolved.
"""

from dataclasses import dataclass, replace
from typing import Any

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.unit import (
    Attempt,
    State,
)
from fastemailnet.outcome import Kind

MAIL = "mail.standard"
TIER = "defer.1m"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far the search goes."""

    units: int = 1
    fences: int = 1  # of living nodes; dead ones are fenced without limit
    kills: int = 1
    takeovers: int = 0
    joins: int = 0
    replies: tuple[Kind, ...] = (Kind.RELAYED, Kind.IN_DOUBT)
    verdict: f.Verdict | None = f.Verdict.RETRY
    early_end: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt on a node: its lease, the unit it carries and the machine's state."""

    lease: int
    place: Position
    source: int  # offset of the accepted record
    attempt: int
    state: State = State.LEASED
    intent: int = f.NO_INTENT
    kinds: tuple[Kind, ...] = ()

    def after(self, machine: Attempt) -> "Work":
        """The state of the machine after a step."""
        return replace(self, state=machine.state, intent=machine.intent, kinds=machine.kinds)


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a node."""

    name: str
    incarnation: int
    alive: bool = True
    fence_seen: bool = False
    late: bool = False
    works: tuple[Work, ...] = ()
    taken: frozenset[tuple[int, int]] = frozenset()  # (lease, offset) that were already worked on

    @property
    def token(self) -> tuple[str, int]:
        """Name and incarnation."""
        return self.name, self.incarnation


@dataclass(frozen=True, slots=True)
class Flight:
    """A record on its way. ``asks`` tells whose work waits for the answer."""

    stream: str
    partition: int
    frame: Any
    writer: tuple[Any, ...]  # ("node", token, lease, offset) or ("coordinator", epoch)
    under_token: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The log's answer to a node's append, not yet read by the node."""

    writer: tuple[Any, ...]
    position: int
    fenced: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of data that was written, with what the peer did with it."""

    source: int
    attempt: int
    token: tuple[str, int]
    place: Position
    intent: int  # position of the INTENT that allowed it
    kind: Kind  # what the peer did and, unless IN_DOUBT, said
    journals: tuple[tuple[Any, ...], ...]  # as they stood at that moment


@dataclass(frozen=True, slots=True)
class World:
    """One state."""

    control: tuple[Any, ...]
    journals: tuple[tuple[Any, ...], ...]
    tier: tuple[tuple[int, int], ...] = ()  # copies: (source offset, attempt)
    flights: frozenset[Flight] = frozenset()
    answers: frozenset[Answer] = frozenset()
    nodes: tuple[Node, ...] = ()
    coordinators: tuple[int, ...] = (1,)  # epochs of processes that believe to lead
    ends: tuple[End, ...] = ()
    spent: tuple[int, int, int, int] = (0, 0, 0, 0)  # fences, kills, takeovers, joins


def genesis() -> World:
    """Two nodes have joined; nothing is leased."""
    control = (f.Epoch(1, 0), f.Join(1, "a", 1, 0, 9), f.Join(1, "b", 1, 1, 9))
    return World(control, ((), ()), nodes=(Node("a", 1), Node("b", 1)))


def same(one: Work, other: Work) -> bool:
    """Whether two states are of the same attempt."""
    return (one.lease, one.place) == (other.lease, other.place)


def brief(frame: Any) -> str:
    """A frame in a few words."""
    if isinstance(frame, tuple):
        return f"copy of unit {frame[0]} as attempt {frame[1]}"
    fields = {name: getattr(frame, name) for name in frame.__struct_fields__}
    shown = ("epoch", "node", "incarnation", "lease", "offset", "lo", "attempt", "intent", "kinds", "verdict", "reason")
    return type(frame).__name__.upper() + " " + " ".join(f"{k}={fields[k]}" for k in shown if k in fields)
