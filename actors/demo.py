"""The demo: a whole fleet on loopback, the sample mails over HTTP and SMTP, and a table in which everything must add up."""

import json
import os
import smtplib
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actors.fleet import Fleet
from actors.report import RunReport
from actors.run import running, watch
from fastemailnet.admission.lane import KEY_FIELD
from fastemailnet.client import Client, envelope
from fastemailnet.config import PREFIX, Settings, load
from fastemailnet.errors import FleetError
from fastemailnet.ledger.policy import parse
from fastemailnet.ledger.receipt import verify_receipt

SAMPLES = Path(__file__).parent.parent / "examples" / "mail"
PATIENCE_S = 120.0
POLL_S = 0.2


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def demo_settings(data: Path) -> Settings:
    """Defaults on free ports, with a data directory of its own."""
    http, smtp, inbox = free_ports(3)
    environ = {
        "FASTEMAILNET_FLEET__DATA": str(data.absolute()),
        "FASTEMAILNET_GATEWAY__HTTP_PORT": str(http),
        "FASTEMAILNET_GATEWAY__SMTP_PORT": str(smtp),
        "FASTEMAILNET_SANDBOX__SMTP_PORT": str(inbox),
        # What the model says is part of what the demo proves; on a busy machine it may take longer than mail should wait.
        "FASTEMAILNET_CLASSIFIER__TIMEOUT_MS": "5000",
    }
    return settings_over(environ)


def settings_over(environ: dict[str, str]) -> Settings:
    """These settings, and over them what the environment says."""
    return load(None, {**environ, **{name: value for name, value in os.environ.items() if name.startswith(PREFIX)}})


def run_demo(console: Console, data: Path, copies: int) -> RunReport:
    """Run it all; the report's failures say what does not hold."""
    settings = demo_settings(data)
    samples = sorted(SAMPLES.glob("*.eml"))
    if not samples:
        raise FleetError(f"no sample mails in {SAMPLES}")
    messages = [path.read_bytes() for path in samples] * copies
    url = f"http://127.0.0.1:{settings.gateway.http_port}"
    with running(settings, console) as fleet, watched(fleet, settings), Client(url, key="") as client:
        ids, expected = submit(console, settings, client, messages)
        report = follow(console, client, ids)
        if settings.classifier.enabled:
            bad = {ids[2 * at + way] for at, path in enumerate(samples * copies) if is_bad(path) for way in (0, 1)}
            report.check("the obvious spam and phish are held", bad <= report.held)
        prove(report, settings, client)
        settle(report, settings, ids, expected)
    report.show(console, "FastEmailNet demo")
    return report


def is_bad(sample: Path) -> bool:
    """Whether a sample is the obvious spam or the obvious phish, by its name."""
    return "spam" in sample.name or "phish" in sample.name


class watched:  # noqa: N801 - reads as a word in the with statement
    """Starts ended processes again in the background."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self.fleet, self.settings = fleet, settings
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self.stop.is_set():
            watch(self.settings, self.fleet)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()


def bar(console: Console) -> Progress:
    """A progress bar for mails."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def submit(console: Console, settings: Settings, client: Client, messages: list[bytes]) -> tuple[list[str], int]:
    """Every message over HTTP, and again over SMTP; the ids and the number of recipients."""
    ids, recipients = [], 0
    with bar(console) as progress, SmtpSubmitter(settings.gateway.smtp_port) as smtp:
        task = progress.add_task("submitting", total=2 * len(messages))
        for raw in messages:
            accepted = client.send(raw)
            sender, to, stripped = envelope(raw)
            ids += [accepted.id, smtp.send(sender, to, stripped)]
            recipients += 2 * len(to)
            progress.advance(task, 2)
    return ids, recipients


