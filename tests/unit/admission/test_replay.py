"""Idempotency keys: what they name, for how long, and which message is the same one."""

from dataclasses import replace

import pytest

from fastemailnet.admission.admit import admit
from fastemailnet.admission.replay import WINDOW_MS, First, Keys, repeat
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.envelope import Lane, Unit, decode_unit, encode_unit

AT_MS = 1_700_000_000_000
LIMITS = Limits()
FIRST = Submission(
    b"From: a@shop.example\r\nSubject: s\r\n\r\nbody\r\n",
    "a@shop.example",
    ("x@one.example", "y@two.example"),
    idempotency_key="order-7",
)


def units(submission: Submission = FIRST, at_ms: int = AT_MS, random80: bytes = b"0123456789") -> tuple[Unit, ...]:
    return admit(submission, at_ms=at_ms, random80=random80, limits=LIMITS).units


def test_the_same_submission_is_a_repeat_also_of_units_that_were_read_back_from_the_log():
    kept = tuple(decode_unit(encode_unit(unit)) for unit in units())
    again = repeat(FIRST, First.of(kept), LIMITS)
    assert again is not None
    assert again.units == units()


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, message=FIRST.message.replace(b"body", b"bodY")),
        replace(FIRST, recipients=("x@one.example",)),
        replace(FIRST, recipients=("y@two.example", "x@one.example")),
        replace(FIRST, reverse_path="b@shop.example"),
        replace(FIRST, lane=Lane.BULK),
        replace(FIRST, message=b"no header"),
    ],
)
def test_anything_else_under_the_key_is_another_message(other: Submission):
    assert repeat(other, First.of(units()), LIMITS) is None


def test_a_key_names_its_message_for_the_window_and_only_for_its_tenant():
    keys = Keys()
    keys.remember(units())
    found = keys.find("default", "order-7", AT_MS + WINDOW_MS - 1)
    assert found == First.of(units())
    assert found is not None
    assert found.at_ms == AT_MS
    assert keys.find("default", "order-7", AT_MS + WINDOW_MS) is None
    assert keys.find("other", "order-7", AT_MS) is None
    assert keys.find("default", "order-8", AT_MS) is None


def keyed(number: int, at_ms: int) -> tuple[Unit, ...]:
    return units(replace(FIRST, idempotency_key=f"key-{number}"), at_ms)


def test_the_table_is_bounded_and_forgets_the_oldest():
    keys = Keys(max_keys=10)
    for number in range(100):
        keys.remember(keyed(number, AT_MS + number))
    assert len(keys) == 10
    assert keys.find("default", "key-89", AT_MS) is None
    assert keys.find("default", "key-90", AT_MS) is not None


def test_keys_behind_the_window_are_forgotten_as_new_ones_come():
    keys = Keys()
    for number in range(10):
        keys.remember(keyed(number, AT_MS))
    for number in range(10, 20):
        keys.remember(keyed(number, AT_MS + WINDOW_MS))
    assert len(keys) == 10
