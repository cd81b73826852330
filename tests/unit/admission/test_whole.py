"""A part of a message is told from the whole, and from other messages."""

from dataclasses import replace

import msgspec

from fastemailnet.admission.admit import admit
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.admission.whole import digest, is_whole, whole_of
from fastemailnet.envelope import Unit, decode_unit, encode_unit

FOR_THREE = Submission(
    b"From: a@shop.example\r\nSubject: s\r\n\r\nbody\r\n",
    "a@shop.example",
    ("x@one.example", "y@two.example", "z@one.example", "x@three.example"),
    idempotency_key="order-7",
)


def units(submission: Submission = FOR_THREE) -> tuple[Unit, ...]:
    admitted = admit(submission, at_ms=1_700_000_000_000, random80=b"0123456789", limits=Limits()).units
    return tuple(decode_unit(encode_unit(unit)) for unit in admitted)


def test_all_units_are_the_whole_and_no_fewer_are():
    assert is_whole(units())
    parts = [units()[:2], units()[:1], units()[1:]]
    assert not any(map(is_whole, parts))
    assert {whole_of(part) for part in parts} == {digest(units())}


def test_what_is_one_unit_or_has_no_key_says_nothing_of_a_whole():
    alone = units(replace(FOR_THREE, recipients=("x@one.example", "z@one.example")))
    nameless = units(replace(FOR_THREE, idempotency_key=""))
    assert {unit.whole for unit in (*alone, *nameless)} == {b""}
    assert is_whole(alone)


def test_units_of_a_build_that_named_no_whole_are_taken_for_all_there_are():
    old = [msgspec.structs.replace(unit, whole=b"") for unit in units()]
    assert is_whole(old)
    assert whole_of(old) == whole_of(units())
