"""Commands for the attempts in doubt: list them, look at one, decide it."""

from typing import Annotated, Any

import typer
from rich.table import Table

from actors.terminal import Config, Json, client, grid, moment, out, row, say, show, write

doubt_app = typer.Typer(no_args_is_help=True, help="Deliveries of which nobody knows whether the peer took them.")
Id = Annotated[str, typer.Argument(metavar="ID", help="Of the attempt, as `in-doubt list` shows it.")]


@doubt_app.command("list")
def in_doubt_list(config: Config = None, json_file: Json = None) -> None:
    """Every attempt in doubt, and why."""
    with client(config) as fleet:
        answer = fleet.in_doubt()
    write(json_file, answer)
    what = "message, since"  # in one cell, so that a terminal of 80 columns has room for the reason
    table = grid("id", what, "attempt", "recipients", "reason", whole=("id", what, "attempt", "recipients"))
    for entry in answer:
        counts = (str(entry["attempt"]), str(entry["recipients"]))
        row(table, entry["id"], f"{entry['message']}\n{moment(entry['since_ms'])}", *counts, entry["reason"])
    show(table)
    deliveries = sum(entry["recipients"] for entry in answer)
    oldest = moment(min(entry["since_ms"] for entry in answer)) if answer else "none"
    out.print(
        f"in-doubt attempts={len(answer)} deliveries={deliveries} oldest={oldest}", highlight=False, soft_wrap=True
    )


@doubt_app.command("show")
def in_doubt_show(doubt_id: Id, config: Config = None, json_file: Json = None) -> None:
    """Everything known about one attempt in doubt, and what happens if nobody decides."""
    with client(config) as fleet:
        answer = fleet.doubt(doubt_id)
    write(json_file, answer)
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in described(answer).items():
        row(table, name, value)
    out.print(table)


@doubt_app.command("resolve")
def in_doubt_resolve(
    doubt_id: Id,
    verdict: Annotated[str, typer.Argument(help="retry, assume-relayed, bounce, or ask where the peer can be asked.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded with the verdict.")],
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Decide an attempt in doubt. This is recorded and cannot be taken back."""
    with client(config) as fleet:
        answer = fleet.resolve(doubt_id, verdict, reason)
    write(json_file, answer)
    resolved = answer["resolved"]
    people = ", ".join(one["recipient"] for one in answer["recipients"])
    say(f"resolved {doubt_id} verdict={resolved['verdict']}  message {answer['message']} to {people}")


def described(entry: dict[str, Any]) -> dict[str, str]:
    """An attempt in doubt in words, by what they are about."""
    step = entry["next"]
    when = "never: it waits for a person" if step["at_ms"] is None else f"{step['verdict']} at {moment(step['at_ms'])}"
    return {
        "id": entry["id"],
        "message": entry["message"],
        "sender": "not known" if entry["sender"] is None else f"<{entry['sender']}>",
        "recipients": "\n".join(f"{one['recipient']} ({one['state']})" for one in entry["recipients"]),
        "lane": entry["lane"] or "not known",
        "attempt": f"{entry['attempt']} of {entry['place']}, by {entry['node']}",
        "host": entry["host"] or "not known",
        "end allowed": moment(entry["intent_ms"]),
        "in doubt since": f"{moment(entry['since_ms'])}: {entry['reason']}",
        "peer can be asked": "yes" if entry["can_ask"] else "no",
        "without a decision": when,
    }
