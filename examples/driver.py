"""The driver script: start or join a fleet, submit a folder of mail, follow it to the end, print what became of it.

    python examples/driver.py [--config FILE] [FOLDER]

With a fleet running on the configured gateway it joins that; otherwise it starts one and stops it at the end.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from actors.demo import bar, prove, watched
from actors.report import RunReport
from actors.run import running
from fastemailnet.client import Client
from fastemailnet.config import load
from fastemailnet.errors import MessageError

PATIENCE_S = 300.0
POLL_S = 0.5
STILL_MOVING = ("open", "accepted")


def submit(console: Console, client: Client, paths: list[Path]) -> list[str]:
    """Hand the files in; the ids of those that were accepted."""
    ids = []
    with bar(console) as progress:
        for path in progress.track(paths, description="submitting"):
            try:
                ids.append(client.send(path.read_bytes()).id)
            except MessageError as error:
                console.print(f"[red]refused[/] {path}: {error}", highlight=False)
    return ids


def follow(console: Console, client: Client, ids: list[str]) -> RunReport:
    """Ask for every message until nothing of it moves any more."""
    deadline = time.monotonic() + PATIENCE_S
    found = {}
    with bar(console) as progress:
        task = progress.add_task("delivering", total=len(ids))
        while len(found) < len(ids) and time.monotonic() < deadline:
            for one in ids:
                if one not in found:
                    timeline = client.timeline(one)
                    if all(delivery["state"] not in STILL_MOVING for delivery in timeline["deliveries"]):
                        found[one] = timeline
                        progress.advance(task)
            time.sleep(POLL_S)
    report = RunReport()
    report.add(found.values())
    report.check(f"every message came to an end within {PATIENCE_S:.0f} s", len(found) == len(ids))
    report.balance = client.balance()
    return report


def main() -> int:
    """Run; exit 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "mail")
    parser.add_argument("--config", type=Path)
    options = parser.parse_args()
    console = Console()
    settings = load(options.config, os.environ)
    paths = sorted(options.folder.glob("*.eml"))
    with ExitStack() as stack:
        client = stack.enter_context(Client(f"http://{settings.gateway.bind}:{settings.gateway.http_port}"))
        if client.is_up():
            console.print("joined the running fleet")
        else:
            fleet = stack.enter_context(running(settings, console))
            stack.enter_context(watched(fleet, settings))
        report = follow(console, client, submit(console, client, paths))
        prove(report, settings, client)
    report.show(console, f"{len(paths)} files of {options.folder}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
