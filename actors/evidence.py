"""What a node tells the ledger about an attempt: facts, built from the outcomes and from what the connection was."""

import os
from collections.abc import Sequence

from actors.timeline import HELD
from fastemailnet import ids
from fastemailnet.delivery.suppression import CLASS, KIND, LANE
from fastemailnet.envelope import Unit
from fastemailnet.ledger.fact import SALT_OCTETS, Fact, Flag, LeafType, encode_facts
from fastemailnet.outcome import Kind, Outcome

TYPES = {
    Kind.RELAYED: LeafType.RELAYED,
    Kind.BOUNCED: LeafType.FAILED,
    Kind.EXPIRED: LeafType.FAILED,
    Kind.REJECTED: LeafType.REJECTED,
    Kind.SUPPRESSED: LeafType.REJECTED,
    Kind.DEAD: LeafType.FAILED,
    Kind.DEFERRED: LeafType.DEFERRED,
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
) -> bytes:
    """The facts of one attempt, encoded: who accepted it (first attempt only) and what became of each recipient.

    ``where`` describes the connection: host, address, TLS. A recipient whose mail is held has no fact yet but the acceptance.
    """
    facts: list[Fact] = []
    recipients = {recipient.index: recipient.address for recipient in unit.recipients}
    salts = os.urandom(SALT_OCTETS * 2 * len(outcomes))
    for number, outcome in enumerate(outcomes):
        salt = salts[SALT_OCTETS * 2 * number : SALT_OCTETS * (2 * number + 1)]
        other = salts[SALT_OCTETS * (2 * number + 1) : SALT_OCTETS * (2 * number + 2)]
        who = (unit.message, outcome.recipient, ids.delivery_id(unit.message, outcome.recipient))
        names = (unit.tenant, unit.reverse_path, recipients[outcome.recipient])
        if attempt == 1:
            accepted: dict[str, str | int] = {"lane": unit.lane.value}
            if outcome.kind is Kind.HELD:
                accepted[HELD] = outcome.reason
            facts.append(Fact(LeafType.ACCEPTED, unit.accepted_ms, *who, 1, 0, None, 0, *names, b"", accepted, salt))
        kind = TYPES.get(outcome.kind)
        if kind is None:
            continue
        reply = outcome.reply
        detail: dict[str, str | int] = {**where, KIND: outcome.kind.value, "reason": outcome.reason}
        if outcome.bounce_class is not None:
            detail[CLASS] = outcome.bounce_class.value
            detail[LANE] = unit.lane.value
        if reply is not None:
            detail["reply"] = reply.text
        code = reply.code if reply is not None else 0
        facts.append(
            Fact(kind, at_ms, *who, attempt, code, outcome.enhanced, flags, *names, content_sha256, detail, other)
        )
    return encode_facts(facts)
