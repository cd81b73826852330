"""``python -m tools.kafka up|down|prepare``: what ``make kafka`` and ``make kafka-down`` run."""

import argparse
import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import get_args

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tools.kafka import jars
from tools.kafka.broker import NotReady
from tools.kafka.cluster import Brokers
from tools.kafka.plan import Protocol, Shape
from tools.kafka.ports import free_ports, is_free
from tools.kafka.prepare import prepare

USUAL_PORT = 9092
FOLDER = Path("data/kafka")
FOREIGN_TIMEOUT_MS = 5_000


def main() -> int:
    """Do what the command line says; 1 and one clear message where it cannot be done."""
    options = _options()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a broker that is not there yet is no news here
    try:
        match options.command:
            case "up" if foreign := os.environ.get("KAFKA_BOOTSTRAP"):
                print(_foreign(foreign))
            case "up":
                print(_up(options.folder, options.count, tuple(options.protocol or ["PLAINTEXT"]), options.port))
            case "down":
                print(_down(options.folder))
            case "prepare":
                print(f"Kafka {jars.version()} is in {prepare().jars}")
    except (jars.Unavailable, NotReady) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.kafka", description="A real Apache Kafka on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it, or say where it is; KAFKA_BOOTSTRAP=host:port means: use that one")
    up.add_argument("--count", type=int, choices=(1, 3), default=1, help="how many brokers a new cluster has")
    up.add_argument(
        "--protocol", action="append", choices=get_args(Protocol), help="what clients speak; may be repeated"
    )
    up.add_argument("--port", type=int, help=f"the first broker's; without it {USUAL_PORT}, or any if that is taken")
    down = commands.add_parser("down", help="stop it; its data stays")
    commands.add_parser("prepare", help="fetch the jars, and make later starts quick; up does it too")
    for each in (up, down):
        each.add_argument("--folder", type=Path, default=FOLDER, help="where its data is or shall be")
    return parser.parse_args()


def _up(folder: Path, count: int, protocols: tuple[Protocol, ...], port: int | None) -> str:
    prepare()
    began = time.monotonic()
    if (folder / "plan.json").exists():
        brokers = Brokers.open(folder)
    else:
        brokers = Brokers.create(folder, Shape(count=count, protocols=protocols, port=port or _usual_port(count)))
    found = brokers.running()
    brokers.start()
    shape = brokers.plan.shape
    what = f"Kafka {jars.version()}, {shape.count} broker{'s' if shape.count > 1 else ''}"
    when = "ran already" if len(found) == shape.count else f"up in {time.monotonic() - began:.1f} s"
    stop = "make kafka-down" if folder == FOLDER else f"python -m tools.kafka down --folder {folder}"
    lines = [f"{what}, {when}: {brokers.bootstrap} ({shape.protocols[0]}); log {brokers.log(0)}; stop: {stop}"]
    guarded = [protocol for protocol in shape.protocols if protocol != "PLAINTEXT"]
    lines += [f"  {protocol}: {_told(brokers.client_settings(protocol))}" for protocol in guarded]
    return "\n".join(lines)


def _told(settings: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items() if name != "security_protocol")


def _usual_port(count: int) -> int:
    usual = range(USUAL_PORT, USUAL_PORT + count)
    return USUAL_PORT if all(is_free(port) for port in usual) else free_ports(1)[0]


def _down(folder: Path) -> str:
    if not (folder / "plan.json").exists():
        return f"no Kafka in {folder}"
    brokers = Brokers.open(folder)
    stopped = len(brokers.running())
    brokers.stop()
    return f"stopped {stopped} broker{'' if stopped == 1 else 's'}; the data stays in {folder}"


def _foreign(bootstrap: str) -> str:
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=FOREIGN_TIMEOUT_MS)
    except (OSError, KafkaError) as error:
        raise NotReady(f"KAFKA_BOOTSTRAP={bootstrap} does not answer: {error}") from error
    with contextlib.closing(admin):
        return f"using yours: {bootstrap}, {len(admin.describe_cluster()['brokers'])} broker(s)"


if __name__ == "__main__":
    sys.exit(main())
