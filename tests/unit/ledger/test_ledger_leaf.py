"""The 176 octets of entry and seal leaves, and what they commit to."""

import hmac
import json
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fastemailnet.ledger import canonical, leaf, seal
from fastemailnet.ledger.fact import Fact, Flag, LeafType, decode_fact, decode_facts, encode_fact, encode_facts
from tests.unit.ledger.samples import fact

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ledger_leaf.json").read_text())


def from_vector(values: dict[str, object]) -> Fact:
    octets = {
        name: bytes.fromhex(str(values[name])) for name in ("message", "delivery", "content_sha256", "salt", "node_key")
    }
    plain = msgspec.convert({**values, **dict.fromkeys(octets, "")}, dict[str, object])
    enhanced = plain["enhanced"]
    plain["enhanced"] = tuple(enhanced) if isinstance(enhanced, list) else None
    return Fact(**{**plain, **octets, "type": LeafType(int(str(values["type"])))})  # type: ignore[arg-type]  # a JSON object


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    one = from_vector(vector["fact"])
    assert leaf.pack(one).hex() == vector["leaf"]
    for field, value in zip(leaf.FIELDS, leaf.canonical_values(one), strict=True):
        assert value.hex() == vector["canonical"][field]
        assert leaf.field_salt(one.salt, field).hex() == vector["field_salts"][field]


def test_commitments_are_plain_hmac() -> None:
    one = fact(1)
    unpacked = leaf.unpack(leaf.pack(one))
    for field, value in zip(leaf.FIELDS, leaf.canonical_values(one), strict=True):
        salt = hmac.digest(one.salt, b"fen1/" + field.encode(), "sha256")
        committed = unpacked.commitments[field]
        assert leaf.field_salt(one.salt, field) == salt
        assert hmac.digest(salt, value, "sha256")[: len(committed)] == committed
    assert [len(committed) for committed in unpacked.commitments.values()] == [32, 32, 32, 32, 4]


def test_public_fields_stand_at_their_offsets() -> None:
    one = msgspec.structs.replace(fact(1), attempt=0x0102, smtp_code=451, enhanced=(4, 7, 500), node_key=b"node")
    octets = leaf.pack(one)
    assert len(octets) == 176
    assert octets[:6] == b"FEN\x01\x10\x01"
    assert struct.unpack_from(">H", octets, 6) == (3 | Flag.FINAL,)
    assert struct.unpack_from(">Q", octets, 8) == (one.at_ms,)
    assert octets[16:32] == one.delivery
    assert struct.unpack_from(">HHBBH", octets, 32) == (0x0102, 451, 4, 7, 500)
    assert octets[40:44] == b"node"
    assert octets[44:48] == hmac.digest(leaf.field_salt(one.salt, "tenant"), b"acme", "sha256")[:4]
    assert octets[48:80] == hmac.digest(leaf.field_salt(one.salt, "rcpt"), b"User1@example.com", "sha256")


def test_a_leaf_unpacks_to_what_was_public_in_the_fact() -> None:
    one = fact(1, LeafType.IN_DOUBT)
    unpacked = leaf.unpack(leaf.pack(one))
    assert (unpacked.type, unpacked.at_ms, unpacked.delivery, unpacked.attempt) == (
        one.type,
        one.at_ms,
        one.delivery,
        1,
    )
    assert (unpacked.smtp_code, unpacked.enhanced, unpacked.node_key) == (250, (2, 0, 0), bytes(4))
    assert unpacked.flags == Flag.TLS | Flag.DKIM | Flag.IN_DOUBT
    without = leaf.unpack(leaf.pack(msgspec.structs.replace(one, enhanced=None, smtp_code=0)))
    assert (without.enhanced, without.smtp_code) == (None, 0)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"salt": b"short"}, "a salt has 32 octets"),
        ({"delivery": b"short"}, "delivery of 5 octets"),
        ({"node_key": b""}, "node key of 0"),
        ({"content_sha256": b"short"}, "a content hash has 32 octets"),
        ({"attempt": 1 << 16}, "number of the fact"),
        ({"smtp_code": -1}, "number of the fact"),
        ({"enhanced": (5, 256, 0)}, "number of the fact"),
        ({"at_ms": -1}, "number of the fact"),
        ({"type": LeafType.SEAL}, "type <LeafType.SEAL"),
        ({"detail": {"n": 2**53}}, "at most 2"),
        ({"detail": {"schlüssel": "x"}}, "keys are ASCII"),
        ({"detail": {"text": "\ud800"}}, "surrogates"),
    ],
    ids=str,
)
def test_a_fact_that_does_not_fit_is_refused(changed: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        leaf.pack(msgspec.structs.replace(fact(1), **changed))


@pytest.mark.parametrize("wrong", [b"", b"FEN\x02" + bytes(172), leaf.pack(fact(1))[:-1], leaf.pack(fact(1)) + b"\0"])
def test_other_octets_are_no_leaf(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"a leaf has 176|not an entry leaf"):
        leaf.unpack(wrong)
    with pytest.raises(ValueError, match=r"a seal has 176|not a seal"):
        seal.unpack(wrong)


def test_an_erasure_names_no_one() -> None:
    unpacked = leaf.unpack(leaf.erasure(5))
    assert (unpacked.type, unpacked.at_ms, unpacked.delivery) == (LeafType.ERASURE, 5, bytes(16))
    assert not any(any(committed) for committed in unpacked.commitments.values())


def test_a_seal_round_trips_and_is_told_from_entries() -> None:
    header = seal.Seal(1, 2, 3, 4, 5, b"position", b"p" * 32, b"r" * 32, b"c" * 32, b"a" * 32)
    octets = seal.pack(header)
    assert len(octets) == 176
    assert seal.unpack(octets) == header
    assert leaf.is_seal(octets)
    assert not leaf.is_seal(leaf.pack(fact(1)))
    assert octets[48:80] == b"p" * 32
    assert octets[80:112] == b"r" * 32
    assert octets[112:144] == b"c" * 32
    with pytest.raises(ValueError, match="not an entry leaf"):
        leaf.unpack(octets)


def test_positions_digest_depends_on_every_position_and_not_on_their_order() -> None:
    assert seal.positions_digest({1: 2, 3: 4}) == seal.positions_digest({3: 4, 1: 2})
    assert len({seal.positions_digest(p) for p in ({}, {1: 2}, {1: 3}, {2: 2}, {1: 2, 3: 4})}) == 5
    assert seal.decode_positions(seal.encode_positions({3: 4, 1: 2})) == {1: 2, 3: 4}


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("Local.Part@EXAMPLE.com", b"Local.Part@example.com"),
        ('"a@b"@Example.com', b'"a@b"@example.com'),
        ("x@bücher.example", b"x@xn--bcher-kva.example"),
        ("x@BÜCHER.example", b"x@xn--bcher-kva.example"),
        ("x@[IPv6:2001:DB8::1]", b"x@[ipv6:2001:db8::1]"),
        ("", b""),
        ("postmaster", b"postmaster"),
        ("x@\u2603\u0000.example", "x@\u2603\u0000.example".encode()),
    ],
)
def test_canonical_addresses(text: str, octets: bytes) -> None:
    assert canonical.address(text) == octets


def test_facts_travel_as_messagepack() -> None:
    facts = [fact(1), fact(2, LeafType.ACCEPTED)]
    assert decode_facts(encode_facts(facts)) == facts
    assert decode_fact(encode_fact(facts[0])) == facts[0]
    assert decode_facts(b"") == []
    with pytest.raises(msgspec.MsgspecError):
        decode_facts(b"\x93\x01")
