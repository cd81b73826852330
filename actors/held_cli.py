"""Commands for what the spam gate holds: list it, read it, release or reject it, and take the decisions for retraining."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from actors.terminal import Config, Json, client, complain, grid, moment, out, row, say, show, write
from fastemailnet.client import Client
from fastemailnet.errors import BlobError, NotFound

held_app = typer.Typer(no_args_is_help=True, help="Mail that the spam gate holds until a person decides.")
Id = Annotated[str, typer.Argument(metavar="ID", help="As `held list` shows it.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="As `held list` shows them.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded with the decision.")]
PAGE_ENTRIES = 1_000


@held_app.command("list")
def held_list(
    config: Config = None,
    json_file: Json = None,
    after: Annotated[str, typer.Option(help="Begin behind this id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=PAGE_ENTRIES, help="So many entries.")] = 100,
    tenant: Annotated[str | None, typer.Option(help="This tenant's mail alone.")] = None,
) -> None:
    """What waits for a decision, and why it is held. The figures are of all that waits, whosever it is."""
    with client(config) as fleet:
        answer = fleet.held(after, limit, tenant)
    write(json_file, answer)
    about = "message, since"  # in one cell, so that a terminal of 80 columns has room for the reason
    table = grid("id", "tenant", about, "sender, recipients", "reason", whole=("id", about))
    for entry in answer["entries"]:
        people = ", ".join(one["recipient"] for one in entry["recipients"])
        what = f"{entry['message'] or 'not kept'}\n{moment(entry['since_ms'])}"
        whose = "not known" if entry["tenant"] is None else entry["tenant"]
        row(table, entry["id"], whose, what, f"<{entry['sender'] or ''}>\n{people}", entry["reason"])
    show(table)
    if answer["next"]:
        out.print(f"more: --after {answer['next']}", highlight=False)
    oldest = moment(answer["oldest_ms"]) if answer["oldest_ms"] is not None else "none"
    counts = f"attempts={answer['attempts']} deliveries={answer['deliveries']}"
    out.print(f"held {counts} shown={len(answer['entries'])} oldest={oldest}", highlight=False, soft_wrap=True)


@held_app.command("show")
def held_show(
    held_id: Id,
    config: Config = None,
    json_file: Json = None,
    raw: Annotated[Path | None, typer.Option(help="Write the message to this file as well.")] = None,
) -> None:
    """Everything known about one, and what a reader of it sees."""
    with client(config) as fleet:
        answer = fleet.quarantined(held_id)
        if raw is not None:
            raw.write_bytes(fleet.held_message(held_id))
    write(json_file, answer)
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in described(answer).items():
        row(table, name, value)
    out.print(table)
    figures = f"deliveries={answer['deliveries']} octets={answer.get('octets', 0)}"
    out.print(f"held {answer['id']} {figures}", highlight=False, soft_wrap=True)


@held_app.command("release")
def held_release(ids: Ids, reason: Reason, config: Config = None, json_file: Json = None) -> None:
    """Let mail go on: it passes the gate, once. Recorded, and cannot be taken back. Exits 1 if any was decided before."""
    decide(ids, "release", reason, "", config, json_file)


@held_app.command("reject")
def held_reject(
    ids: Ids,
    reason: Reason,
    label: Annotated[str, typer.Option(help="spam or phish; without it what the model took it for.")] = "",
    config: Config = None,
    json_file: Json = None,
) -> None:
    """End mail as rejected. Recorded, and cannot be taken back. Exits 1 if any was decided before."""
    decide(ids, "reject", reason, label, config, json_file)


def decide(ids: list[str], verdict: str, reason: str, label: str, config: Path | None, json_file: Path | None) -> None:
    """One decision about each; what is not held any more is told and holds up nothing else."""
    answers = []
    with client(config) as fleet:
        for held_id in ids:
            try:
                answers.append(answer := fleet.review(held_id, verdict, reason, label))
            except NotFound as error:
                complain("error:", error)
                continue
            people = ", ".join(one["recipient"] for one in answer["recipients"])
            shown = f"{held_id} as {answer['reviewed']['label']}  message {answer['message']} to {people}"
            say(f"{verdict} {shown}")
    write(json_file, answers)
    deliveries = sum(answer["deliveries"] for answer in answers)
    refused = len(ids) - len(answers)
    out.print(f"{verdict} decided={len(answers)} deliveries={deliveries} refused={refused}", highlight=False)
    raise typer.Exit(1 if refused else 0)


@held_app.command("export")
def held_export(
    file: Annotated[Path, typer.Argument(metavar="OUT.parquet", help="File to write.")],
    config: Config = None,
    json_file: Json = None,
) -> None:
    """What people decided, as labelled mail for training (`python -m models.spam.train --data`)."""
    from actors.held_export import export

    with client(config) as fleet:
        counts = export(file, decided(fleet))
    write(json_file, counts)
    shown = " ".join(f"{name}={count}" for name, count in counts.items())
    out.print(f"export {shown}", highlight=False)


def decided(fleet: Client) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    """Every decision with the mail that it was about; None where that is not kept any more."""
    after = ""
    while True:
        page = fleet.reviewed(after, PAGE_ENTRIES)
        for entry in page["entries"]:
            try:
                yield entry, fleet.held_message(entry["id"])
            except (NotFound, BlobError):
                yield entry, None
        after = page["next"]
        if not after:
            return


def described(entry: dict[str, Any]) -> dict[str, str]:
    """Held mail in words, by what they are about."""
    scores = entry["scores"]
    names = ("ham", "spam", "phish")
    found = {
        "id": entry["id"],
        "message": entry["message"] or "its record is not kept any more",
        "sender": f"<{entry['sender'] or ''}>",
        "recipients": "\n".join(one["recipient"] for one in entry["recipients"]),
        "tenant": "not known" if entry["tenant"] is None else entry["tenant"],
        "lane": entry["lane"] or "not known",
        "attempt": f"{entry['attempt']} of {entry['place']}",
        "held since": moment(entry["since_ms"]),
        "reason": entry["reason"],
        "scores": ", ".join(f"{name} {score:.4f}" for name, score in zip(names, scores or (), strict=False)) or "none",
    }
    found |= {name: value for name, value in entry.get("headers", {}).items() if value}
    findings = [f"{one['where']}: {one['what']}" for one in entry.get("findings", ())]
    return found | ({"striking": "\n".join(findings)} if findings else {}) | {"text": entry.get("text", "")}
