from typing import Any

import msgspec
import pytest

from fastemailnet.delivery.suppression import (
    DAY_MS,
    FOR_GOOD,
    Book,
    Change,
    Lift,
    Origin,
    Policy,
    Reach,
    Suppress,
    by_fact,
    decode_change,
    encode_change,
)
from fastemailnet.ledger.fact import Fact, Flag, LeafType
from fastemailnet.outcome import BounceClass


def entry(
    at_ms: int = 10, until_ms: int = 100, tenant: str = "", lane: str = "", address: str = "eva@b.org"
) -> Suppress:
    return Suppress(address, tenant, lane, at_ms, until_ms, Origin.PERSON, "r")


def book(*changes: Change) -> Book:
    made = Book()
    for change in changes:
        made.apply(decode_change(encode_change(change)))
    return made


@pytest.mark.parametrize(
    ("tenant", "lane", "stops"),
    [
        ("", "", {("t", "bulk"), ("t", "standard"), ("u", "bulk")}),
        ("t", "", {("t", "bulk"), ("t", "standard")}),
        ("", "bulk", {("t", "bulk"), ("u", "bulk")}),
        ("t", "bulk", {("t", "bulk")}),
    ],
)
def test_an_entry_stops_the_mail_it_is_about(tenant: str, lane: str, stops: set[tuple[str, str]]) -> None:
    made = book(entry(tenant=tenant, lane=lane))
    asked = [("t", "bulk"), ("t", "standard"), ("u", "bulk"), ("u", "transactional")]
    found = {who for who in asked if made.find("Eva@B.org", *who, now_ms=50)}
    assert found == stops | ({("u", "transactional")} if not tenant and not lane else set())
    assert made.find("adam@b.org", "t", "bulk", 50) is None


def test_an_entry_ends() -> None:
    made = book(entry())
    assert made.find("eva@b.org", "t", "bulk", 99)
    assert made.find("eva@b.org", "t", "bulk", 100) is None
    assert list(made.listed(100)) == []


def test_what_was_lifted_is_not_brought_back_by_an_old_record_but_by_a_new_one() -> None:
    lift = Lift("eva@b.org", "", "", 20, "a person")
    assert not book(entry(), lift, entry()).entries
    assert not book(lift, entry(at_ms=20)).entries
    assert book(entry(), lift, entry(at_ms=21)).entries
    assert book(entry(), Lift("eva@b.org", "t", "", 20, "another key")).entries


def test_a_hard_bounce_does_not_shorten_a_complaint() -> None:
    long, short = entry(until_ms=FOR_GOOD), entry(at_ms=30)
    assert book(long, short).entries == book(short, long).entries == {long.key: long}


def test_the_list_comes_in_pages_by_address() -> None:
    made = book(*(entry(address=f"{letter}@b.org") for letter in "cab"))
    assert [found.address[0] for found in made.listed(0)] == ["a", "b", "c"]
    assert [found.address[0] for found in made.listed(0, after="a@b.org")] == ["b", "c"]


def fact(of: LeafType, flags: int = 0, **detail: str | int) -> Fact:
    who = (bytes(16), 0, bytes(16), 1, 550, (5, 1, 1), flags, "t", "a@b.org", "Eva@b.org")
    return Fact(of, 1_000, *who, b"", detail, bytes(32))


BOUNCED: dict[str, Any] = {"kind": "bounced", "lane": "bulk", "reply": "no\nsuch user"}


@pytest.mark.parametrize("name", list(BounceClass))
def test_only_a_mailbox_that_is_not_there_is_a_hard_bounce(name: BounceClass) -> None:
    hard = {BounceClass.INVALID_RECIPIENT, BounceClass.INACTIVE_MAILBOX, BounceClass.BAD_DOMAIN}
    found = by_fact(fact(LeafType.FAILED, **BOUNCED, **{"class": name.value}), Policy())
    assert (found is not None) == (name in hard)


def test_the_entry_says_for_how_long_and_why() -> None:
    found = by_fact(fact(LeafType.FAILED, **BOUNCED, **{"class": "InvalidRecipient"}), Policy())
    said = "InvalidRecipient: 550 no such user"
    assert found == Suppress("eva@b.org", "", "", 1_000, 1_000 + 30 * DAY_MS, Origin.HARD_BOUNCE, said)
    complaint = by_fact(fact(LeafType.COMPLAINT, lane="bulk"), Policy(complaint_reach=Reach.LANE))
    assert complaint == Suppress("eva@b.org", "t", "bulk", 1_000, FOR_GOOD, Origin.COMPLAINT, "complaint")


@pytest.mark.parametrize(
    "given",
    [
        fact(LeafType.FAILED, int(Flag.SANDBOX), **BOUNCED, **{"class": "InvalidRecipient"}),
        fact(LeafType.FAILED, **{**BOUNCED, "kind": "expired", "class": "InvalidRecipient"}),
        fact(LeafType.DEFERRED, **BOUNCED, **{"class": "InvalidRecipient"}),
        fact(LeafType.DSN, action="delayed", **{"class": "InvalidRecipient"}),
        fact(LeafType.COMPLAINT, int(Flag.SANDBOX)),
        fact(LeafType.RELAYED),
    ],
)
def test_nothing_else_puts_anybody_on_the_list(given: Fact) -> None:
    assert by_fact(given, Policy()) is None


def test_a_report_that_came_back_counts_as_the_refusal_would_have() -> None:
    assert by_fact(fact(LeafType.DSN, action="failed", **{"class": "InvalidRecipient"}), Policy()) is not None
    assert by_fact(fact(LeafType.FAILED, **BOUNCED, **{"class": "InvalidRecipient"}), Policy(hard_bounce_ms=0)) is None


def test_what_is_no_change_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_change(b"\x93\xa1X\xa1a\xa1b")
