"""The command that reports to other domains how TLS with them went: from the journal, for one day, offline."""

import datetime
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from actors.build import log as log_of
from actors.evidence import SESSIONS
from actors.terminal import Config, err, out
from fastemailnet.config import load
from fastemailnet.delivery.tls_report import Session, decode_sessions, report
from fastemailnet.errors import ConfigError
from fastemailnet.flashsync.frames import JOURNAL, Outcome, decode_journal
from fastemailnet.ledger.fact import decode_facts
from fastemailnet.log.interface import Log

READ_RECORDS = 2_000
DAY_MS = 86_400_000


def sessions_of(log: Log, begin_ms: int) -> Iterator[Session]:
    """The sessions that the facts of one day tell, each once. A frame that an incarnation wrote twice counts once."""
    seen: set[tuple[str, int, int, int, int]] = set()
    for partition in log.partitions(JOURNAL):
        position, end = log.begin(JOURNAL, partition), log.end(JOURNAL, partition)
        while position < end and (batch := log.fetch(JOURNAL, partition, position, READ_RECORDS)):
            position = batch[-1][0] + 1
            for _, record in batch:
                frame = _told(record, begin_ms)
                if frame is not None:
                    who = (frame.node, frame.incarnation, frame.lease, frame.offset, frame.attempt)
                    if who not in seen:
                        seen.add(who)
                        yield from _sessions(frame.evidence)


def _told(record: bytes, begin_ms: int) -> Outcome | None:
    """The OUTCOME of the day in a record of the journal, if it is one."""
    try:
        frame = decode_journal(record)
    except msgspec.MsgspecError:
        return None
    is_ours = isinstance(frame, Outcome) and frame.evidence and begin_ms <= frame.at_ms < begin_ms + DAY_MS
    return frame if isinstance(frame, Outcome) and is_ours else None


def _sessions(evidence: bytes) -> Iterator[Session]:
    for fact in decode_facts(evidence):
        yield from decode_sessions(str(fact.detail.get(SESSIONS, "")))


def tls_report(
    day: Annotated[str, typer.Option(help="YYYY-MM-DD, UTC.")],
    domain: Annotated[str | None, typer.Option(help="One policy domain; all without it.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", "-o", help="Write each report here, gzipped.")] = None,
    config: Config = None,
) -> None:
    """How TLS with other domains went on a day, as reports to them (TLS-RPT, RFC 8460). Nothing is mailed. Needs no running fleet."""
    settings = load(config, os.environ)
    name, begin_ms = settings.gateway.hostname, _begin_ms(day)
    log = log_of(settings)
    try:
        found = [session for session in sessions_of(log, begin_ms) if domain in (None, session.domain)]
    finally:
        log.close()
    reports = {
        one: report(one, found, day=day, organization=name, contact=f"postmaster@{name}")
        for one in sorted({session.domain for session in found})
    }
    for one, told in reports.items():
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            begin_s = begin_ms // 1_000
            path = folder / f"{name}!{one}!{begin_s}!{begin_s + 86_399}.json.gz"
            path.write_bytes(gzip.compress(json.dumps(told, indent=1).encode(), mtime=0))
    if domain is not None and folder is None:
        for told in reports.values():
            out.print_json(data=told)
    else:
        err.print(_table(found))
    failed = sum(bool(session.result) for session in found)
    err.print(
        f"tls-report day={day} domains={len(reports)} sessions={len(found) - failed} failed={failed}", highlight=False
    )


def _begin_ms(day: str) -> int:
    try:
        begin = datetime.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise ConfigError("--day", repr(day), "must be a day as 2026-01-31") from None
    return int(begin.timestamp()) * 1_000


def _table(found: list[Session]) -> Table:
    table = Table("domain", "policy", "result", "sessions")
    counts: dict[tuple[str, str, str], int] = {}
    for session in found:
        key = session.domain, session.type, session.result or "ok"
        counts[key] = counts.get(key, 0) + 1
    for (domain, kind, result), count in sorted(counts.items()):
        table.add_row(domain, kind, result, str(count))
    return table
