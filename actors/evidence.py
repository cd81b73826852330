"""What a node tells the ledger: facts, built from the outcomes and from what the connection was."""

import os
from collections.abc import Collection, Mapping, Sequence

from actors.timeline import HELD
from fastemailnet import ids
from fastemailnet.delivery.review import LABEL, SCORES, VERDICT
from fastemailnet.delivery.suppression import CLASS, KIND, LANE
from fastemailnet.envelope import Unit
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.ledger.fact import SALT_OCTETS, Fact, Flag, LeafType, encode_facts
from fastemailnet.outcome import Kind, Outcome

SESSIONS = "tls_sessions"  # detail of a fact
NEXT = "next_ms"  # of one that waits: when it is due again, Unix milliseconds
TURN = "turn_ms"  # of one that is put off: when its turn is, Unix milliseconds
Held = Mapping[int, dict[str, str | int]]  # by Recipient.index: what is to stand in the detail
TYPES = {
    Kind.RELAYED: LeafType.RELAYED,
    Kind.BOUNCED: LeafType.FAILED,
    Kind.EXPIRED: LeafType.FAILED,
    Kind.REJECTED: LeafType.REJECTED,
    Kind.SUPPRESSED: LeafType.REJECTED,
    Kind.DEAD: LeafType.FAILED,
    Kind.DEFERRED: LeafType.DEFERRED,
    Kind.HELD: LeafType.DEFERRED,
    Kind.IN_DOUBT: LeafType.IN_DOUBT,
}


def evidence(
    unit: Unit,
    attempt: int,
    outcomes: Sequence[Outcome],
    *,
    at_ms: int,
    content_sha256: bytes,
    flags: Flag,
    where: dict[str, str | int],
    sessions: str = "",
    next_ms: int = 0,
) -> bytes:
    """The facts of one attempt, encoded: the acceptance (first attempt of the accepted record only) and what became of each recipient.

    ``where`` describes the connection: host, address, TLS and the policy that asked for it. ``sessions`` is what was seen of TLS on the
    way to it (``delivery.tls_report``), told once, with the first recipient. A recipient whose mail is held has that in the acceptance,
    or, where it was tried before, as a fact that it waits. ``next_ms``: when those who are deferred are due again; 0: nobody is.
    """
    scores = {SCORES: where[SCORES]} if SCORES in where else {}
    held: Held = {one.recipient: {HELD: one.reason, **scores} for one in outcomes if one.kind is Kind.HELD}
    is_new = is_first(unit, attempt)
    facts = _acceptance(unit, held) if is_new else []
    recipients = {recipient.index: recipient.address for recipient in unit.recipients}
    for outcome, salt in zip(outcomes, _salts(len(outcomes)), strict=True):
        who = (unit.message, outcome.recipient, ids.delivery_id(unit.message, outcome.recipient))
        names = (unit.tenant, unit.reverse_path, recipients[outcome.recipient])
        if outcome.kind is Kind.HELD and is_new:
            continue
        kind = TYPES[outcome.kind]
        reply = outcome.reply
        detail: dict[str, str | int] = {**where, KIND: outcome.kind.value, "reason": outcome.reason}
        if outcome.kind is Kind.HELD:
            detail |= held[outcome.recipient]
        if outcome.kind is Kind.DEFERRED and next_ms:
            detail[NEXT] = next_ms
        if outcome.bounce_class is not None:
            detail[CLASS] = outcome.bounce_class.value
            detail[LANE] = unit.lane.value
        if sessions:
            detail[SESSIONS], sessions = sessions, ""
        if reply is not None:
            detail["reply"] = reply.text
        code = reply.code if reply is not None else 0
        facts.append(
            Fact(kind, at_ms, *who, attempt, code, outcome.enhanced, flags, *names, content_sha256, detail, salt)
        )
    return encode_facts(facts)


def acceptance(unit: Unit) -> bytes:
    """The facts of a unit that was accepted and not yet tried, encoded."""
    return encode_facts(_acceptance(unit, {}))


