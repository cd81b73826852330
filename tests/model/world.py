"""A small world: two nodes, coordinators that crash and linger, and appends that are late, reordered, repeated or never land.

Everything a process writes is first *in flight* and lands at any later moment, or never, even after its writer died; the frames
that one incarnation writes into one channel (permissions, facts) keep their order, as a batching appender gives it. Records of
a fenced token land behind the fence, as they do in Kafka, and the writer learns so. A coordinator reads to the tail before it
acts; a node follows control at its own pace.

Times are logical: a node is *late* once the fleet has waited longer than any right of it can last, which is when a doubt may be
resolved without asking the peer.

The values are plain and hashable. ``Book`` gives each distinct one a number, so that a world is five small integers and what
follows from a part of it is worked out once.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from fastemailnet.envelope import Asked, Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.lease import Lease
from fastemailnet.flashsync.unit import Attempt, State
from fastemailnet.outcome import Kind

MAIL = "mail.standard"
ORDERED = "order.standard"
TIER = "defer.1m"
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far the search goes."""

    units: int = 1
    stream: str = MAIL
    lease_units: int = 1
    fences: int = 1  # of living nodes; dead ones are fenced without limit
    kills: int = 1
    takeovers: int = 0
    headless: bool = False  # the first coordinator is dead
    joins: int = 0
    echoes: int = 0  # appends that land twice
    slips: int = 0  # times that each node is slow by itself, so that its deadline passes between INTENT and end
    steals: bool = False
    replies: tuple[Kind, ...] = (Kind.RELAYED, Kind.IN_DOUBT)
    early: tuple[Kind, ...] = ()  # how an attempt may end before the point of no return
    attempts: int = 1  # up to which attempt a peer answers anything but RELAYED
    verdict: f.Verdict | None = f.Verdict.RETRY
    remembers: bool = False  # the peer offers CHECKPOINT
    splits: bool = False  # a unit is of two destinations
    settles: bool = False  # a unit has a second recipient, whom the peer refuses each time that it is written to
    reviews: int = 0  # copies that reviewers make of what is held, each to be named by a release or by nobody
    tags: bool = False  # the gate has every mail tagged, where its classifier answers
    loses: int = 0  # up to which attempt a connection may be lost between the release of an end and its leaving


class Work(NamedTuple):
    """One attempt on a node: its lease, the unit it carries and the machine's state."""

    lease: int
    place: Position
    source: int  # offset of the accepted record; of a part of one that was split: a number behind those of all units
    attempt: int
    asked: Asked | None
    state: State = State.LEASED
    intent: int = f.NO_INTENT
    kinds: tuple[Kind, ...] = ()
    settled: tuple[Kind, ...] = ()  # of the lease
    put_off: int = 0  # of the attempts before, so many were none
    is_tagged: bool = False  # what it transmits has the fields
    is_marking: bool = False  # it ends so that the next one is tagged

    def after(self, machine: Attempt) -> "Work":
        """The state of the machine after a step."""
        return self._replace(state=machine.state, intent=machine.intent, kinds=machine.kinds)

    @property
    def key(self) -> tuple[int, int]:
        """What names the attempt on its node."""
        return self.lease, self.place.offset


class Copy(NamedTuple):
    """A record of a tier."""

    source: int
    attempt: int
    asked: Asked | None = None  # what it asks about
    put_off: int = 0
    is_tagged: bool = False


class Answer(NamedTuple):
    """The log's answer to a node's append, not yet read by the node."""

    key: tuple[int, int]  # of the work
    position: int
    is_fenced: bool


class Node(NamedTuple):
    """One process of a node."""

    name: str
    incarnation: int
    read: int  # control frames that it has read
    epoch: int = 1  # the highest that it has read
    is_alive: bool = True
    has_seen_fence: bool = False
    is_late: bool = False
    numbers: tuple[int, int] = (0, 0)  # of the next permission, of the next fact
    held: tuple[Lease, ...] = ()
    works: tuple[Work, ...] = ()
    answers: tuple[Answer, ...] = ()
    slips: int = 0

    @property
    def token(self) -> tuple[str, int]:
        """Name and incarnation."""
        return self.name, self.incarnation

    @property
    def slot(self) -> int:
        """Its journal partition."""
        return 0 if self.name == "a" else 1


