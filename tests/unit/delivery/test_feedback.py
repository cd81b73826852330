import msgspec
import pytest

from fastemailnet import ids
from fastemailnet.delivery.feedback import ANY, About, Note, decode_note, encode_note, fact_of, named_by, verp
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.ledger.fact import Fact, Flag, LeafType
from fastemailnet.ledger.leaf import pack
from fastemailnet.outcome import BounceClass

MESSAGE = ids.message_id(1_700_000_000_000, bytes(range(10)))
DOMAIN = "bounce.a.example"


def unit(*indexes: int, sender: str = "news@a.example") -> Unit:
    people = tuple(Recipient(f"r{index}@b.example", index) for index in indexes)
    return Unit(MESSAGE, Lane.BULK, "t", 0, 1, sender, people, "b.example", False, b"x\r\n")


@pytest.mark.parametrize(("indexes", "names"), [((0,), 0), ((999,), 999), ((0, 1), ANY)])
def test_the_reverse_path_names_the_message_and_the_recipient(indexes: tuple[int, ...], names: int) -> None:
    address = verp(unit(*indexes), DOMAIN)
    assert len(address.partition("@")[0]) <= 64
    assert named_by(address, DOMAIN) == named_by(address.upper(), DOMAIN) == (MESSAGE, names)


def test_without_a_domain_and_for_the_null_path_it_stays_what_it_is() -> None:
    assert verp(unit(0), "") == "news@a.example"
    assert verp(unit(0, sender=""), DOMAIN) == ""


@pytest.mark.parametrize(
    "address", ["", "b-x@" + DOMAIN, "news@" + DOMAIN, "b-" + "z" * 26 + "-0@" + DOMAIN, verp(unit(0), "other.example")]
)
def test_what_is_no_address_of_ours_names_nothing(address: str) -> None:
    assert named_by(address, DOMAIN) is None


def fact(index: int, kind: LeafType = LeafType.RELAYED, flags: int = 0, **detail: str) -> Fact:
    who = (MESSAGE, index, ids.delivery_id(MESSAGE, index), 2, 250, None, flags)
    return Fact(kind, 5, *who, "t", "news@a.example", f"R{index}@b.example", bytes(32), dict(detail), bytes(32))


def note(index: int = ANY, recipient: str = "", about: About = About.DSN) -> Note:
    said = (550, (5, 1, 1), BounceClass.INVALID_RECIPIENT, "no such user", "mx.b.example", b"s" * 32)
    return decode_note(encode_note(Note(about, 9, MESSAGE, index, recipient, "failed", *said)))


KNOWN = [fact(0, LeafType.ACCEPTED, lane="bulk"), fact(0), fact(1, flags=int(Flag.SANDBOX | Flag.TLS))]


def test_a_note_becomes_a_fact_about_the_delivery_that_it_names() -> None:
    found = fact_of(note(0), KNOWN)
    assert found is not None
    assert (found.type, found.recipient, found.attempt, found.tenant) == (LeafType.DSN, "R0@b.example", 2, "t")
    assert found.detail == {
        "action": "failed",
        "lane": "bulk",
        "class": "InvalidRecipient",
        "source": "mx.b.example",
        "reply": "no such user",
    }
    assert len(pack(found)) == 176
    complaint = fact_of(note(1, about=About.COMPLAINT), KNOWN)
    assert complaint is not None
    assert (complaint.type, complaint.flags) == (LeafType.COMPLAINT, Flag.SANDBOX)


@pytest.mark.parametrize(
    ("given", "index"),
    [(note(recipient="r1@B.example"), 1), (note(recipient="other@b.example"), None), (note(), None), (note(7), None)],
)
def test_who_is_meant_is_not_guessed(given: Note, index: int | None) -> None:
    found = fact_of(given, KNOWN)
    assert (found.recipient_index if found else None) == index


def test_with_one_recipient_it_can_only_be_that_one() -> None:
    for given in (note(), note(recipient="forwarded@elsewhere.example")):
        found = fact_of(given, KNOWN[:2])
        assert found is not None
        assert found.recipient_index == 0
    assert fact_of(note(), []) is None


def test_what_is_no_note_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_note(b"\x91\x01")
