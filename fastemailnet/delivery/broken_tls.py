"""Hosts whose TLS broke under an opportunistic demand: for a while they are sent to in plain text at once, as every handshake
would end. A demand that has no plain rung, or wants to know (MTA-STS testing), never asks here.
"""

from collections import OrderedDict
from dataclasses import replace

from fastemailnet.delivery.demand import Demand, Level
from fastemailnet.delivery.route import Target

MAX_TARGETS = 10_000


class BrokenTls:
    """Remembers targets until a time on the caller's clock."""

    def __init__(self, memory_s: float) -> None:
        self.memory_s = memory_s
        self.until_s: OrderedDict[Target, float] = OrderedDict()

    def remember(self, target: Target, demand: Demand, now_s: float) -> None:
        """The target's TLS broke, and mail went in plain text."""
        if demand.ladder[0] is Level.OFFERED:
            self.until_s[target] = now_s + self.memory_s
            self.until_s.move_to_end(target)
            if len(self.until_s) > MAX_TARGETS:
                self.until_s.popitem(last=False)

    def lowered(self, target: Target, demand: Demand, now_s: float) -> Demand:
        """The demand, or its plain rung alone where the target is remembered."""
        if demand.ladder != (Level.OFFERED, Level.NONE) or now_s >= self.until_s.get(target, 0.0):
            return demand
        return replace(demand, ladder=(Level.NONE,), policy=f"{demand.policy}, broken TLS remembered")