class Flight(NamedTuple):
    """A record on its way."""

    stream: str
    partition: int
    frame: Any
    writer: tuple[Any, ...]  # a node's token, or ("coordinator", epoch)
    key: tuple[int, int] | None = None  # the work that waits for the answer
    under_token: bool = False
    is_echo: bool = False


class Streams(NamedTuple):
    """What stands in the log."""

    control: tuple[Any, ...]
    journals: tuple[tuple[Any, ...], ...]
    tier: tuple[Copy, ...] = ()


class End(NamedTuple):
    """An end of data that was written, with what the peer did with it."""

    source: int
    attempt: int
    partition: int  # of the journal
    intent: int  # position of the INTENT that allowed it
    kind: Kind  # what the peer said
    transaction: int  # the attempt whose transaction id it went under
    is_kept: bool  # whether this end made a copy
    refused: bool = False  # whether the second recipient was written to, and refused
    is_tagged: bool = False  # what was transmitted


class Rest(NamedTuple):
    """Who believes to lead, and how much of the bounds is used up."""

    coordinators: tuple[int, ...] = (1,)
    fences: int = 0
    kills: int = 0
    takeovers: int = 0
    joins: int = 0
    echoes: int = 0
    reviews: int = 0


World = tuple[int, int, int, int, int]
"""Numbers of: streams, flights (a sorted tuple of flight numbers), nodes (a tuple of node numbers), rest, ends."""


class Book(Generic[T]):
    """Gives each distinct value a number."""

    def __init__(self) -> None:
        self.numbers: dict[T, int] = {}
        self.values: list[T] = []

    def number(self, value: T) -> int:
        """The number of a value."""
        known = self.numbers.get(value)
        if known is None:
            known = self.numbers[value] = len(self.values)
            self.values.append(value)
        return known


def genesis() -> tuple[Streams, tuple[Node, ...]]:
    """Two nodes have joined; nothing is leased."""
    control = (f.Epoch(1, 0, 1), f.Join(1, "a", 1, 0, 9), f.Join(1, "b", 1, 1, 9))
    return Streams(control, ((), ())), (Node("a", 1, 3), Node("b", 1, 3))


def brief(frame: Any) -> str:
    """A frame in a few words."""
    match frame:
        case tuple():
            return " + ".join(f"copy of unit {copy.source} as attempt {copy.attempt}" for copy in frame)
        case f.Epoch():
            return f"EPOCH {frame.epoch} of coordinator {frame.who}"
        case f.Join():
            return f"JOIN {frame.node}.{frame.incarnation}"
        case f.Assign():
            again = f", as attempt {frame.attempt}" if frame.attempt else ""
            asking = f", to ask about attempt {frame.asked.attempt}" if frame.asked else ""
            span = f"{frame.stream} [{frame.lo},{frame.hi})"
            return f"ASSIGN {span} to {frame.node}.{frame.incarnation} as {lease(frame.lease)}{again}{asking}"
        case f.Split():
            return f"SPLIT {lease(frame.lease)}"
        case f.Fence():
            return f"FENCE {frame.node}.{frame.incarnation}"
        case f.Resolve() if frame.verdict in f.REVIEWS:
            copied = "".join(f" as {deferral.copy}" for deferral in frame.deferrals)
            return f"RESOLVE what the OUTCOME at {frame.intent} holds: {frame.verdict.value}{copied}"
        case f.Resolve():
            return f"RESOLVE the INTENT at {frame.intent}: {frame.verdict.value}"
        case _:
            return f"{type(frame).__name__.upper()} by {frame.node}.{frame.incarnation}: {_said(frame)}"


def _said(frame: f.NodeFrame) -> str:
    match frame:
        case f.Intent():
            return f"offset {frame.offset} of {lease(frame.lease)}, attempt {frame.attempt}"
        case f.Outcome():
            behind = "before data" if frame.intent == f.NO_INTENT else f"of the INTENT at {frame.intent}"
            copied = "".join(f", copied to {deferral.copy}" for deferral in frame.deferrals)
            return f"{', '.join(kind.value for kind in frame.kinds)}, {behind}{copied}"
        case f.Void():
            return f"the INTENT at {frame.intent} was not used"
        case f.Shrink():
            return f"{lease(frame.lease)} ends at {frame.at}"
        case f.Beat():
            return "alive"


def lease(number: int) -> str:
    """A lease for people: the epoch that gave it, and which one of that."""
    return f"lease {number >> 32}.{number & 0xFFFFFFFF}"
