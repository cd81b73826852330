"""Chaos: a real fleet under load, struck again and again, and the proof that nothing was lost or sent twice unexplained.

    submit ─▶ gateway ─▶ log ─▶ nodes ─▶ sink (fsyncs a line before it answers)
                 strikes: kill -9, SIGSTOP, at known phases and at random

Behind it the balance must hold, the log must check clean offline, and the sink's own file must agree with the journal.
"""

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from actors.build import is_kafka
from actors.build import log as build_log
from actors.chaos_sink import ChaosSink
from actors.chaos_strikes import Striker
from actors.demo import free_ports, settings_over, watched
from actors.journal_check import Findings, check_journal
from actors.run import running
from fastemailnet import ids
from fastemailnet.admission.reading import read_unit
from fastemailnet.client import Client
from fastemailnet.config import Settings
from fastemailnet.envelope import LANES, Lane, Position, Unit
from fastemailnet.errors import FastEmailNetError, FleetError
from fastemailnet.log.interface import Log

BATCH = 40
BACKLOG = 3_000  # deliveries that may wait before no more is submitted
DRAIN_S = 400.0  # a retry waits up to 8 × RETRY_DELAY_S where a mail was struck again and again
POLL_S = 1.0
LOSE_REPLIES = 0.001
RETRY_DELAY_S = 40
READ_RECORDS = 1_000
POLICIES = ("hold", "retry", "assume-relayed", "bounce")


@dataclass
class Order:
    """What a run is to do."""

    kills: int
    mails: int
    remembers: bool
    policy: str
    seed: int
    data: Path
    every_s: float = 2.0


