"""What a record may say of itself, and what only the journal can say."""

import pytest

from fastemailnet.admission.reading import Gap, read_unit
from fastemailnet.envelope import LANES, Lane, Position, Recipient, Unit, encode_unit

PEOPLE = (Recipient("a@x.example", 0),)
RELEASED = Unit(b"m" * 16, Lane.BULK, "", 1, 2, "s@y.example", PEOPLE, "x.example", False, b"", released="by myself")


@pytest.mark.parametrize("stream", list(LANES))
def test_a_record_of_a_mail_stream_does_not_release_itself(stream: str) -> None:
    read = read_unit(encode_unit(RELEASED), Position(stream, 0, 0))
    assert isinstance(read, Unit)
    assert (read.released, read.recipients) == ("", PEOPLE)


@pytest.mark.parametrize("stream", ["defer.now.bulk", "defer.1m"])
def test_a_copy_in_a_tier_says_why_it_was_released(stream: str) -> None:
    assert read_unit(encode_unit(RELEASED), Position(stream, 0, 0)) == RELEASED


def test_an_offset_without_a_record_is_a_gap() -> None:
    assert read_unit(b"", Position("mail.bulk", 0, 0)) == Gap()
