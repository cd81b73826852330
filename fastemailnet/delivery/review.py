"""Held mail that a person decided about: released, it becomes a copy that passes the gate; rejected, its delivery ends.

A held unit ended its attempt as ``held``; the OUTCOME that says so names it (``lease.Quarantined``). A release is a later try like any
other: a copy with the next attempt number, in the stream of its lane for copies that are due now, durable before the RESOLVE that
names it (claim rule). So of two people who release at one moment one has his copy named, the other's is an orphan and never sent;
and a release that ended between the two appends left nothing but an orphan.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from fastemailnet.envelope import Unit
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.flashsync.lease import Quarantined
from fastemailnet.outcome import Kind

SCORES: Final = "scores"  # key in a fact's detail: probabilities of ham, spam and phish, as ``to_text`` has them
LABEL: Final = "label"  # key in a review's detail: what the reviewer says the mail is
VERDICT: Final = "verdict"
HAM: Final = "ham"
BAD: Final = ("spam", "phish")


def to_text(scores: Sequence[float]) -> str:
    """Probabilities of ham, spam and phish as a fact's detail has them."""
    return " ".join(f"{score:.4f}" for score in scores)


def from_text(text: str) -> tuple[float, float, float] | None:
    """The probabilities of ham, spam and phish; None where there are none."""
    try:
        ham, spam, phish = (float(word) for word in text.split())
    except ValueError:
        return None
    return ham, spam, phish


def held_of(unit: Unit, entry: Quarantined) -> tuple[int, ...]:
    """Which recipients of a unit are held: ``Recipient.index`` values."""
    kinds = zip(unit.recipients, entry.kinds, strict=False)
    return tuple(recipient.index for recipient, kind in kinds if kind is Kind.HELD)


def released(unit: Unit, entry: Quarantined, reason: str, at_ms: int) -> Unit:
    """The copy in which the held recipients of a unit go on.

    It has the message, its id and the time of acceptance as they were, so that every attempt transmits the same octets; and as long
    to live from now on as it had when it was accepted, since it did not choose to wait.
    """
    held = set(held_of(unit, entry))
    return msgspec.structs.replace(
        unit,
        recipients=tuple(recipient for recipient in unit.recipients if recipient.index in held),
        attempt=entry.attempt + 1,
        source=unit.source or entry.place,
        expires_ms=max(unit.expires_ms, at_ms + unit.expires_ms - unit.accepted_ms),
        released=reason,
    )


def label(verdict: Verdict, said: str, scores: tuple[float, float, float] | None) -> str:
    """What a reviewer says a mail is: ham, or what he calls it, or what the model took it for."""
    if verdict is Verdict.RELEASE:
        return HAM
    if said:
        return said
    return "phish" if scores is not None and scores[2] > scores[1] else "spam"
