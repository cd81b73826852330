"""The table at the end of a run: what was submitted, what became of it, and whether everything adds up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROWS = ("relayed", "held", "rejected", "deferred", "bounced", "expired", "in_doubt", "open")
NAMES = {"held": "held as spam", "rejected": "rejected as spam", "in_doubt": "in doubt", "open": "still open"}


@dataclass(slots=True)
class RunReport:
    """Figures of one run. Latencies are from acceptance to relay, in milliseconds."""

    messages: int = 0
    deliveries: int = 0
    states: Counter[str] = field(default_factory=Counter)
    held: set[str] = field(default_factory=set)  # ids of messages with every delivery held
    relayed: list[str] = field(default_factory=list)  # delivery ids
    latencies_ms: list[int] = field(default_factory=list)
    checkpoint: str = ""
    receipt: str = ""
    balance: dict[str, int] = field(default_factory=dict)
    arrived: int | None = None
    duplicates: int | None = None
    failures: list[str] = field(default_factory=list)

    def add(self, timelines: Iterable[dict[str, Any]]) -> None:
        """Count the deliveries of timelines."""
        for timeline in timelines:
            self.messages += 1
            if all(delivery["state"] == "held" for delivery in timeline["deliveries"]):
                self.held.add(timeline["id"])
            for delivery in timeline["deliveries"]:
                self.deliveries += 1
                self.states[delivery["state"]] += 1
                if delivery["state"] == "relayed":
                    self.relayed.append(delivery["delivery"])
                events = {event["state"]: event["at_ms"] for event in delivery["events"]}
                if "relayed" in events and "accepted" in events:
                    self.latencies_ms.append(events["relayed"] - events["accepted"])

    def check(self, what: str, holds: bool) -> None:
        """Remember what does not hold."""
        if not holds:
            self.failures.append(what)

    def figures(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "messages": self.messages,
            "submitted": self.deliveries,
            **{name: self.states[name] for name in ROWS},
            "p50_ms": percentile(self.latencies_ms, 50),
            "p99_ms": percentile(self.latencies_ms, 99),
            "arrived": self.arrived,
            "duplicates": self.duplicates,
            "balance": self.balance,
            "checkpoint": self.checkpoint,
            "receipt": self.receipt,
            "failures": self.failures,
        }

    def show(self, console: Console, title: str) -> None:
        """Print the table."""
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column(justify="right", overflow="fold")
        table.add_row("submitted", f"{self.deliveries} deliveries of {self.messages} messages")
        for name in ROWS:
            if self.states[name] or name in ("relayed", "held", "deferred", "bounced", "in_doubt"):
                table.add_row(NAMES.get(name, name), str(self.states[name]))
        p50, p99 = percentile(self.latencies_ms, 50), percentile(self.latencies_ms, 99)
        table.add_row("acceptance → relay", f"p50 {p50} ms, p99 {p99} ms")
        if self.arrived is not None:
            table.add_row("arrived in the inbox", f"{self.arrived}, {self.duplicates} of them duplicates")
        if self.checkpoint:
            origin, size, root = self.checkpoint.split("\n")[:3]
            table.add_row("ledger checkpoint", f"{origin}, {size} leaves\n{root}")
        if self.receipt:
            table.add_row("receipt, verified offline", self.receipt)
        balance = self.balance
        if balance:
            sides = f"{balance['accepted']} accepted = {balance['accounted']} accounted for"
            table.add_row("balance", f"{sides}, difference {balance['difference']}")
        console.print(table)
        for failure in self.failures:
            console.print(f"[bold red]does not hold:[/] {escape(failure)}", highlight=False)


def percentile(values: list[int], percent: int) -> int:
    """The nearest-rank percentile; 0 for no values."""
    if not values:
        return 0
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-len(ranked) * percent // 100) - 1))]
