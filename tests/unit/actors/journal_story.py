"""A small fleet's streams, made by hand: what a test of the journal's checker starts from and then damages."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from actors.journal_check import Findings, check_journal
from fastemailnet import ids
from fastemailnet.envelope import Lane, Position, Recipient, Unit, encode_unit
from fastemailnet.flashsync import frames as f
from fastemailnet.log.memory import MemoryLog
from fastemailnet.outcome import Kind

MAIL, TIER = Lane.STANDARD.stream, "defer.1m"
EXPIRES_MS = 1_000_000
A, B = ("a", 1), ("b", 1)
RELAYED, DEFERRED, IN_DOUBT = (Kind.RELAYED,), (Kind.DEFERRED,), (Kind.IN_DOUBT,)


def message(number: int) -> bytes:
    return ids.message_id(1_700_000_000_000, bytes(9) + bytes([number]))


def unit(number: int, **changes: Any) -> Unit:
    people = (Recipient(f"r{number}@x.example", 0),)
    body = f"unit {number}".encode()
    given = Unit(message(number), Lane.STANDARD, "", 0, EXPIRES_MS, "a@s.example", people, "x.example", False, body)
    return msgspec.structs.replace(given, **changes)


@dataclass
class Story:
    """The streams of a small fleet; a test changes them before they are written."""

    control: list[Any] = field(default_factory=list)
    journals: dict[int, list[Any]] = field(default_factory=lambda: {0: [], 1: []})
    mail: list[Unit] = field(default_factory=list)
    tier: list[Unit] = field(default_factory=list)

    def says(self, partition: int, *frames: Any) -> None:
        self.journals[partition].extend(frames)

    def intent(
        self, partition: int, offset: int, lease: int, who: tuple[str, int], attempt: int = 1, at_ms: int = 9
    ) -> int:
        """An INTENT; where it stands."""
        self.says(partition, f.Intent(lease, offset, attempt, *who, at_ms, message(offset), (0,)))
        return len(self.journals[partition]) - 1

    def log(self) -> MemoryLog:
        """The streams, with the numbers that the writers would have given."""
        log = MemoryLog()
        log.append(f.CONTROL, 0, [f.encode(frame) for frame in self.control])
        numbers: dict[Any, int] = {}
        for partition, frames in self.journals.items():
            log.append(f.JOURNAL, partition, [f.encode(numbered(frame, numbers)) for frame in frames])
        log.append(MAIL, 0, [encode_unit(one) for one in self.mail])
        log.append(TIER, 0, [encode_unit(one) for one in self.tier])
        return log

    def check(self, sink: Path | None = None) -> Findings:
        return check_journal(self.log(), sink)


def numbered(frame: Any, numbers: dict[Any, int]) -> Any:
    if isinstance(frame, f.Fence | f.Resolve) or frame.seq != f.NOT_NUMBERED:
        return frame
    channel = (frame.node, frame.incarnation, f.is_fact(frame))
    numbers[channel] = numbers.get(channel, -1) + 1
    return msgspec.structs.replace(frame, seq=numbers[channel])


def fact(
    offset: int, lease: int, who: tuple[str, int], intent: int, kinds: tuple[Kind, ...], attempt: int = 1, **more: Any
) -> f.Outcome:
    return f.Outcome(lease, offset, attempt, *who, 10, intent, kinds, **more)


def copy_of(source: int, copy: int = 0) -> f.Deferral:
    return f.Deferral(Position(TIER, 0, copy), Position(MAIL, 0, source), 2, 60_000, 1)


def split(story: Story, indexes: list[int]) -> None:
    """Unit 8 is of two destinations, and is split into parts for these recipients; its lease is 6."""
    people = [Recipient(f"r8@{name}.example", index) for index, name in enumerate("xy")]
    story.mail[8] = unit(8, recipients=tuple(people), domain="")
    source, first = Position(MAIL, 0, 8), len(story.tier)
    story.tier += [unit(8, recipients=(people[index],), source=source) for index in indexes]
    named = [f.Deferral(Position(TIER, 0, first + part), source, 1, 0, 1) for part in range(len(indexes))]
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED * len(indexes), deferral=named[0], more=tuple(named[1:])))


def hold(story: Story, *decisions: f.Verdict) -> None:
    """Unit 8 is held, and these decisions are made about it; each release has a copy of its own, the first leased as lease 9."""
    source = Position(MAIL, 0, 8)
    story.says(1, fact(8, 6, B, f.NO_INTENT, (Kind.HELD,)))
    at, first = len(story.journals[1]) - 1, len(story.tier)
    for verdict in decisions:
        deferral = copy_of(8, len(story.tier)) if verdict is f.Verdict.RELEASE else None
        story.says(1, f.Resolve(2, at, verdict, 70, "a person", deferral))
        if deferral is not None:
            story.tier.append(unit(8, attempt=2, source=source, released="a person"))
    story.control.append(f.Assign(2, 9, TIER, 0, first, first + 2, *B))


def good() -> Story:
    """Relayed, deferred and relayed, rejected, in doubt and tried again, voided, stolen, and a coordinator that was deposed."""
    story = Story()
    story.mail = [unit(number) for number in range(10)]
    story.mail[7] = unit(7, idempotency_key="k")
    story.mail[8] = unit(8, idempotency_key="other")
    story.tier = [unit(1, attempt=2, source=Position(MAIL, 0, 1)), unit(2, attempt=2, source=Position(MAIL, 0, 2))]
    story.control = [
        f.Epoch(1, 0),
        f.Join(1, *A, 0, 32),
        f.Join(1, *B, 1, 32),
        f.Assign(1, 1, MAIL, 0, 0, 4, *A),
        f.Assign(1, 2, MAIL, 0, 4, 8, *B),
        f.Assign(1, 3, TIER, 0, 0, 1, *B),
        f.Assign(1, 4, MAIL, 0, 3, 4, *B, 2),
        f.Epoch(2, 5),
        f.Assign(1, 5, MAIL, 0, 6, 8, *B),
        f.Assign(2, 6, MAIL, 0, 6, 9, *B),
    ]
    first = story.intent(0, 0, 1, A)
    story.says(0, fact(0, 1, A, first, RELAYED))
    second = story.intent(0, 1, 1, A)
    story.says(0, fact(1, 1, A, second, DEFERRED, deferral=copy_of(1)))
    story.says(0, fact(2, 1, A, f.NO_INTENT, (Kind.REJECTED,)))
    third = story.intent(0, 3, 1, A)
    story.says(0, f.Fence(1, *A, 20, "silent"), f.Resolve(1, third, f.Verdict.RETRY, 30, "policy"))
    story.says(0, fact(3, 1, A, third, RELAYED))  # too late

    voided = story.intent(1, 4, 2, B)
    story.says(1, f.Void(2, 4, 1, *B, voided))
    again = story.intent(1, 4, 2, B)
    story.says(1, fact(4, 2, B, again, RELAYED), f.Beat(*B, 11), f.Shrink(2, 6, *B))
    copied = story.intent(1, 0, 3, B, 2)
    story.says(1, fact(0, 3, B, copied, RELAYED, 2))
    retried = story.intent(1, 3, 4, B, 2)
    story.says(1, fact(3, 4, B, retried, IN_DOUBT, 2))
    story.intent(1, 7, 6, B)
    return story
