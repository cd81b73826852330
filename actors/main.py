"""The command line. Every command that talks to a fleet goes through its HTTP gateway, so it needs no Ray."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from actors.classify_cli import classify
from actors.doubt_cli import doubt_app
from actors.held_cli import held_app
from actors.journal_cli import journal_app
from actors.receipt_cli import receipt_app
from actors.shaping_cli import resume, shaping_app, suspend
from actors.suppression_cli import suppression_app
from actors.tenant_cli import tenant_app
from actors.terminal import Config, Json, client, complain, err, grid, moment, out, row, say, told, write
from actors.tls_report_cli import tls_report
from actors.why_cli import why
from fastemailnet import __version__
from fastemailnet.config import Settings, load
from fastemailnet.envelope import Lane
from fastemailnet.errors import FastEmailNetError, FleetError, MessageError, in_words

app = typer.Typer(
    name="fastemailnet",
    no_args_is_help=True,
    add_completion=False,
    help="Mail in, once out, with a receipt anyone can check.",
)
dkim_app = typer.Typer(no_args_is_help=True, help="DKIM keys.")
app.add_typer(receipt_app, name="receipt")
app.add_typer(dkim_app, name="dkim")
app.add_typer(doubt_app, name="in-doubt")
app.add_typer(held_app, name="held")
app.add_typer(journal_app, name="journal")
app.add_typer(suppression_app, name="suppression")
app.add_typer(shaping_app, name="shaping")
app.add_typer(tenant_app, name="tenant")
STOP_S = 90.0  # a fleet that is just starting comes up first
TXT_STRING = 255  # octets that one string of a TXT record holds (RFC 1035 section 3.3.14)


def pid_file(settings: Settings) -> Path:
    """Where a running fleet tells its process."""
    return settings.fleet.data / "fleet.json"


Log = Annotated[str | None, typer.Option(help="Log, instead of log.url: embedded: or kafka://host:port.")]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Take a Kafka that loses mail with one broker.")]


def choose_log(url: str | None, unsafe: bool) -> None:
    """Let the options stand before the settings of the environment."""
    if url:
        os.environ["FASTEMAILNET_LOG__URL"] = url
    if unsafe:
        os.environ["FASTEMAILNET_LOG__UNSAFE"] = "true"
        err.print(
            "[yellow]--unsafe:[/] the loss of one Kafka broker may lose mail and send mail twice", highlight=False
        )


@app.command()
def up(config: Config = None, log: Log = None, unsafe: Unsafe = False) -> None:
    """Start the fleet and keep it running until Ctrl-C or `fastemailnet down`."""
    from actors.run import run_until_signal

    choose_log(log, unsafe)
    run_until_signal(load(config, os.environ), out)


@app.command()
def down(config: Config = None) -> None:
    """Stop the running fleet. Its data stays, and the next `up` goes on where it was."""
    path = pid_file(load(config, os.environ))
    try:
        pid = int(json.loads(path.read_text())["pid"])
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        complain("error:", f"no fleet is running (no live process in {path})")
        raise typer.Exit(1) from None
    deadline = time.monotonic() + STOP_S
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    if path.exists():
        raise FleetError(f"process {pid} did not stop within {STOP_S:.0f} s")
    out.print("stopped")


@app.command()
def demo(
    json_file: Json = None,
    copies: Annotated[int, typer.Option(help="Send each sample this many times.")] = 1,
    data: Annotated[Path, typer.Option(help="Data directory of the demo.")] = Path("data/demo"),
    log: Log = None,
    unsafe: Unsafe = False,
) -> None:
    """Start a fleet on loopback, send the sample mails over HTTP and SMTP, and show that everything adds up."""
    from actors.demo import run_demo

    choose_log(log, unsafe)
    report = run_demo(out, data, copies)
    if json_file:
        json_file.write_text(json.dumps(report.figures(), indent=1) + "\n")
    raise typer.Exit(1 if report.failures else 0)


@app.command()
def chaos(
    kills: Annotated[int, typer.Option(help="Strikes: kill -9 and SIGSTOP of the fleet's processes.")] = 10,
    mails: Annotated[int, typer.Option(help="Mails to send meanwhile; 0: a thousand for each strike.")] = 0,
    sink: Annotated[str, typer.Option(help="checkpoint (a receiver that can be asked, RFC 1845) or plain.")] = "plain",
    policy: Annotated[str, typer.Option(help="What becomes of doubts: hold, retry, assume-relayed, bounce.")] = "hold",
    seed: Annotated[int, typer.Option(help="Of the draws of chance.")] = 0,
    every_s: Annotated[float, typer.Option(help="Mean time between strikes, seconds.")] = 2.0,
    data: Annotated[Path, typer.Option(help="Data directory of the run; must be new.")] = Path("data/chaos"),
    log: Log = None,
    unsafe: Unsafe = False,
    json_file: Json = None,
) -> None:
    """Strike a fleet under load again and again, and prove that nothing was lost and nothing sent twice unexplained."""
    from actors.chaos import Order, demand, run_chaos

    choose_log(log, unsafe)
    order = Order(kills, mails or 1_000 * kills, sink == "checkpoint", policy, seed, data, every_s)
    demand(order)
    figures, failures = run_chaos(out, order)
    write(json_file, {**figures, "failures": failures})
    for failure in failures:
        complain("does not hold:", failure)
    shown = " ".join(f"{name}={value}" for name, value in figures.items() if not isinstance(value, dict))
    out.print(f"soak {shown}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failures else 0)


@app.command()
def send(
    files: Annotated[list[Path], typer.Argument(help="Messages (.eml) or folders of them.")],
    sender: Annotated[str | None, typer.Option("--from", help="Reverse-path; From of the message without it.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="Recipients; To, Cc and Bcc of the message without it.")] = None,
    lane: Annotated[Lane | None, typer.Option(help="Lane that it travels in; the message decides without it.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Tenant's key; better in FASTEMAILNET_KEY, which no ps shows.")
    ] = None,
    config: Config = None,
) -> None:
    """Submit messages and print their ids."""
    paths = messages(files)
    refused = 0
    with client(config, key) as fleet:
        for path in paths:
            try:
                accepted = fleet.send(path.read_bytes(), sender=sender, recipients=to, lane=lane)
                say(f"{accepted.id}  {path}")
            except FleetError:
                raise
            except (FastEmailNetError, OSError) as error:
                refused += 1
                said = error.strerror if isinstance(error, OSError) else error
                complain("refused", f"{path}: {said}")
    raise typer.Exit(1 if refused else 0)


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(help="Reports and complaints that came back, or folders of .eml files.")
    ],
    config: Config = None,
) -> None:
    """Take in reports (RFC 3464) and complaints (RFC 5965) about mail that was sent."""
    paths = messages(files)
    with client(config) as fleet:
        for path in paths:
            taken = fleet.take_back(path.read_bytes())
            say(f"{taken['kind']:<9}  {taken['notes']} notes  {path}")


def messages(given: list[Path]) -> list[Path]:
    """The files, and the .eml files of folders.

    Raises:
        MessageError: a folder has none, so that a wrong name is not taken for work done.
    """
    paths = []
    for path in given:
        found = sorted(path.glob("*.eml")) if path.is_dir() else [path]
        if not found:
            raise MessageError("no file is named *.eml", str(path))
        paths += found
    return paths


@app.command()
def status(config: Config = None, json_file: Json = None) -> None:
    """What each process of the fleet is doing, and the balance."""
    with client(config) as fleet:
        answer = fleet.status()
    write(json_file, answer)
    table = grid("process", "figure", "value", whole=("process", "figure"))
    for name, figures in answer["processes"].items():
        for key, value in figures.items():
            row(table, name, key, shown(value))
            name = ""
    out.print(table)
    for name, figures in answer["processes"].items():
        if "problem" in figures:
            complain("warning:", f"{name}: {figures['problem']}", "yellow")
    show_balance(answer["balance"])


@app.command()
def trace(
    message: Annotated[str, typer.Argument(metavar="ID", help="Of a message, as `send` prints it.")],
    config: Config = None,
    json_file: Json = None,
) -> None:
    """What became of a message: every event of every delivery."""
    with client(config) as fleet:
        answer = fleet.timeline(message)
    write(json_file, answer)
    for delivery in answer["deliveries"]:
        say(
            f"{delivery['recipient']}  {delivery['state']}  delivery {delivery['delivery']}  tenant {delivery['tenant']}"
        )
        for event in delivery["events"]:
            say(f"  {moment(event['at_ms'])}  {event['state']:<9} {event_in_words(event)}")


def event_in_words(event: dict[str, Any]) -> str:
    """Which attempt an event is of, what was said, and in parentheses what the gate said, where that is not the same."""
    host = f" at {event['host']}" if "host" in event else ""
    said, gate = told(event), event.get("gate", "")
    found = f"  ({gate})" if gate and gate not in said else ""
    return f"attempt {event['attempt']}{host}  {said}{found}".rstrip()


@app.command()
def balance(config: Config = None, json_file: Json = None) -> None:
    """Is every accepted delivery in exactly one class? Exits 1 if not."""
    with client(config) as fleet:
        answer = fleet.balance()
    write(json_file, answer)
    show_balance(answer)
    raise typer.Exit(1 if answer["difference"] else 0)


def show_balance(answer: dict[str, int]) -> None:
    """The classes in a table, and both sides in one line of figures."""
    table = Table("class", "deliveries")
    for name, count in answer.items():
        if name not in ("accepted", "accounted", "difference"):
            table.add_row(name, str(count))
    out.print(table)
    out.print(
        f"balance accepted={answer['accepted']} accounted={answer['accounted']} difference={answer['difference']}",
        highlight=False,
    )


@dkim_app.command("new")
def dkim_new(
    domain: Annotated[str, typer.Argument(help="Signing domain, as in example.org.")],
    selector: Annotated[str, typer.Argument(help="Name of the key under the domain, as in fen1.")],
    key_file: Annotated[Path, typer.Argument(help="Where the private key goes; must not exist yet.")],
    algorithm: Annotated[str, typer.Option(help="rsa or ed25519")] = "rsa",
) -> None:
    """Make a DKIM key and print the DNS record that announces it."""
    from fastemailnet.message.dkim import DkimKey, dns_record, generate

    pem = generate(algorithm)
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    record = dns_record(DkimKey(domain, selector, pem))
    strings = " ".join(f'"{record[at : at + TXT_STRING]}"' for at in range(0, len(record), TXT_STRING))
    out.print(f"{selector}._domainkey.{domain}. TXT ( {strings} )", highlight=False, soft_wrap=True)


def shown(value: Any) -> str:
    """A figure in a cell."""
    if isinstance(value, dict):
        between = "\n" if any(isinstance(one, str) for one in value.values()) else ", "  # sentences have a line each
        return between.join(f"{key} {one}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).partition("\n\n")[0].split("\n"))  # of a signed note its text


for command in (why, classify, suspend, resume, tls_report):  # here, so that --help begins with the daily ones
    app.command()(command)


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__, highlight=False)


def main(run: Callable[[], Any] = app) -> None:
    """Entry point: errors of the tree are one line and exit code 1."""
    try:
        run()
    except (FastEmailNetError, OSError, ValueError) as error:
        complain("error:", in_words(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
