"""Whatever a foreign producer writes: a unit or reasons, in bounded time, and the same at every reading."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.admission.native import NAMES
from fastemailnet.admission.reading import Read, deliveries, read_unit
from fastemailnet.envelope import Lane, Position, Unit, decode_unit, encode_unit
from fastemailnet.native import MARK, Native, encode_native

MAX_S = 5.0  # shorter than a node may be silent
PIECES = [
    b"From: a@b.example\r\n", b"To: c@d.example\r\n", b"Cc: \"", b"(", b"<", b"@", b",", b"\r\n", b"\n", b"\r\n\r\n", b"Bcc: x@y\r\n",
    b"group: a@b.example, c@d.example;", b"\xff", b"\x00", b"=?utf-8?q?a?=", "ö@bücher.example".encode(), b"Sender: \r\n",
]  # fmt: skip
values = st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
headers = st.lists(st.tuples(st.sampled_from([*NAMES, "fen-x", "Fen-To", "x"]), values), max_size=5).map(tuple)
places = st.builds(
    Position, st.sampled_from([lane.stream for lane in Lane]), st.integers(0, 99), st.integers(0, 1 << 62)
)


@given(headers, st.integers(-(1 << 63), (1 << 63) - 1) | st.just(1_700_000_000_000), values, places)
def test_any_record_is_a_unit_or_has_reasons(
    headers: tuple[tuple[str, bytes], ...], at_ms: int, value: bytes, place: Position
) -> None:
    record = encode_native(Native(headers, at_ms, value))
    read = read_unit(record, place)
    assert read == read_unit(record, place)
    assert deliveries(read) >= 1
    if isinstance(read, Unit):
        assert decode_unit(encode_unit(read)) == read
        assert [recipient.index for recipient in read.recipients] == list(range(len(read.recipients)))


@given(st.binary(), st.booleans(), places)
def test_any_octets_are_read(octets: bytes, is_marked: bool, place: Position) -> None:
    assert isinstance(read_unit(MARK + octets if is_marked else octets, place), Read)


FOLDED = b"\r\n "
LARGE = {
    "quoted words": (b"From: " + FOLDED.join([b'"a".' * 200] * 110) + b"@x.example\r\n\r\n", ()),
    "nested comments": (b"To: " + FOLDED.join([b"(" * 900] * 100) + b"\r\nFrom: a@x.example\r\n\r\n", ()),
    "worst that is still read": (
        b"".join(name + b": " + FOLDED.join([b'"a".' * 199] * 10)[:7_990] + b"\r\n" for name in (b"From", b"To", b"Cc", b"Bcc")),
        (),
    ),
    "headers by the grammar": (b"From: a@x.example\r\n\r\n", (("fen-to", b'"a".' * 1_990 + b"@x.example"),) * 12),
    "only commas": (b"From: a@x.example\r\n\r\n", (("fen-to", b"," * 99_000),)),
    "many recipients": (
        b"From: a@x.example\r\n\r\n",
        tuple(("fen-to", f"r{number}@d{number}.example".encode()) for number in range(1_000)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_no_record_holds_its_readers_up(name: str) -> None:
    value, given_headers = LARGE[name]
    started = time.process_time()
    read_unit(encode_native(Native(given_headers, 1_700_000_000_000, value)), Position("mail.bulk", 0, 0))
    assert time.process_time() - started < MAX_S
