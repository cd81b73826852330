"""Identifiers: their text, their order, and what is refused."""

import random

import pytest

from fastemailnet.ids import DELIVERY_ID_OCTETS, MESSAGE_ID_OCTETS, delivery_id, from_text, message_id, to_text

RANDOM = bytes(range(10))


def test_a_message_id_is_its_time_and_its_randomness() -> None:
    identifier = message_id(0x0123456789AB, RANDOM)
    assert identifier.hex() == "0123456789ab" + RANDOM.hex()
    assert len(identifier) == MESSAGE_ID_OCTETS


def test_the_text_is_that_of_a_ulid() -> None:
    # The example of the ULID specification, made at 2016-07-30T22:36:16.385Z.
    assert to_text(from_text("01ARYZ6S41TSV4RRFFQ69G5FAV")) == "01ARYZ6S41TSV4RRFFQ69G5FAV"
    assert int.from_bytes(from_text("01ARYZ6S41TSV4RRFFQ69G5FAV")[:6], "big") == 1_469_918_176_385
    assert to_text(bytes(16)) == "0" * 26
    assert to_text(b"\xff" * 16) == "7" + "Z" * 25


def test_texts_sort_as_ids_do_and_ids_as_time_does() -> None:
    source = random.Random(1)
    ids = [message_id(at_ms, source.randbytes(10)) for at_ms in sorted(source.sample(range(2**48), 200))]
    assert ids == sorted(ids)
    assert [to_text(one) for one in ids] == sorted(map(to_text, ids))
    assert [from_text(to_text(one)) for one in ids] == ids


def test_people_may_write_lower_case_and_mistake_letters() -> None:
    assert from_text("01aryz6s4itsv4rrffq69g5fav") == from_text("01ARYZ6S41TSV4RRFFQ69G5FAV")
    assert from_text("O" * 25 + "l") == bytes(15) + b"\x01"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "26 letters"),
        ("0" * 25, "has 25"),
        ("0" * 27, "has 27"),
        ("U" + "0" * 25, "'U'"),
        ("0" * 25 + "-", "'-'"),
        ("8" + "0" * 25, "larger than an id"),
    ],
)
def test_other_texts_are_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_text(text)


@pytest.mark.parametrize("octets", [0, 9, 11, 16])
def test_the_randomness_has_ten_octets(octets: int) -> None:
    with pytest.raises(ValueError, match=f"got {octets}"):
        message_id(0, bytes(octets))


def test_a_delivery_id_depends_on_message_and_recipient_only() -> None:
    message = message_id(1, RANDOM)
    ids = {delivery_id(message, index) for index in range(1_000)} | {delivery_id(message_id(2, RANDOM), 0)}
    assert len(ids) == 1_001
    assert {len(one) for one in ids} == {DELIVERY_ID_OCTETS}
    # Receipts name deliveries by this value: it must never change.
    assert delivery_id(bytes(16), 7).hex() == "798f0f211b56c1a780a2e1dd03b4cf7e"
