"""The log of a simulated world: per-partition order, appends that land late, are acknowledged late, or are torn off by a crash.

It is either kind of back end: one that checks the fence inside the append (embedded), or one that lands the record behind the
fence and lets the writer read that back (Kafka). What one process appends under one token to one partition keeps its order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fastemailnet.flashsync import frames as f
from tests.simulation.clock import Clock, Process

Where = tuple[str, int]
Answered = Callable[[int | None], None]  # the first position, or None: fenced


@dataclass
class Link:
    """A process's way to the log. Faults make it slow, one way or both."""

    land_us: int = 300
    ack_us: int = 300
    blind_until: int = 0  # nothing is read before
    lands: dict[Any, int] = field(default_factory=dict)  # channel → when its last append lands
    pending: dict[Any, int] = field(default_factory=dict)  # channel → appends that have not landed
    torn: dict[Any, int] = field(default_factory=dict)  # channel → how many of those still land behind the crash


class Store:
    """All streams of a world."""

    def __init__(self, clock: Clock, random: Random, is_kafka: bool) -> None:
        self.clock = clock
        self.random = random
        self.is_kafka = is_kafka
        self.partitions: dict[Where, list[Any]] = {}
        self.fences: dict[Where, set[tuple[str, int]]] = {}
        self.links: dict[Process, Link] = {}
        self.watchers: list[Callable[[Where], None]] = []
        self.in_flight = 0
        self.flying: dict[tuple[Process, Any], list[list[Any]]] = {}  # what is on its way, by writer and channel

    def read(self, where: Where, start: int) -> list[Any]:
        """The records from ``start`` on."""
        return self.partitions.get(where, [])[start:]

    def end(self, where: Where) -> int:
        """The next offset."""
        return len(self.partitions.get(where, ()))

    def is_blind(self, reader: Process) -> bool:
        """Whether the process cannot read now: it is cut off."""
        return reader in self.links and self.links[reader].blind_until > self.clock.now

    def append(
        self, writer: Process, where: Where, records: list[Any], token: tuple[str, int] | None, answered: Answered
    ) -> None:
        """Append all or none; ``answered`` runs in the writer once the log says what became of it."""
        link = self.links.setdefault(writer, Link())
        channel = (where, token)
        jitter = int(self.random.expovariate(1) * link.land_us)
        at = max(link.lands.get(channel, 0), self.clock.now + link.land_us + jitter)
        link.lands[channel] = at
        link.pending[channel] = link.pending.get(channel, 0) + 1
        self.in_flight += 1
        self.flying.setdefault((writer, channel), []).append(records)
        self.clock.after(at - self.clock.now, self._land, writer, channel, records, answered)

    def tear(self, writer: Process) -> None:
        """The writer died: of what it had on the way to each partition, a prefix still lands."""
        link = self.links.setdefault(writer, Link())
        link.torn = {channel: self.random.randint(0, count) for channel, count in link.pending.items()}

    def settle(self, writer: Process) -> None:
        """The writer died, and nothing of it lands later: of what it had on the way, a prefix has landed by now."""
        for channel, count in self.links.setdefault(writer, Link()).pending.items():
            landed = self.random.randint(0, count)
            self._keep(channel[0], [x for records in self.flying.get((writer, channel), [])[:landed] for x in records])
        self.tear(writer)
        self.links[writer].torn = {}

    def _land(self, writer: Process, channel: tuple[Where, Any], records: list[Any], answered: Answered) -> None:
        link = self.links[writer]
        link.pending[channel] -= 1
        self.in_flight -= 1
        self.flying[writer, channel].pop(0)
        if not writer.is_alive:
            link.torn[channel] = link.torn.get(channel, 0) - 1
            if link.torn[channel] < 0:
                return
        where, token = channel
        fences = self.fences.setdefault(where, set())
        is_fenced = token is not None and token in fences
        position = None if is_fenced else self.end(where)
        if not is_fenced or self.is_kafka:
            fences.update((x.node, x.incarnation) for x in records if isinstance(x, f.Fence))
            self._keep(where, records)
        ack = link.ack_us + int(self.random.expovariate(1) * link.ack_us)
        writer.later(ack, answered, position)

    def _keep(self, where: Where, records: list[Any]) -> None:
        self.partitions.setdefault(where, []).extend(records)
        for watcher in self.watchers:
            watcher(where)
