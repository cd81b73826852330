"""How long each doubt waits, and what then becomes of it (R6): the policy of its lane, or a question to the peer that remembers.

Nothing here has a memory that matters: it follows from the fold. When a doubt is due is known as it comes to be, so those that wait are
kept in the order in which they fall due, those that are due until the fold has them no more, and those that a person decides not at
all: a plan costs what it can decide.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fastemailnet.envelope import is_ordered
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.flashsync.grants import Where
from fastemailnet.flashsync.lease import Open, Spot

MAX_DOUBLINGS = 6  # of the time before a retry


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and policies of the coordinator."""

    beat_timeout_ms: int = 5_000  # silence after which a node is fenced
    lease_units: int = 32  # longest lease
    window_units: int = 512  # places of one partition that one node may have out
    steal_units: int = 8  # a node with so many records waiting shares them with one that has none
    verdicts: Mapping[str, Verdict | None] = field(default_factory=dict)  # per stream of first acceptance; None: hold
    doubt_ms: int = 60_000  # how long evidence is waited for; must exceed node.TTL_MS + node.INTENT_MAX_AGE_MS
    ask_ms: int = 1_000  # how long before a peer that remembers is asked; doubles each time up to doubt_ms

    def patience_ms(self, verdict: Verdict, doubts: int) -> int:
        """How long an attempt is in doubt before the policy decides; ``doubts``: attempts in a row that were, before this one.

        A retry waits twice as long for each, up to an hour where the first waits a minute: a host whose every reply is lost has a
        copy of each, and must not be sent hundreds before the mail expires.
        """
        return self.doubt_ms << min(doubts, MAX_DOUBLINGS) if verdict is Verdict.RETRY else self.doubt_ms


class Waits:
    """The doubts of one fold, by what they wait for."""

    def __init__(self, policy: Policy, fold: Fold) -> None:
        self.policy = policy
        self.fold = fold
        self.read = 0  # the newest change of a doubt that is in here
        self.coming: list[tuple[int, Spot, int]] = []  # heap: when one is due, where, and the number of its change
        self.overdue: dict[Spot, int] = {}  # whose RESOLVE was not read yet
        self.in_order: dict[Spot, int] = {}  # first attempts of ordered partitions

    def due(self, at_ms: int) -> Iterator[tuple[Open, Verdict, str]]:
        """What is to be resolved now, until it is: the attempt, how, and why."""
        self._catch_up()
        while self.coming and self.coming[0][0] <= at_ms:
            _, spot, change = heapq.heappop(self.coming)
            self.overdue[spot] = change
        for spot, change in list(self.overdue.items()):
            entry = self._still(spot, change)
            if entry is None:
                del self.overdue[spot]
            elif entry.asked is not None:
                yield entry, Verdict.ASK, "the peer remembers the transaction (RFC 1845)"
            elif (verdict := self.policy_of(entry)) is not None:
                yield entry, verdict, "policy of the lane"

    def ordered(self, at_ms: int) -> set[Where]:
        """The ordered partitions with a first attempt in doubt that a fact, a VOID or a policy may still end: not only a person.

        First attempts alone: a peer whose every reply is lost must not hold up the others of a key until its mail expires.
        """
        self._catch_up()
        for spot, change in list(self.in_order.items()):
            entry = self._still(spot, change)
            if entry is None or (self._due_ms(entry) is None and at_ms - _since(entry) >= self.policy.doubt_ms):
                del self.in_order[spot]
        return {self.fold.open[spot].place[:2] for spot in self.in_order}

    def _catch_up(self) -> None:
        """Take in what became of doubts since."""
        for change, entry in self.fold.open.since(self.read):
            due_ms = self._due_ms(entry)
            if due_ms is not None:
                heapq.heappush(self.coming, (due_ms, entry.spot, change))
            if entry.attempt == 1 and is_ordered(entry.place.stream):
                self.in_order[entry.spot] = change
        self.read = self.fold.open.changes

    def _still(self, spot: Spot, change: int) -> Open | None:
        """The doubt, if it is what it was."""
        number, entry = self.fold.open.doubts.get(spot, (0, None))
        return entry if number == change else None

    def _due_ms(self, entry: Open) -> int | None:
        """When a doubt is decided; None: by a person alone."""
        policy = self.policy
        if entry.asked is not None:
            return _since(entry) + min(policy.ask_ms << min(entry.times_asked, 30), policy.doubt_ms)
        verdict = self.policy_of(entry)
        return None if verdict is None else _since(entry) + policy.patience_ms(verdict, self._doubts_before(entry))

    def _doubts_before(self, entry: Open) -> int:
        """A place is attempted again after a doubt alone: what is put off or deferred goes on in a copy, at a place of its own."""
        named = self.fold.named.get(entry.place)
        return entry.attempt - (named.attempt if named is not None else 1)

    def policy_of(self, entry: Open) -> Verdict | None:
        """The verdict of the lane that the mail was accepted in; None: a person decides."""
        named = self.fold.named.get(entry.place)
        return self.policy.verdicts.get(named.source.stream if named is not None else entry.place.stream)


def _since(entry: Open) -> int:
    assert entry.doubt_ms is not None
    return entry.doubt_ms