def reviewed(
    unit: Unit, attempt: int, recipients: Collection[int], verdict: Verdict, reason: str, label: str, at_ms: int
) -> bytes:
    """The facts of a review, encoded: what a person decided about the held recipients (``Recipient.index`` values) of a unit."""
    facts = []
    chosen = [recipient for recipient in unit.recipients if recipient.index in recipients]
    for recipient, salt in zip(chosen, _salts(len(chosen)), strict=True):
        who = (unit.message, recipient.index, ids.delivery_id(unit.message, recipient.index))
        names = (unit.tenant, unit.reverse_path, recipient.address)
        detail: dict[str, str | int] = {VERDICT: verdict.value, LABEL: label, "reason": reason}
        kind = LeafType.RESOLVED
        if verdict is Verdict.REJECT:
            kind, detail[KIND] = LeafType.REJECTED, Kind.REJECTED.value
        facts.append(Fact(kind, at_ms, *who, attempt, 0, None, 0, *names, b"", detail, salt))
    return encode_facts(facts)


def resolved(unit: Unit, attempt: int, outcomes: Sequence[Outcome], verdict: Verdict, reason: str, at_ms: int) -> bytes:
    """The facts of a verdict about an attempt in doubt, encoded. ``outcomes``: what becomes of those who waited.

    Of a first attempt the acceptance as well: its node may never have told it. The ledger takes the first that it reads.
    """
    recipients = {recipient.index: recipient.address for recipient in unit.recipients}
    facts = _acceptance(unit, {}) if is_first(unit, attempt) else []
    for outcome, salt in zip(outcomes, _salts(len(outcomes)), strict=True):
        who = (unit.message, outcome.recipient, ids.delivery_id(unit.message, outcome.recipient))
        names = (unit.tenant, unit.reverse_path, recipients[outcome.recipient])
        detail: dict[str, str | int] = {VERDICT: verdict.value, "reason": reason}
        kind = LeafType.RESOLVED  # it goes on, or is assumed to have arrived: nobody said so
        if outcome.kind in (Kind.BOUNCED, Kind.EXPIRED):
            kind, detail[KIND] = LeafType.FAILED, outcome.kind.value
        facts.append(Fact(kind, at_ms, *who, attempt, 0, None, 0, *names, b"", detail, salt))
    return encode_facts(facts)


def lost(message: bytes, reason: str, at_ms: int) -> bytes:
    """The facts of a record that holds no unit, encoded: it came, and is dead."""
    return encode_facts([*_came(message, 0, at_ms), *_dead(message, 0, 1, reason, at_ms)])


def given_up(message: bytes, indexes: Sequence[int], attempt: int, reason: str, at_ms: int, *, came: bool) -> bytes:
    """The facts of a unit that can neither be worked on nor reported, encoded. ``came``: that it did is not told yet."""
    facts: list[Fact] = []
    for index in indexes:
        facts += _came(message, index, at_ms) if came else []
        facts += _dead(message, index, attempt, reason, at_ms)
    return encode_facts(facts)


def _came(message: bytes, index: int, at_ms: int) -> list[Fact]:
    """That a mail was accepted of which nothing more can be said. Nobody is named, since nobody can be."""
    who = (message, index, ids.delivery_id(message, index))
    came_ms = int.from_bytes(message[:6], "big") or at_ms
    return [Fact(LeafType.ACCEPTED, came_ms, *who, 1, 0, None, 0, "", "", "", b"", {}, *_salts(1))]


def _dead(message: bytes, index: int, attempt: int, reason: str, at_ms: int) -> list[Fact]:
    who = (message, index, ids.delivery_id(message, index))
    detail: dict[str, str | int] = {KIND: Kind.DEAD.value, "reason": reason}
    return [Fact(LeafType.FAILED, at_ms, *who, attempt, 0, None, 0, "", "", "", b"", detail, *_salts(1))]


def is_first(unit: Unit, attempt: int) -> bool:
    """Whether an attempt is the first one of an accepted record: the one whose facts begin with the acceptance."""
    return attempt == 1 and unit.source is None


def _acceptance(unit: Unit, held: Held) -> list[Fact]:
    """One fact for each recipient; ``held``: why the gate holds it and how it was scored, by index."""
    facts = []
    for recipient, salt in zip(unit.recipients, _salts(len(unit.recipients)), strict=True):
        index = recipient.index
        who = (unit.message, index, ids.delivery_id(unit.message, index))
        names = (unit.tenant, unit.reverse_path, recipient.address)
        detail: dict[str, str | int] = {"lane": unit.lane.value, **held.get(index, {})}
        facts.append(Fact(LeafType.ACCEPTED, unit.accepted_ms, *who, 1, 0, None, 0, *names, b"", detail, salt))
    return facts


def _salts(count: int) -> list[bytes]:
    octets = os.urandom(SALT_OCTETS * count)
    return [octets[start : start + SALT_OCTETS] for start in range(0, len(octets), SALT_OCTETS)]
