"""Records that do not decode are refused in one way, text that is no UTF-8 among them."""

from collections.abc import Callable

import msgspec
import pytest

from fastemailnet.admission.reading import Malformed, read_unit
from fastemailnet.delivery import feedback, suppression
from fastemailnet.delivery.shaping.frames import Of, Resume, Scope, decode_frame, encode_frame
from fastemailnet.envelope import Lane, Position, Recipient, Unit, decode_unit, encode_unit
from fastemailnet.flashsync.frames import Epoch, Fence, decode_control, decode_journal, encode
from fastemailnet.ledger.fact import Fact, LeafType, decode_fact, decode_facts, encode_fact, encode_facts
from fastemailnet.wire import begins_as_frame

PEOPLE = (Recipient("rrrr@x.example", 0),)
UNIT = Unit(b"m" * 16, Lane.BULK, "", 1, 9, "s@y.example", PEOPLE, "x.example", False, b"")
DETAIL: dict[str, str | int] = {
    "short": "rrrr",
    "long": "rrrr" * 20,
    "longer": "rrrr" * 200,
    "longest": "rrrr" * 20_000,
    "n": 70_000,
}
FACT = Fact(LeafType.FAILED, 1, b"m" * 16, 0, b"d" * 16, 1, 550, (5, 1, 1), 0, "t", "s", "r", b"", DETAIL, b"s" * 32)


def broken(record: bytes) -> bytes:
    """The record with text that is no UTF-8 in it."""
    assert b"rrrr" in record
    return record.replace(b"rrrr", b"r\xff\xffr")


@pytest.mark.parametrize(
    ("decode", "record"),
    [
        (decode_unit, encode_unit(UNIT)),
        (decode_journal, encode(Fence(1, "a", 1, 6, "rrrr"))),
        (decode_fact, encode_fact(FACT)),
        (decode_facts, encode_facts([msgspec.structs.replace(FACT, sender="rrrr")])),
    ],
)
def test_text_that_is_no_utf_8_is_refused_as_anything_else_is(decode: Callable[[bytes], object], record: bytes) -> None:
    assert decode(record)
    with pytest.raises(msgspec.MsgspecError, match="UTF-8"):
        decode(broken(record))


@pytest.mark.parametrize(
    "decode", [decode_control, decode_frame, feedback.decode_note, suppression.decode_change, decode_facts]
)
def test_garbage_is_refused_by_all(decode: Callable[[bytes], object]) -> None:
    for record in (b"\x91\xa4r\xff\xffr", b"\xc1", b"\x92\xa1"):
        with pytest.raises(msgspec.MsgspecError):
            decode(record)


def test_a_mail_record_with_such_text_is_malformed_and_raises_nothing() -> None:
    read = read_unit(broken(encode_unit(UNIT)), Position("mail.bulk", 0, 0))
    assert isinstance(read, Malformed)
    assert "UTF-8" in read.reasons[0]


def test_in_the_detail_of_a_fact_it_is_replaced_and_the_rest_is_as_it_was() -> None:
    first, second = decode_facts(broken(encode_facts([FACT, FACT])))
    assert first == second
    mended = {
        key: value.replace("rrrr", "r\ufffd\ufffdr") if isinstance(value, str) else value
        for key, value in DETAIL.items()
    }
    assert first.detail == mended
    assert msgspec.structs.replace(first, detail=DETAIL) == FACT


@pytest.mark.parametrize(
    "record",
    [
        encode(Fence(1, "a", 1, 6, "why")),
        encode(Epoch(1, 2)),
        encode_frame(Resume(Scope(Of.ALL), 1, "why")),
        suppression.encode_change(suppression.Lift("a@x.example", "", "", 1, "why")),
        b"\xdc\x00\x10\xa1O",
        b"\xdd\x00\x00\x00\x10\xa1O",
    ],
)
def test_every_frame_begins_as_one(record: bytes) -> None:
    assert begins_as_frame(record)


@pytest.mark.parametrize(
    "record", [b"", b"\xc1", b"hello", b"{}", b"\x90", b"\x91", b"\x91\x01", b"\xdc\xa1O", b"\xa1O"]
)
def test_what_no_version_wrote_does_not(record: bytes) -> None:
    assert not begins_as_frame(record)