@dataclass
class Load:
    """The mails of a run. The submitter's thread adds to ``accepted``."""

    mails: int
    every_s: float  # from batch to batch, so that mail flows until the last strike
    accepted: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    submitted: int = 0
    is_over: bool = False

    def pace(self, left_s: float) -> None:
        """Spread what is left over so many seconds."""
        self.every_s = left_s / max(1, (self.mails - self.submitted) // BATCH)


def run_chaos(console: Console, order: Order) -> tuple[dict[str, Any], list[str]]:
    """Run it; the figures, and what does not hold."""
    sink = ChaosSink(order.data / "sink", remembers=order.remembers, lose=LOSE_REPLIES, seed=order.seed)
    settings = chaos_settings(order, sink.begin())
    load_ = Load(order.mails, order.every_s * order.kills * BATCH / order.mails)
    started = time.monotonic()
    url = f"http://127.0.0.1:{settings.gateway.http_port}"
    with running(settings, console) as fleet, watched(fleet, settings), Client(url, timeout_s=30, key="") as client:
        striker = Striker(fleet, sink, Random(order.seed), order.every_s, Counter(), {})
        submitter = threading.Thread(target=submit, args=(client, load_, order.seed), daemon=True)
        submitter.start()
        strike_all(console, striker, order, load_)
        submitter.join()
        striker.release()
        balance, failures = drain(console, client, order)
    sink.stop()
    findings = offline(console, settings, order)
    figures = summary(order, load_, striker, balance, findings, time.monotonic() - started)
    failures += judge(order, settings, load_, balance, findings)
    show(console, striker, balance, findings)
    return figures, failures


def chaos_settings(order: Order, sink_port: int) -> Settings:
    """A fleet on free ports whose next hop is the sink."""
    http, smtp = free_ports(2)
    environ = {
        "FASTEMAILNET_FLEET__DATA": str(order.data.absolute()),
        "FASTEMAILNET_GATEWAY__HTTP_PORT": str(http),
        "FASTEMAILNET_GATEWAY__SMTP_PORT": str(smtp),
        "FASTEMAILNET_ROUTE__KIND": "smarthost",
        "FASTEMAILNET_ROUTE__HOST": "127.0.0.1",
        "FASTEMAILNET_ROUTE__PORT": str(sink_port),
        "FASTEMAILNET_ROUTE__TLS": "none",
        "FASTEMAILNET_CLASSIFIER__ENABLED": "false",
        "FASTEMAILNET_IN_DOUBT__RETRY_DELAY_S": str(RETRY_DELAY_S),
        **{f"FASTEMAILNET_IN_DOUBT__{lane.value.upper()}": order.policy for lane in Lane},
    }
    settings = settings_over(environ)
    if not is_kafka(settings):
        return settings
    # Topics of its own, since a run starts from nothing.
    fresh = settings.log.model_copy(
        update={"url": f"{settings.log.url}{'' if '/' in settings.log.url[8:] else '/'}{uuid4().hex[:8]}."}
    )
    return settings.model_copy(update={"log": fresh})


# ---- load and strikes


def submit(client: Client, load_: Load, seed: int) -> None:
    """Hand in all mails, in batches, never more than the backlog allows. What was refused for now is handed in again."""
    random = Random(seed)
    next_s = time.monotonic()
    waiting: list[bytes] = []
    while load_.submitted < load_.mails or waiting:
        fresh = min(BATCH - len(waiting), load_.mails - load_.submitted)
        waiting += [message(random, load_.submitted + number) for number in range(fresh)]
        load_.submitted += fresh
        results = client.send_many(waiting, lane=random.choice([lane.value for lane in Lane]))
        again = []
        for mail, result in zip(waiting, results, strict=True):
            if not isinstance(result, FastEmailNetError):
                load_.accepted.add(result.id)
            elif result.retriable:
                again.append(mail)
            else:
                load_.refused.append(str(result))
        waiting = again
        next_s = max(next_s + load_.every_s, time.monotonic())
        time.sleep(max(0.0, next_s - time.monotonic()))
        while backlog(client) > BACKLOG:
            time.sleep(0.2)
    load_.is_over = True


def backlog(client: Client) -> int:
    """Deliveries that wait, as the gateway tells; 0 while it cannot."""
    try:
        return client.balance()["open"]
    except FastEmailNetError:
        return 0


def message(random: Random, number: int) -> bytes:
    """A mail of 0.3 to 4 KB; one in five has two recipients, one in fifty an order key."""
    people = [f"r{number}@x.example"] + ([f"s{number}@x.example"] if random.random() < 0.2 else [])
    order = f"X-FEN-Order-Key: customer-{number % 5}\r\n" if random.random() < 0.02 else ""
    text = ("All work and no play makes a dull run.\r\n") * random.randrange(1, 100)
    head = f"From: chaos@fen.example\r\nTo: {', '.join(people)}\r\nSubject: mail {number}\r\n{order}"
    return f"{head}\r\n{text}".encode()


def strike_all(console: Console, striker: Striker, order: Order, load_: Load) -> None:
    """All strikes while mail flows, and until all mail is submitted."""
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        strikes = bar.add_task("strikes", total=order.kills)
        mails = bar.add_task("mails", total=order.mails)
        started = time.monotonic()
        for number in range(order.kills):
            done = striker.strike(number)
            load_.pace((time.monotonic() - started) / (number + 1) * (order.kills - number - 1))
            bar.update(strikes, advance=1, description=done)
            bar.update(mails, completed=load_.submitted)
        while not load_.is_over:
            time.sleep(POLL_S)
            bar.update(mails, completed=load_.submitted)


def drain(console: Console, client: Client, order: Order) -> tuple[dict[str, int], list[str]]:
    """The balance once nothing is open any more; under ``hold``, doubts stay."""
    deadline = time.monotonic() + DRAIN_S
    balance: dict[str, int] = {}
    with console.status("waiting for what is open"):
        while time.monotonic() < deadline:
            try:
                balance = client.balance()
            except FastEmailNetError:
                time.sleep(POLL_S)
                continue
            doubt = 0 if order.policy == "hold" and not order.remembers else balance["in_doubt"]
            if not balance["open"] and not balance["deferred"] and not doubt:
                return balance, []
            time.sleep(POLL_S)
    return balance, [f"not drained within {DRAIN_S:.0f} s: {balance}"]


# ---- proof


def offline(console: Console, settings: Settings, order: Order) -> Findings:
    """The offline check of the log against itself and against the sink's file."""
    log = build_log(settings)
    try:
        with console.status("checking the journal offline"):
            return check_journal(log, order.data / "sink" / "received.jsonl")
    finally:
        log.close()


def missing(settings: Settings, accepted: set[str]) -> int:
    """How many mails that a client was told are accepted the log does not have."""
    log: Log = build_log(settings)
    left = set(accepted)
    try:
        for where, end in log.ends(*LANES).items():
            log.follow(*where, 0)
            start = 0
            while start < end:
                records = log.fetch(*where, start, READ_RECORDS)
                units = (read_unit(record, Position(*where, offset)) for offset, record in records)
                left.difference_update(ids.to_text(unit.message) for unit in units if isinstance(unit, Unit))
                start = records[-1][0] + 1
    finally:
        log.close()
    return len(left)


def judge(order: Order, settings: Settings, load_: Load, balance: dict[str, int], findings: Findings) -> list[str]:
    """Everything that does not hold."""
    found, failures = findings.figures, findings.violations[:10]
    if gone := missing(settings, load_.accepted):
        failures.append(f"{gone} accepted mails are not in the log")
    if load_.refused:
        failures.append(f"{len(load_.refused)} mails were refused, first: {load_.refused[0]}")
    if balance.get("difference", 1):
        failures.append(f"the balance does not hold: {balance}")
    if found["lost"]:
        failures.append(f"{found['lost']} deliveries are lost")
    if found["unexplained"]:
        failures.append(f"{found['unexplained']} duplicates are not explained by a doubt")
    if found["duplicates"] and (order.remembers or order.policy in ("hold", "assume-relayed", "bounce")):
        failures.append(f"{found['duplicates']} duplicates where there must be none")
    return failures


def summary(
    order: Order, load_: Load, striker: Striker, balance: dict[str, int], findings: Findings, seconds: float
) -> dict[str, Any]:
    """The figures of the run."""
    found = findings.figures
    return {
        "kills": sum(striker.counts.values()),
        "mails": len(load_.accepted),
        "lost": found["lost"],
        "duplicates": found["duplicates"],
        "in_doubt": balance.get("in_doubt", -1),
        "unexplained": found["unexplained"],
        "relayed": balance.get("relayed", -1),
        "difference": balance.get("difference", -1),
        "violations": found["violations"],
        "sink": "checkpoint" if order.remembers else "plain",
        "policy": order.policy,
        "seconds": round(seconds, 1),
        "mails_per_s": round(len(load_.accepted) / seconds, 1),
        "strikes": dict(striker.counts),
        "cores": os.cpu_count(),
    }


def show(console: Console, striker: Striker, balance: dict[str, int], findings: Findings) -> None:
    """Tables for people."""
    strikes = Table("strike", "times")
    for name, count in striker.counts.items():
        strikes.add_row(name, str(count))
    console.print(strikes)
    classes = Table("class", "deliveries")
    for name, count in balance.items():
        classes.add_row(name, str(count))
    console.print(classes)
    checks = Table("invariant", "checked", "violated")
    for name, check in findings.checks.items():
        checks.add_row(name, str(check.count), str(check.violations))
    console.print(checks)


def demand(order: Order) -> None:
    """Refuse what cannot be run.

    Raises:
        FleetError: the order is none.
    """
    if order.policy not in POLICIES:
        raise FleetError(f"no policy is named {order.policy!r}; there are {', '.join(POLICIES)}")
    if (order.data / "log").exists():
        raise FleetError(f"{order.data} has a log already; a run starts from nothing")
