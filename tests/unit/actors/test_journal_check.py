"""The checker of logs on hand-made streams: a good log passes, and every check finds the fault that is its own."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors import journal_check as checker
from actors.journal_check import Findings, check_journal
from actors.journal_reading import read_streams
from actors.journal_rules import RULES
from fastemailnet import ids
from fastemailnet.admission.replay import WINDOW_MS
from fastemailnet.envelope import Position
from fastemailnet.errors import LogCorrupt
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.fold import Fold
from fastemailnet.log.memory import MemoryLog
from tests.unit.actors.journal_faults import FAULTS, Fault
from tests.unit.actors.journal_story import (
    DEFERRED,
    MAIL,
    RELAYED,
    TIER,
    B,
    copy_of,
    fact,
    good,
    hold,
    message,
    split,
    unit,
)


def broken(findings: Findings) -> set[str]:
    return {name for name, check in findings.checks.items() if check.violations}


def test_a_good_log_passes_and_is_counted() -> None:
    findings = good().check()
    assert findings.violations == []
    expected = {"units": 10, "leases": 5, "in_doubt": 1, "ended": 4, "waiting": 0, "open": 5, "violations": 0}
    assert expected.items() <= findings.figures.items()
    assert findings.figures["frames"] == 10 + 9 + 11
    assert set(findings.checks) == set(RULES)


def test_what_a_frame_tells_the_ledger_and_the_sender_is_not_kept() -> None:
    log = MemoryLog()
    told: dict[str, Any] = {"evidence": b"e" * 9, "reports": (b"r" * 9,)}
    frames = (fact(0, 1, ("a", 1), 0, RELAYED, **told), f.Resolve(1, 0, f.Verdict.BOUNCE, 9, "r", **told))
    log.append(f.JOURNAL, 0, [f.encode(frame) for frame in frames])
    kept = read_streams(log, lambda *_: None).journals[0]
    assert [(one.evidence, one.reports) for one in kept if isinstance(one, f.Outcome | f.Resolve)] == [(b"", ())] * 2


def test_an_empty_log_passes() -> None:
    assert not broken(check_journal(MemoryLog()))


@pytest.mark.parametrize(("name", "plant"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_fault_is_found_by_its_check(name: str, plant: Fault) -> None:
    story = good()
    plant(story)
    findings = story.check()
    assert name in broken(findings)
    assert findings.figures["violations"] >= 1
    assert any(text.startswith(f"{name}: ") for text in findings.violations)


def test_a_record_that_is_no_frame_is_found() -> None:
    for stream in (f.CONTROL, f.JOURNAL):
        log = good().log()
        log.append(stream, 0, [b"\xc1"])
        assert broken(check_journal(log)) == {"frames"}


# ---- what is no fault


def test_a_frame_that_came_twice_is_a_repetition_and_no_fault() -> None:
    story = good()
    story.says(1, msgspec.structs.replace(story.journals[1][0], seq=0))
    findings = story.check()
    assert (findings.violations, findings.figures["repetitions"]) == ([], 1)


def test_a_key_may_be_used_again_after_its_window() -> None:
    story = good()
    story.mail[8] = unit(8, recipients=story.mail[7].recipients, idempotency_key="k", accepted_ms=WINDOW_MS)
    assert not broken(story.check())


def test_a_waiting_unit_and_a_person_s_verdict() -> None:
    story = good()
    story.tier.append(unit(8, attempt=2, source=Position(MAIL, 0, 8)))
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 2)))
    place = next(at for at, frame in enumerate(story.journals[1]) if isinstance(frame, f.Intent) and frame.lease == 4)
    story.says(1, f.Resolve(2, place, f.Verdict.BOUNCE, 90, "a person"))
    findings = story.check()
    assert findings.violations == []
    assert {"in_doubt": 0, "waiting": 1, "ended": 5, "open": 4}.items() <= findings.figures.items()


@pytest.mark.parametrize(
    ("decisions", "figures"),
    [
        ([], {"held": 1, "waiting": 0, "ended": 4}),
        ([f.Verdict.REJECT, f.Verdict.RELEASE], {"held": 0, "waiting": 0, "ended": 5}),
        ([f.Verdict.RELEASE, f.Verdict.RELEASE, f.Verdict.REJECT], {"held": 0, "waiting": 1, "ended": 4}),
    ],
)
def test_of_several_decisions_about_held_mail_the_first_counts(
    decisions: list[f.Verdict], figures: dict[str, int]
) -> None:
    story = good()
    hold(story, *decisions)
    findings = story.check()
    assert findings.violations == []
    assert {**figures, "open": 4}.items() <= findings.figures.items()


def test_a_released_mail_is_sent_as_its_next_attempt() -> None:
    story = good()
    hold(story, f.Verdict.RELEASE, f.Verdict.RELEASE)
    first = story.intent(1, len(story.tier) - 2, 9, B, 2)
    story.says(1, fact(len(story.tier) - 2, 9, B, first, RELAYED, 2))
    findings = story.check()
    assert findings.violations == []
    assert {"held": 0, "waiting": 0, "ended": 5}.items() <= findings.figures.items()


def test_the_parts_of_a_split_unit_are_tried_each_for_itself() -> None:
    story = good()
    split(story, [0, 1])
    story.control.append(f.Assign(2, 9, TIER, 0, 2, 4, *B))
    relayed = story.intent(1, 2, 9, B)
    story.says(1, fact(2, 9, B, relayed, RELAYED))
    findings = story.check()
    assert findings.violations == []
    assert {"waiting": 1, "ended": 4, "open": 4}.items() <= findings.figures.items()


def test_a_trimmed_stream_cannot_be_checked() -> None:
    log = good().log()
    log.trim(f.JOURNAL, 1, 3)
    with pytest.raises(LogCorrupt, match="begins at offset 3"):
        check_journal(log)


# ---- faults in the fold


class TrustsAnyEpoch(Fold):
    def is_superseded(self, epoch: int) -> bool:
        return False


class ForgetsWhoIsMember(Fold):
    def apply_control(self, frame: f.ControlFrame) -> bool:
        return not isinstance(frame, f.Join) and super().apply_control(frame)


class LosesDoubts(Fold):
    def in_doubt(self) -> list[Any]:
        return []


class FactsAreFenced(Fold):
    def _fact(self, spot: Any, frame: f.Outcome) -> bool:
        return not self.is_fenced((frame.node, frame.incarnation)) and super()._fact(spot, frame)


class LeavesNothingBehind(Fold):
    """Its low watermark passes what is in doubt."""

    def apply_journal(self, partition: int, position: int, frame: f.JournalFrame) -> bool:
        was_valid = super().apply_journal(partition, position, frame)
        self.progress[MAIL, 0].finish(3)
        return was_valid


class ForgetsEnds(Fold):
    def _end(self, *given: Any) -> None:
        super()._end(*given)
        self.ended.clear()


class NamesNothing(Fold):
    def apply_journal(self, partition: int, position: int, frame: f.JournalFrame) -> bool:
        was_valid = super().apply_journal(partition, position, frame)
        self.named.clear()
        return was_valid


class ReviewsAsOftenAsAsked(Fold):
    def _review(self, spot: Any, frame: f.Resolve) -> bool:
        entry = self.held.get(spot)
        was_valid = super()._review(spot, frame)
        if was_valid and entry is not None:
            self.held[spot] = entry
        return was_valid


def test_a_fold_that_lets_two_decisions_count_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    story = good()
    hold(story, f.Verdict.RELEASE, f.Verdict.RELEASE)
    monkeypatch.setattr(checker, "Fold", ReviewsAsOftenAsAsked)
    assert {"I2", "I9"} <= broken(story.check())


class CountsFromTheBeginning(Fold):
    def is_repeated(self, frame: Any) -> bool:
        return False


class DependsOnTheOrder(Fold):
    def apply_journal(self, partition: int, position: int, frame: f.JournalFrame) -> bool:
        self.epoch += 0 if partition or not self.read.get(1) else 7
        return super().apply_journal(partition, position, frame)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("I2", FactsAreFenced),
        ("I2", ForgetsEnds),
        ("I6", LeavesNothingBehind),
        ("I7", TrustsAnyEpoch),
        ("I7", ForgetsWhoIsMember),
        ("I8", LosesDoubts),
        ("I8", FactsAreFenced),
        ("I9", NamesNothing),
        ("I11", DependsOnTheOrder),
        ("R9", CountsFromTheBeginning),
    ],
)
def test_a_fold_that_errs_is_found(monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Fold]) -> None:
    story = good()
    story.tier.append(unit(8, attempt=2, source=Position(MAIL, 0, 8)))
    story.says(1, fact(8, 6, B, f.NO_INTENT, DEFERRED, deferral=copy_of(8, 2)))
    story.control += [f.Join(2, "c", 1, 2, 32), f.Assign(1, 12, MAIL, 0, 9, 10, "c", 1)]
    fenced_late = len(story.journals[1])
    story.says(1, f.Fence(2, *B, 90, "silent"), fact(7, 6, B, fenced_late - 2, RELAYED))
    assert not broken(story.check())
    monkeypatch.setattr(checker, "Fold", kind)
    assert name in broken(story.check())


def test_a_snapshot_that_loses_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(record: bytes) -> tuple[Fold, int]:
        fold, position = decode(record)
        fold.open.clear()
        fold.begun.clear()
        return fold, position

    decode = checker.decode_snapshot
    monkeypatch.setattr(checker, "decode_snapshot", forgetful)
    story = good()
    story.journals[1] = story.journals[1] + [f.Beat(*B, 12)] * len(story.journals[1])
    assert "I11" in broken(story.check())


# ---- the sink


def sink(path: Path, *arrivals: int, torn: bytes = b"") -> Path:
    lines = [
        msgspec.json.encode({"message": ids.to_text(message(number)), "recipients": [f"r{number}@x.example"]}) + b"\n"
        for number in arrivals
    ]
    (path / "received.jsonl").write_bytes(b"".join(lines) + torn)
    return path / "received.jsonl"


def test_a_sink_that_has_what_was_relayed_agrees(tmp_path: Path) -> None:
    # 3 was in doubt twice: its copies are explained. 7 is begun: it may be there or not.
    findings = good().check(sink(tmp_path, 0, 1, 4, 3, 3, 7, torn=b'{"message": "cut sh'))
    assert findings.violations == []
    expected = {"sink_lines": 6, "lost": 0, "duplicates": 1, "explained": 1, "unexplained": 0, "unjournaled": 0}
    assert expected.items() <= findings.figures.items()


@pytest.mark.parametrize(
    ("arrivals", "figures", "text"),
    [
        ((0, 1), {"lost": 1}, "lost: "),
        ((0, 0, 1, 4), {"duplicates": 1, "unexplained": 1}, "unexplained duplicate"),
        ((0, 1, 4, 3, 3, 3, 3), {"duplicates": 3, "explained": 2, "unexplained": 1}, "2 attempts were in doubt"),
        ((0, 1, 4, 9), {"unjournaled": 1}, "unjournaled: "),
    ],
)
def test_a_sink_that_disagrees_is_found(
    tmp_path: Path, arrivals: tuple[int, ...], figures: dict[str, int], text: str
) -> None:
    findings = good().check(sink(tmp_path, *arrivals))
    assert broken(findings) == {"sink"}
    assert figures.items() <= findings.figures.items()
    assert text in findings.violations[0]


def test_what_a_person_assumed_to_be_relayed_is_not_lost(tmp_path: Path) -> None:
    story = good()
    place = next(at for at, frame in enumerate(story.journals[1]) if isinstance(frame, f.Intent) and frame.lease == 4)
    story.says(1, f.Resolve(2, place, f.Verdict.ASSUME_RELAYED, 90, "a person"))
    assert story.check(sink(tmp_path, 0, 1, 4)).violations == []


def test_a_line_that_is_no_arrival_is_found_and_others_mail_is_only_counted(tmp_path: Path) -> None:
    path = sink(tmp_path, 0, 1, 4, torn=b'nonsense\n{"message": "<m@elsewhere>", "recipients": ["x@y.example"]}\n')
    findings = good().check(path)
    assert [text[:12] for text in findings.violations] == ["sink: line 4"]
    assert findings.figures["unjournaled"] == 1
