"""The copy of a release: the same message, for those who are held, with a life of its own."""

import msgspec
import pytest

from fastemailnet.delivery.review import from_text, held_of, label, released, to_text
from fastemailnet.envelope import Lane, Position, Recipient, Unit
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.flashsync.lease import Quarantined
from fastemailnet.outcome import Kind

PLACE, SOURCE = Position("defer.1h", 0, 3), Position("mail.bulk", 0, 9)
PEOPLE = (Recipient("a@x.example", 2), Recipient("b@x.example", 5), Recipient("c@x.example", 7))
UNIT = Unit(b"m" * 16, Lane.BULK, "t", 1_000, 61_000, "s@y.example", PEOPLE, "x.example", False, b"body")
ENTRY = Quarantined(PLACE, 4, (0, 7), (Kind.HELD, Kind.SUPPRESSED, Kind.HELD), 5_000)


def test_the_held_recipients_go_on_as_the_next_attempt_of_the_accepted_record() -> None:
    copy = released(msgspec.structs.replace(UNIT, source=SOURCE, attempt=4), ENTRY, "a customer", 900_000)
    assert held_of(UNIT, ENTRY) == (2, 7)
    assert [recipient.index for recipient in copy.recipients] == [2, 7]
    assert (copy.attempt, copy.source, copy.released) == (5, SOURCE, "a customer")
    assert (copy.message, copy.body, copy.accepted_ms) == (UNIT.message, UNIT.body, UNIT.accepted_ms)
    assert released(UNIT, ENTRY, "r", 900_000).source == PLACE


@pytest.mark.parametrize(("at_ms", "expires_ms"), [(900_000, 960_000), (2_000, 62_000), (500, 61_000)])
def test_it_may_live_as_long_as_it_could_at_first_and_never_shorter(at_ms: int, expires_ms: int) -> None:
    assert released(UNIT, ENTRY, "r", at_ms).expires_ms == expires_ms


@pytest.mark.parametrize(
    ("verdict", "said", "scores", "expected"),
    [
        (Verdict.RELEASE, "", (0.0, 0.9, 0.1), "ham"),
        (Verdict.REJECT, "", (0.0, 0.9, 0.1), "spam"),
        (Verdict.REJECT, "", (0.0, 0.1, 0.9), "phish"),
        (Verdict.REJECT, "spam", (0.0, 0.1, 0.9), "spam"),
        (Verdict.REJECT, "", None, "spam"),
    ],
)
def test_the_label_is_the_reviewer_s_word_before_the_model_s(
    verdict: Verdict, said: str, scores: tuple[float, float, float] | None, expected: str
) -> None:
    assert label(verdict, said, scores) == expected


def test_scores_are_read_back_as_they_were_written() -> None:
    assert from_text(to_text((0.0123, 0.9, 0.0877))) == (0.0123, 0.9, 0.0877)
    for text in ("", "0.1 0.2", "0.1 0.2 x", "0.1 0.2 0.3 0.4"):
        assert from_text(text) is None
