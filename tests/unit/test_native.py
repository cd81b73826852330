"""A foreign record as the log hands it out: it comes back whole, and nobody takes it for a unit."""

import msgspec
import pytest

from fastemailnet.envelope import decode_unit
from fastemailnet.native import Native, decode_native, encode_native, is_native

NATIVE = Native(
    (("fen-to", b"a@x.example"), ("fen-to", b"b@y.example"), ("trace", b"\xff")), 1_700_000_000_123, b"\x00mail"
)


def test_it_comes_back_as_it_was() -> None:
    record = encode_native(NATIVE)
    assert is_native(record)
    assert decode_native(record) == NATIVE


def test_it_is_no_unit_and_no_unit_is_one() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_unit(encode_native(NATIVE))
    assert not is_native(msgspec.msgpack.encode([b"", "bulk"]))
    assert not is_native(b"")


def test_the_form_does_not_change() -> None:
    assert encode_native(NATIVE).hex() == (
        "c19393" "92a666656e2d746fc40b6140782e6578616d706c65" "92a666656e2d746fc40b6240792e6578616d706c65"
        "92a57472616365c401ff" "cf0000018bcfe5687b" "c405006d61696c"
    )  # fmt: skip


@pytest.mark.parametrize("record", [b"\xc1", encode_native(NATIVE)[:-1], b"\xc1\x93"])
def test_half_a_record_is_refused_by_one_kind_of_error(record: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_native(record)
