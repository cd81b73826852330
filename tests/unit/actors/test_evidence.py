"""What the ledger is told of held mail, and the state that people see in it."""

import pytest

from actors.evidence import evidence, reviewed
from actors.timeline import state_of
from fastemailnet.delivery.review import SCORES
from fastemailnet.envelope import Lane, Position, Recipient, Unit
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.ledger.fact import Fact, Flag, LeafType, decode_facts
from fastemailnet.ledger.leaf import pack, unpack
from fastemailnet.outcome import Kind, Outcome

PEOPLE = (Recipient("a@x.example", 0), Recipient("b@x.example", 4))
SOURCE = Position("mail.bulk", 0, 1)
WHY = "held by the spam gate: spam score 0.900"


def unit(source: Position | None) -> Unit:
    return Unit(b"m" * 16, Lane.BULK, "t", 1, 9, "s@y.example", PEOPLE, "x.example", False, b"", source=source)


def told(attempt: int, source: Position | None, *outcomes: Outcome) -> list[Fact]:
    where: dict[str, str | int] = {SCORES: "0.1000 0.9000 0.0000"}
    given = evidence(
        unit(source), attempt, outcomes, at_ms=7, content_sha256=b"", flags=Flag(0), where=where, sessions=""
    )
    return decode_facts(given)


@pytest.mark.parametrize(
    ("attempt", "source", "kind"),
    [(1, None, LeafType.ACCEPTED), (1, SOURCE, LeafType.DEFERRED), (3, SOURCE, LeafType.DEFERRED)],
)
def test_held_mail_has_one_fact_for_each_recipient_with_why_and_its_scores(
    attempt: int, source: Position | None, kind: LeafType
) -> None:
    facts = told(attempt, source, *(Outcome(person.index, Kind.HELD, WHY) for person in PEOPLE))
    assert [(fact.type, fact.recipient_index) for fact in facts] == [(kind, 0), (kind, 4)]
    for fact in facts:
        assert (fact.detail["held"], fact.detail[SCORES]) == (WHY, "0.1000 0.9000 0.0000")
        assert state_of(fact.type, fact.detail) == "held"
        assert not unpack(pack(fact)).flags & Flag.FINAL


@pytest.mark.parametrize(
    ("verdict", "label", "kind", "state", "is_final"),
    [
        (Verdict.RELEASE, "ham", LeafType.RESOLVED, "released", False),
        (Verdict.REJECT, "phish", LeafType.REJECTED, "rejected", True),
    ],
)
def test_a_review_has_a_fact_for_each_held_recipient(
    verdict: Verdict, label: str, kind: LeafType, state: str, is_final: bool
) -> None:
    (fact,) = decode_facts(reviewed(unit(None), 2, (4,), verdict, "a reason", label, 70))
    assert (fact.type, fact.at_ms, fact.attempt, fact.recipient) == (kind, 70, 2, "b@x.example")
    assert (fact.detail["reason"], fact.detail["label"]) == ("a reason", label)
    assert state_of(fact.type, fact.detail) == state
    assert bool(unpack(pack(fact)).flags & Flag.FINAL) is is_final


def test_who_waits_is_told_when_he_is_due_and_nobody_else() -> None:
    outcomes = [Outcome(0, Kind.DEFERRED, "later"), Outcome(4, Kind.RELAYED, "taken")]
    more = {"at_ms": 7, "content_sha256": b"", "flags": Flag(0), "where": {}}
    facts = decode_facts(evidence(unit(SOURCE), 2, outcomes, next_ms=99, **more))
    assert [fact.detail.get("next_ms") for fact in facts] == [99, None]
    assert [fact.detail.get("next_ms") for fact in decode_facts(evidence(unit(SOURCE), 2, outcomes, **more))] == [
        None,
        None,
    ]
