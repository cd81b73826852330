"""What is leased to whom: what is free first, then the tier copies that are due, then on past the last record (the live edge).

A node holds at most its window of each partition, so no lane's backlog takes another's place. An *ordered* partition
(``order_key``) has one place out at a time, in the order of its offsets. Only copies that an OUTCOME names are ever due, so an
orphan is never sent (I10).
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from itertools import groupby

from fastemailnet.envelope import Position, is_ordered
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Assign, Deferral, Join
from fastemailnet.flashsync.lease import Token
from fastemailnet.flashsync.progress import AS_IT_STANDS, Again, runs

Where = tuple[str, int]
Ends = Mapping[Where, int]
Loads = Counter[tuple[str, int, Token]]
Free = tuple[Again, int]  # how to lease it again, and its strikes


class Grants:
    """Plans the ASSIGN frames of one coordinator."""

    def __init__(self, fold: Fold, lease_units: int, window_units: int) -> None:
        self.fold = fold
        self.lease_units = lease_units
        self.window_units = window_units
        self.made = 0
        self.due: dict[
            Where, list[tuple[int, int]]
        ] = {}  # tier → heap of (due time, offset); may hold what is not named any more
        for deferral in fold.named.values():
            self.defer(deferral)

    def defer(self, deferral: Deferral) -> None:
        """A copy was named; it falls due later."""
        heapq.heappush(self.due.setdefault(deferral.copy[:2], []), (deferral.due_ms, deferral.copy.offset))

    def plan(self, epoch: int, nodes: list[Join], at_ms: int, ends: Ends, doubted: Set[Where]) -> Iterator[Assign]:
        """The leases to give now. ``doubted``: the partitions with a doubt that may yet end by itself."""
        waiting, ahead = self._loads(ends)
        ordered = {where for where in ends if is_ordered(where[0])}
        for where, offsets, free in self._free(nodes, waiting, ordered):
            # A place that a process died over comes alone, so that nothing else shares its fate.
            for span in runs(offsets, 1 if free[1] else self.lease_units):
                yield from self._lease(epoch, nodes, waiting, where, span, free)
        for where in self.due:
            yield from self._lease_due(epoch, nodes, waiting, where, at_ms)
        for where in ends:
            if where in ordered and where not in doubted:
                yield from self._next_in_order(epoch, nodes, ahead, where, ends[where])
            elif where not in ordered:
                yield from self._live_edge(epoch, nodes, ahead, where)

    def _loads(self, ends: Ends) -> tuple[Loads, Loads]:
        """Places out per partition and incarnation: of records that exist, and of all, the live edge included."""
        waiting: Loads = Counter()
        ahead: Loads = Counter()
        doubted = self.fold.open.doubted
        for number, lease in self.fold.leases.items():
            where = (lease.stream, lease.partition, lease.token)
            # What is in doubt waits for a person or a policy and for nothing that its node could do.
            places = len(self.fold.left[number]) - doubted[number]
            ahead[where] += places
            if lease.lo < ends.get(where[:2], lease.hi):
                waiting[where] += places
        return waiting, ahead

    def _free(self, nodes: list[Join], loads: Loads, ordered: set[Where]) -> Iterator[tuple[Where, list[int], Free]]:
        """What is free, as far as the windows take it: the lowest offsets of each partition."""
        for where, progress in self.fold.progress.items():
            if where in ordered or not progress.free:
                continue
            found = [
                (
                    (progress.free[offset], self.fold.strikes[Position(*where, offset)] if self.fold.strikes else 0),
                    offset,
                )
                for offset in heapq.nsmallest(self._room(nodes, loads, where), progress.free)
            ]
            for free, group in groupby(sorted(found, key=_by_kind), key=_kind):
                yield where, [offset for _, offset in group], free

    def _room(self, nodes: list[Join], loads: Loads, where: Where) -> int:
        """How many more places of a partition the nodes' windows take."""
        return sum(max(0, self._window(join) - loads[(*where, (join.node, join.incarnation))]) for join in nodes)

    def _lease_due(self, epoch: int, nodes: list[Join], loads: Loads, where: Where, at_ms: int) -> Iterator[Assign]:
        """The due copies of one tier, as far as the windows take them."""
        heap = self.due[where]
        room = self._room(nodes, loads, where)
        offsets: list[int] = []
        while heap and heap[0][0] <= at_ms and len(offsets) < room:
            _, offset = heapq.heappop(heap)
            if self._is_leasable(Position(*where, offset)):
                offsets.append(offset)
        left = set(offsets)
        for span in runs(sorted(offsets), self.lease_units):
            for lease in self._lease(epoch, nodes, loads, where, span, (AS_IT_STANDS, 0)):
                left.difference_update(range(lease.lo, lease.hi))
                yield lease
        for offset in left:  # a run was longer than what is left of any one window
            heapq.heappush(heap, (at_ms, offset))

    def _is_leasable(self, copy: Position) -> bool:
        returned = copy.offset in self.fold.progress[copy[:2]].free
        return copy in self.fold.named and copy not in self.fold.out and not returned

    def _live_edge(self, epoch: int, nodes: list[Join], ahead: Loads, where: Where) -> Iterator[Assign]:
        """Lease on past the last record, so that a mail of a quiet fleet finds its node already chosen."""
        lo = self.fold.progress[where].next
        while lease := next(
            self._lease(epoch, nodes, ahead, where, (lo, lo + self.lease_units), (AS_IT_STANDS, 0)), None
        ):
            yield lease
            lo += self.lease_units

    def _next_in_order(self, epoch: int, nodes: list[Join], ahead: Loads, where: Where, end: int) -> Iterator[Assign]:
        """One record, once nothing of the partition is in work. What waits for a person is not, perhaps for days.

        No live edge here: a lease on a record that never comes would hold up what is to be tried again.
        """
        if any(ahead[(*where, (join.node, join.incarnation))] for join in nodes):
            return
        progress = self.fold.progress[where]
        lo = min(progress.free, default=progress.next)
        if lo >= end:
            return
        free = (progress.free.get(lo, AS_IT_STANDS), self.fold.strikes[Position(*where, lo)])
        yield from self._lease(epoch, nodes, ahead, where, (lo, lo + 1), free)

    def _window(self, join: Join) -> int:
        return min(join.capacity, self.window_units)

    def _lease(
        self, epoch: int, nodes: list[Join], loads: Loads, where: Where, span: tuple[int, int], free: Free
    ) -> Iterator[Assign]:
        """One lease to the node with the fewest places out in that partition, if its window takes it."""
        join = min(nodes, key=lambda join: loads[(*where, (join.node, join.incarnation))])
        holder = (*where, (join.node, join.incarnation))
        if loads[holder] + span[1] - span[0] > self._window(join):
            return
        loads[holder] += span[1] - span[0]
        self.made += 1
        (attempt, asked, settled), strikes = free
        lease = epoch << 32 | self.made
        yield Assign(epoch, lease, *where, *span, join.node, join.incarnation, attempt, asked, strikes, settled)

    def to_share(self, nodes: list[Join], ends: Ends, steal_units: int) -> Iterator[int]:
        """For each partition where a node idles beside a loaded one: the lease that the loaded one will reach last."""
        if len(nodes) < 2:
            return
        tokens = [(join.node, join.incarnation) for join in nodes]
        waiting, _ = self._loads(ends)
        for where, end in ends.items():
            loaded = max(tokens, key=lambda token: waiting[(*where, token)])
            if waiting[(*where, loaded)] < steal_units or all(waiting[(*where, token)] for token in tokens):
                continue
            held = [x for x in self.fold.leases.values() if (x.stream, x.partition, x.token) == (*where, loaded)]
            reachable = [lease for lease in held if lease.lo < end and len(self.fold.left[lease.lease]) > 1]
            if reachable:
                yield max(reachable, key=lambda lease: lease.lo).lease


def _kind(found: tuple[Free, int]) -> Free:
    return found[0]


def _by_kind(found: tuple[Free, int]) -> tuple[int, bool, str, int, tuple[str, ...]]:
    (again, strikes), _ = found
    return again.attempt, again.asked is not None, repr(again.asked), strikes, again.settled
