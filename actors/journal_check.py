"""Is what a log says possible at all? Offline: reads the streams, folds them, and asks every invariant that a log can show.

    read ▸ fold whole ▸ fold over a snapshot ▸ read a second time, plainly ▸ rules ▸ compare with the sink

The answer does not rest on the fold: the rules take what happened from ``journal_history`` and compare the fold with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actors.journal_history import read_history
from actors.journal_reading import Progress, Streams, read_streams
from actors.journal_rules import RULES, World
from actors.sink_check import check_sink
from fastemailnet.flashsync.fold import Fold
from fastemailnet.flashsync.frames import Assign, Beat, Fence, JournalFrame, Resolve
from fastemailnet.flashsync.snapshot import decode_snapshot, encode_snapshot
from fastemailnet.log.interface import Log

MAX_EXAMPLES = 5
MAX_VIOLATIONS = 1_000  # that are kept in words; all are counted


@dataclass
class Check:
    """One invariant: what was looked at, how much of it, and what contradicts it."""

    what: str
    count: int = 0
    violations: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Findings:
    """What a check found. ``violations``: the first in words, by invariant; ``figures["violations"]`` counts all."""

    checks: dict[str, Check] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def ask(self, name: str, what: str, answers: Iterator[str | int]) -> None:
        """One invariant; its answers are how much was looked at, and what contradicts it."""
        check = self.checks[name] = Check(what)
        for answer in answers:
            if isinstance(answer, int):
                check.count += answer
                continue
            check.violations += 1
            if len(check.examples) < MAX_EXAMPLES:
                check.examples.append(answer)
            if len(self.violations) < MAX_VIOLATIONS:
                self.violations.append(f"{name}: {answer}")


def silent(what: str, done: int, total: int) -> None:
    """Progress for nobody."""


def check_journal(log: Log, sink: Path | None = None, progress: Progress = silent) -> Findings:
    """Check the streams of a log, and with ``sink`` what its receiver wrote down (``received.jsonl``).

    Raises:
        LogError: the log cannot be read; LogCorrupt where part of it is missing.
        OSError: the sink's file cannot be read.
    """
    streams = read_streams(log, progress)
    history = read_history(streams)
    world = World(streams, history, fold_whole(streams, progress), fold_resumed(streams, progress))
    findings = Findings()
    for number, (name, (what, rule)) in enumerate(RULES.items()):
        progress(f"checking {name}", number, len(RULES))
        findings.ask(name, what, rule(world))
    progress("checking", len(RULES), len(RULES))
    findings.figures = figures(world)
    if sink is not None:
        answers = check_sink(world, sink, findings.figures, progress)
        findings.ask("sink", "deliveries that the sink has as the journal says", answers)
    findings.figures["violations"] = sum(check.violations for check in findings.checks.values())
    return findings


def figures(world: World) -> dict[str, int]:
    """How much there is of what."""
    streams, history = world.streams, world.history
    mail = [place for place, _ in streams.mail()]
    ended = sum(place in world.ends for place in mail)
    doubted = [begun for begun in world.unfinished.values() if begun.is_doubted]
    in_doubt = {begun.place for begun in doubted}
    live = {copy: world.source(copy) for copy in filter(world.is_live, world.named)}
    return {
        "frames": streams.frames,
        "units": len(mail),
        "leases": len(history.leases),
        "ended": ended - len(set(live.values())) - len(history.held),
        "held": len(history.held),
        "waiting": len({source for copy, source in live.items() if copy not in in_doubt}),
        "open": len(mail) - ended - sum(begun.place not in world.named for begun in doubted),
        "in_doubt": len(doubted),
        "repetitions": history.repetitions,
    }


# ---- the fold


def fold_whole(streams: Streams, progress: Progress) -> Fold:
    """All of control, then the journal, partition by partition."""
    fold = Fold()
    _control(fold, streams, 0, len(streams.control))
    for partition, frames in streams.journals.items():
        _journal(fold, partition, frames, 0, len(frames))
        progress("folding", partition + 1, max(streams.journals) + 1)
    return fold


def fold_resumed(streams: Streams, progress: Progress) -> Fold:
    """Up to the middle, through a snapshot, and on; the partitions in the opposite order."""
    halves = {partition: len(frames) // 2 for partition, frames in streams.journals.items()}
    control = _control_behind(streams, halves)
    fold = Fold()
    _control(fold, streams, 0, control)
    for partition, half in reversed(halves.items()):
        _journal(fold, partition, streams.journals[partition], 0, half)
    fold, position = decode_snapshot(encode_snapshot(fold, control))
    _control(fold, streams, position, len(streams.control))
    for partition, frames in reversed(streams.journals.items()):
        _journal(fold, partition, frames, halves[partition], len(frames))
        progress("folding over a snapshot", len(streams.journals) - partition, len(streams.journals))
    return fold


def _control_behind(streams: Streams, halves: dict[int, int]) -> int:
    """How far control must be read for these parts of the journal: half of it, and to the last lease that they name."""
    given = {frame.lease: offset for offset, frame in enumerate(streams.control) if isinstance(frame, Assign)}
    named = (
        given.get(frame.lease, -1) + 1
        for partition, half in halves.items()
        for frame in streams.journals[partition][:half]
        if not isinstance(frame, Beat | Fence | Resolve | None)
    )
    return max(len(streams.control) // 2, max(named, default=0))


def _control(fold: Fold, streams: Streams, start: int, stop: int) -> None:
    for frame in streams.control[start:stop]:
        if frame is not None:
            fold.apply_control(frame)


def _journal(fold: Fold, partition: int, frames: Sequence[JournalFrame | None], start: int, stop: int) -> None:
    for position in range(start, stop):
        frame = frames[position]
        if frame is not None:
            fold.apply_journal(partition, position, frame)
