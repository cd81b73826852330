"""Coordinators with one rule taken out each: whom they fence, what they resolve, what they lease."""

from collections.abc import Iterator, Set
from dataclasses import replace

from fastemailnet.envelope import Position
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy, Write
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.grants import Ends, Grants, Loads, Where
from tests.model.world import TIER


class RejoinsWithoutAFence(Coordinator):
    def admit(self, node: str, capacity: int, at_ms: int) -> list[Write]:
        return super().admit(node, capacity, at_ms)[-1:]

    def living(self) -> list[f.Join]:
        return list(self.fold.members.values())


class RejoinsUnderTheSameIncarnation(Coordinator):
    def admit(self, node: str, capacity: int, at_ms: int) -> list[Write]:
        old = self.fold.members[node]
        return [Write(f.Join(self.epoch, node, old.incarnation, old.slot, capacity))]


class LeadsAlthoughAnotherWon(Coordinator):
    def is_deposed(self) -> bool:
        return bool(self.epoch) and self.fold.is_superseded(self.epoch)


class ReassignsWithoutAFence(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        number, join = self.epoch << 32 | 99, self.living()[-1] if self.living() else None
        for lease in self.fold.leases.values():
            if join and number not in self.fold.leases and lease.token[0] != join.node:
                where = (lease.stream, lease.partition, lease.lo, lease.hi)
                return [Write(f.Assign(self.epoch, number, *where, join.node, join.incarnation))]
        return super().plan(at_ms, ends)


class FencesInAnotherPartition(Coordinator):
    def fence(self, join: f.Join, at_ms: int, reason: str) -> Write:
        return replace(super().fence(join, at_ms, reason), partition=1 - join.slot)


class ResolvesWhatIsNotInDoubt(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        undecided = [x for x in self.fold.open.values() if x.doubt_ms is None]
        return [self.resolve(x, f.Verdict.RETRY, 0, "eager") for x in undecided] or super().plan(at_ms, ends)


class ResolvesWhatAPersonHolds(Coordinator):
    def _resolutions(self, at_ms: int) -> Iterator[Write]:
        for entry in self.fold.in_doubt():
            yield self.resolve(entry, f.Verdict.ASK, at_ms, "without a peer that remembers")


class TakesBeforeTheShrink(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        writes = []
        for write in super().plan(at_ms, ends):
            writes.append(write)
            if isinstance(write.frame, f.Split):
                lease = self.fold.leases[write.frame.lease]
                join = next(x for x in self.living() if x.node != lease.token[0])
                span = (lease.hi - 1, lease.hi)
                number = self.epoch << 32 | 99
                writes.append(Write(f.Assign(self.epoch, number, lease.stream, 0, *span, join.node, join.incarnation)))
        return writes


class ForgetsTheJournal(Coordinator):
    def plan(self, at_ms: int, ends: Ends) -> list[Write]:
        if self.epoch > 1 and self.grants.made == 0:
            join = self.living()[-1]
            return [
                Write(f.Assign(self.epoch, self.epoch << 32, "mail.standard", 0, 0, 1, join.node, join.incarnation))
            ]
        return super().plan(at_ms, ends)


class LeasesCopiesThatNobodyNamed(Grants):
    def _is_leasable(self, copy: Position) -> bool:
        return True

    def _lease_due(self, epoch: int, nodes: list[f.Join], loads: Loads, where: Where, at_ms: int) -> Iterator[f.Assign]:
        yield from super()._lease_due(epoch, nodes, loads, where, at_ms)

    def plan(self, epoch: int, nodes: list[f.Join], at_ms: int, ends: Ends, doubted: Set[Where]) -> Iterator[f.Assign]:
        if self.fold.progress[TIER, 0].next == 0 and self.fold.progress["mail.standard", 0].next:
            self.due = {(TIER, 0): [(0, 0)]}
        return super().plan(epoch, nodes, at_ms, ends, doubted)


class LeasesADeferredUnitTwice(Grants):
    def _is_leasable(self, copy: Position) -> bool:
        return copy in self.fold.named


class OrderIsForgotten(Grants):
    def _next_in_order(
        self, epoch: int, nodes: list[f.Join], ahead: Loads, where: Where, end: int
    ) -> Iterator[f.Assign]:
        return self._live_edge(epoch, nodes, ahead, where)


def planning(kind: type[Grants]) -> type[Coordinator]:
    """A coordinator that grants by a mutant."""

    class Mutated(Coordinator):
        def __init__(self, policy: Policy, fold: Fold | None = None, who: int = 0) -> None:
            super().__init__(policy, fold, who)
            self.grants = kind(self.fold, self.policy.lease_units, self.policy.window_units)

    Mutated.__name__ = kind.__name__
    return Mutated
