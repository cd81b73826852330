"""What a record may say of itself, and what only the journal can say."""

from typing import Any

import msgspec
import pytest

from fastemailnet.admission.reading import Gap, read_unit
from fastemailnet.envelope import LANES, Asked, Lane, Position, Recipient, Suspicion, Unit, encode_unit

PEOPLE = (Recipient("a@x.example", 0),)
FOUND = Suspicion((0.1, 0.2, 0.7), 0.5)
RELEASED = Unit(b"m" * 16, Lane.BULK, "", 1, 2, "s@y.example", PEOPLE, "x.example", False, b"", released="by myself")


@pytest.mark.parametrize("stream", list(LANES))
def test_a_record_of_a_mail_stream_does_not_release_itself(stream: str) -> None:
    read = read_unit(encode_unit(RELEASED), Position(stream, 0, 0))
    assert isinstance(read, Unit)
    assert (read.released, read.recipients) == ("", PEOPLE)


@pytest.mark.parametrize("stream", list(LANES))
@pytest.mark.parametrize(
    "said",
    [
        {"suspicion": FOUND},
        {"suspicion": Suspicion((1.0, 0.0, 0.0))},
        {"put_off": 3},
        {"turn_ms": 4},
        {"attempt": 2},
        {"asked": Asked(1, (0,), 0)},
        {"source": Position("mail.transactional", 0, 7)},
    ],
)
def test_a_record_of_a_mail_stream_was_never_judged_and_never_tried(stream: str, said: dict[str, Any]) -> None:
    honest = msgspec.structs.replace(RELEASED, released="")
    record = encode_unit(msgspec.structs.replace(honest, **said))
    assert read_unit(record, Position(stream, 0, 0)) == honest
    assert read_unit(record, Position("defer.now.bulk", 0, 0)) == msgspec.structs.replace(honest, **said)


@pytest.mark.parametrize("stream", ["defer.now.bulk", "defer.1m"])
def test_a_copy_in_a_tier_says_why_it_was_released(stream: str) -> None:
    assert read_unit(encode_unit(RELEASED), Position(stream, 0, 0)) == RELEASED


def test_an_offset_without_a_record_is_a_gap() -> None:
    assert read_unit(b"", Position("mail.bulk", 0, 0)) == Gap()
