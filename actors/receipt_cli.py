"""Commands for receipts: get one from the fleet, and verify one offline and tell what it proves."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from actors.terminal import Config, client, moment, out, say, told
from actors.timeline import state_of
from fastemailnet.config import load
from fastemailnet.ledger.receipt import Verified

receipt_app = typer.Typer(no_args_is_help=True, help="Receipts: get one, verify one offline.")


@receipt_app.command("get")
def receipt_get(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Of a delivery, as `trace` shows it, or of a message.")],
    config: Config = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the receipt here instead of showing it.")
    ] = None,
) -> None:
    """The receipt of a delivery (or of the first delivery of a message)."""
    with client(config) as fleet:
        text = fleet.receipt(delivery)
    if output:
        output.write_text(text)
    else:
        sys.stdout.write(text)


@receipt_app.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt, as `receipt get` writes it.")],
    policy: Annotated[
        Path | None, typer.Option(help="policy.txt of the log; the running configuration's without it.")
    ] = None,
    config: Config = None,
) -> None:
    """Verify a receipt offline, step by step, and tell what it proves. Exits 1 if any step fails."""
    from fastemailnet.ledger.policy import parse
    from fastemailnet.ledger.receipt import verify_receipt

    trust = policy or load(config, os.environ).fleet.data / "ledger" / "export" / "policy.txt"
    verified = verify_receipt(file.read_text(errors="replace"), parse(trust.read_text()))
    for step in verified.steps:
        out.print(f"[green]✓[/] {step.name}: {escape(step.found)}", highlight=False, soft_wrap=True)
    for line in proves(verified):
        say(f"  {line}")
    out.print(f"receipt state={verified.state.value}", highlight=False)


def proves(verified: Verified) -> Iterator[str]:
    """What a verified receipt says of the mail, as far as it is opened."""
    leaf, shown = verified.leaf, verified.openings
    detail: dict[str, Any] = shown["detail"] if isinstance(shown.get("detail"), dict) else {}  # type: ignore[assignment]
    code = {"code": leaf.smtp_code or "", "enhanced": ".".join(map(str, leaf.enhanced or ()))}
    host = f" at {detail['host']}" if "host" in detail else ""
    event = (
        f"{moment(leaf.at_ms)}  {state_of(leaf.type, detail)}  attempt {leaf.attempt}{host}  {told({**detail, **code})}"
    )
    yield event.rstrip()
    names = {"sender": "from", "rcpt": "to", "tenant": "tenant", "content": "content (SHA-256)"}
    yield from (f"{name}: {shown[field]}" for field, name in names.items() if shown.get(field))
