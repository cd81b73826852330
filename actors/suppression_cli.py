"""Commands for the suppression list: see it, add to it, take from it."""

from typing import Annotated

import typer

from actors.terminal import Config, Json, client, grid, moment, row, say, show, write
from fastemailnet.delivery.suppression import FOR_GOOD

suppression_app = typer.Typer(no_args_is_help=True, help="Addresses that no mail is sent to any more.")
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The recipient's address.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]
Tenant = Annotated[str, typer.Option(help="For this tenant's mail alone.")]
Lane = Annotated[str, typer.Option(help="For mail of this lane alone.")]


@suppression_app.command("list")
def suppression_list(
    config: Config = None,
    json_file: Json = None,
    after: Annotated[str, typer.Option(help="Begin behind this address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries.")] = 1_000,
) -> None:
    """The entries that count now, by address."""
    with client(config) as fleet:
        answer = fleet.suppressed(after, limit)
    write(json_file, answer)
    table = grid("address", "tenant", "lane", "since", "until", "why", "reason")
    for entry in answer["entries"]:
        until = "for good" if entry["until_ms"] == FOR_GOOD else moment(entry["until_ms"])
        scope = (entry["tenant"] or "all", entry["lane"] or "all")
        row(table, entry["address"], *scope, moment(entry["at_ms"]), until, entry["origin"], entry["reason"])
    show(table, "nobody is on the list" if not after else "nobody more is on the list")
    if answer["next"]:
        say(f"more: --after {answer['next']}")


@suppression_app.command("add")
def suppression_add(
    address: Address,
    reason: Reason,
    tenant: Tenant = "",
    lane: Lane = "",
    days: Annotated[int | None, typer.Option(help="For so long; without it, for good.")] = None,
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Send nothing to an address any more."""
    with client(config) as fleet:
        answer = fleet.suppress(address, reason, tenant=tenant, lane=lane, days=days)
    write(json_file, answer)
    say(f"on the list: {answer['address']}")


@suppression_app.command("remove")
def suppression_remove(
    address: Address,
    reason: Reason,
    tenant: Tenant = "",
    lane: Lane = "",
    config: Config = None,
    json_file: Json = None,
) -> None:
    """Send to an address again. The tenant and lane are those of the entry."""
    with client(config) as fleet:
        answer = fleet.lift(address, reason, tenant=tenant, lane=lane)
    write(json_file, answer)
    say(f"off the list: {answer['address']}, which was on it for: {answer['reason']}")