class SmtpSubmitter:
    """Submits over one session, and over a new one where that breaks: the key makes a repetition harmless."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.session: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.session is not None:
            self.session.close()

    def send(self, sender: str, to: list[str], raw: bytes) -> str:
        """The id that the reply names.

        Raises:
            FleetError: the gateway refuses the message, or cannot be reached for long.
        """
        keyed = f"{KEY_FIELD}: {uuid.uuid4()}\r\n".encode() + raw
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.session is None:
                    self.session = smtplib.SMTP("127.0.0.1", self.port)
                return send_smtp(self.session, sender, to, keyed)
            except (OSError, smtplib.SMTPServerDisconnected) as error:
                self.session = None
                if time.monotonic() > deadline:
                    raise FleetError(f"the SMTP listener cannot be reached: {error}") from error
                time.sleep(POLL_S)


def send_smtp(smtp: smtplib.SMTP, sender: str, to: list[str], raw: bytes) -> str:
    """One message over a session; the id that the reply names."""
    utf8 = not all(address.isascii() for address in [sender, *to])
    smtp.ehlo_or_helo_if_needed()
    smtp.command_encoding = "utf-8"
    smtp.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else ["BODY=8BITMIME"])
    for address in to:
        code, reply = smtp.rcpt(address)
        if code != 250:
            raise FleetError(f"the gateway refused {address}: {code} {reply.decode()}")
    code, reply = smtp.data(raw)
    if code != 250:
        raise FleetError(f"the gateway refused a sample: {code} {reply.decode()}")
    return reply.decode().split()[-1]


def follow(console: Console, client: Client, ids: list[str]) -> RunReport:
    """Wait until nothing is open, then count what became of every delivery."""
    deadline = time.monotonic() + PATIENCE_S
    report = RunReport()
    with bar(console) as progress:
        task = progress.add_task("delivering", total=None)
        while True:
            balance = patiently(client.balance, deadline)
            progress.update(task, total=balance["accepted"], completed=balance["accepted"] - balance["open"])
            if not balance["open"] or time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
    report.balance = balance
    report.add(patiently(lambda one=one: client.timeline(one), deadline) for one in ids)
    return report


def patiently(ask: Any, deadline: float) -> Any:
    """Ask until there is an answer; a process of the fleet may just be starting again."""
    while True:
        try:
            return ask()
        except FleetError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)


def prove(report: RunReport, settings: Settings, client: Client) -> None:
    """The ledger's checkpoint, and one receipt verified with no more than the log's public policy."""
    deadline = time.monotonic() + PATIENCE_S
    report.checkpoint = patiently(client.status, deadline)["processes"]["ledger"]["checkpoint"]
    report.check("the balance's difference is 0", report.balance["difference"] == 0)
    report.check("mail was relayed", bool(report.relayed))
    if report.relayed:
        delivery = report.relayed[0]
        text = patiently(lambda: client.receipt(delivery), deadline)
        trust = parse((settings.fleet.data / "ledger" / "export" / "policy.txt").read_text())
        report.receipt = f"delivery {delivery}, {verify_receipt(text, trust).state.value}"


def settle(report: RunReport, settings: Settings, ids: list[str], expected: int) -> None:
    """Check what the demo promises of submissions and arrivals."""
    report.check("every recipient was accepted", report.deliveries == expected)
    report.check("nothing is open", not report.states["open"] and not report.states["accepted"])
    arrivals = Counter(arrived(settings.fleet.data / "inbox" / "received.jsonl", set(ids)))
    report.arrived = sum(arrivals.values())
    report.duplicates = report.arrived - len(arrivals)
    report.check("every relayed delivery arrived", len(arrivals) >= len(report.relayed))
    report.check("no duplicate outside the deliveries in doubt", report.duplicates <= report.states["in_doubt"])


def arrived(path: Path, ids: set[str]) -> Iterator[tuple[str, str]]:
    """Message and recipient of every arrival of these messages in the capture inbox's own file."""
    with path.open() as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["message"] in ids:
                for recipient in entry["recipients"]:
                    yield entry["message"], recipient
