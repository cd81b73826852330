"""Frames: a whole one comes back, a torn or altered one does not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.ledger import frame as frames
from tests.unit.ledger.samples import blocks

POSITIONS = st.dictionaries(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), max_size=5)
FRAME = blocks([2])[0]


@given(st.integers(0, 2**63), POSITIONS)
def test_round_trip(first: int, positions: dict[int, int]) -> None:
    frame = FRAME._replace(first=first, positions=positions)
    octets = frames.encode(frame)
    assert frames.decode(memoryview(octets)) == (frame, len(octets))
    assert frames.decode(memoryview(octets + b"more")) == (frame, len(octets))


def test_a_frame_torn_at_any_octet_is_none() -> None:
    octets = frames.encode(FRAME)
    assert [at for at in range(len(octets)) if frames.decode(memoryview(octets)[:at]) is not None] == []


def test_a_frame_with_any_bit_flipped_is_none() -> None:
    octets = frames.encode(FRAME)
    for at in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[at // 8] ^= 1 << at % 8
        assert frames.decode(memoryview(flipped)) is None, f"bit {at} is not covered by the checksum"


@settings(max_examples=30)
@given(st.binary(max_size=300), st.integers(0, 3))
def test_frames_end_before_the_first_that_is_not_sound(garbage: bytes, count: int) -> None:
    octets = frames.encode(FRAME)
    found = list(frames.frames(memoryview(octets * count + garbage)))
    assert found == [(FRAME, len(octets) * number) for number in range(1, count + 1)]
