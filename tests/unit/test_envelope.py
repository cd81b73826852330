"""The unit on the wire: exact octets, growth at the end only, and what is refused."""

import msgspec
import pytest

from fastemailnet.envelope import Lane, Position, Recipient, Suspicion, Unit, decode_unit, encode_unit

UNIT = Unit(
    message=bytes(range(16)),
    lane=Lane.BULK,
    tenant="default",
    accepted_ms=1_700_000_000_000,
    expires_ms=1_700_432_000_000,
    reverse_path="news@a.example",
    recipients=(Recipient("x@b.example", 0), Recipient("ελένη@b.example", 3)),
    domain="b.example",
    smtputf8=True,
    body=b"Subject: x\r\n\r\n\x00\xff\r\n",
)


def test_a_unit_comes_back_as_it_was() -> None:
    copy = msgspec.structs.replace(UNIT, attempt=4, source=Position("mail.bulk", 2, 10**12), idempotency_key="k")
    for unit in (UNIT, copy):
        back = decode_unit(encode_unit(unit))
        assert back == unit
        assert isinstance(back.lane, Lane)
        assert back.source is None or isinstance(back.source, Position)


def test_the_wire_format_does_not_change() -> None:
    plain = [
        bytes(range(16)), "bulk", "default", 1_700_000_000_000, 1_700_432_000_000, "news@a.example",
        [["x@b.example", 0, "", ""], ["ελένη@b.example", 3, "", ""]], "b.example", True,
        b"Subject: x\r\n\r\n\x00\xff\r\n", 1, None, "", None, "", None, "default", None, "", 0, 0, False, None, b"",
    ]  # fmt: skip
    assert msgspec.msgpack.decode(encode_unit(UNIT)) == plain


def test_a_suspicion_stands_at_the_end_and_comes_back() -> None:
    suspected = msgspec.structs.replace(UNIT, suspicion=Suspicion((0.05, 0.15, 0.8), 0.5))
    record = encode_unit(suspected)
    assert msgspec.msgpack.decode(record)[22] == [[0.05, 0.15, 0.8], 0.5]
    assert decode_unit(record) == suspected


def test_a_record_of_before_there_were_suspicions_is_read() -> None:
    fields = msgspec.msgpack.decode(encode_unit(UNIT))
    assert decode_unit(msgspec.msgpack.encode(fields[:22])) == UNIT


def test_a_record_of_before_parts_named_their_whole_is_read() -> None:
    fields = msgspec.msgpack.decode(encode_unit(UNIT))
    assert decode_unit(msgspec.msgpack.encode(fields[:23])) == UNIT


def test_a_record_without_the_later_fields_gets_their_defaults() -> None:
    fields = msgspec.msgpack.decode(encode_unit(UNIT))
    fields[6] = [recipient[:2] for recipient in fields[6]]
    assert decode_unit(msgspec.msgpack.encode(fields[:10])) == UNIT


def test_a_record_with_a_field_of_a_later_version_is_read() -> None:
    fields = msgspec.msgpack.decode(encode_unit(UNIT))
    assert decode_unit(msgspec.msgpack.encode([*fields, "from the future"])) == UNIT


def changed(index: int, value: object) -> bytes:
    fields = msgspec.msgpack.decode(encode_unit(UNIT))
    fields[index] = value
    return msgspec.msgpack.encode(fields)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xc1",
        encode_unit(UNIT)[:-1],
        encode_unit(UNIT) + b"\x00",
        msgspec.msgpack.encode(["short"]),
        changed(1, "express"),
        changed(3, "now"),
        changed(6, [["x@b.example"]]),
        changed(11, ["mail.bulk", 0]),
    ],
)
def test_what_is_no_unit_is_refused_by_one_kind_of_error(record: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_unit(record)


def test_a_unit_does_not_change() -> None:
    with pytest.raises(AttributeError):
        UNIT.tenant = "other"  # type: ignore[misc] # that it is refused is the point


def test_names_of_lanes_and_places() -> None:
    assert [lane.stream for lane in Lane] == ["mail.transactional", "mail.standard", "mail.bulk"]
    assert str(Position("mail.bulk", 3, 17)) == "mail.bulk/3@17"
