"""How an attempt's end is shown, ordered and kept: plain values, asked by ``attempts``."""

from collections.abc import Sequence

import msgspec

from actors.examine import Examined
from actors.leases import Taken
from fastemailnet import ids
from fastemailnet.delivery.gate import Ruling, Way
from fastemailnet.envelope import MAX_KEPT_OCTETS, Dead, Unit
from fastemailnet.outcome import Kind, Outcome

# of all replies of an attempt; with them an OUTCOME of 1,000 recipients is a record that Kafka takes
REPLIES_OCTETS = 524_288
PRECEDENCE = (Kind.IN_DOUBT, Kind.DEFERRED, Kind.HELD, Kind.RELAYED)


def shown_by(kinds: Sequence[Kind]) -> Kind:
    """The class that a unit of several recipients is counted as: what still needs somebody comes first."""
    rest = [kind for kind in kinds if kind is not Kind.SUPPRESSED]  # nothing of what happened on the wire was that
    return next((kind for kind in PRECEDENCE if kind in kinds), rest[0] if rest else kinds[0])


def in_order(unit: Unit, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes in the order of the unit's recipients, which the journal counts them by."""
    found = {outcome.recipient: outcome for outcome in outcomes}
    return [found[recipient.index] for recipient in unit.recipients]


def short(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with as much of their replies as a frame has room for: a host may have pages to say of each of many recipients."""
    texts = [outcome.reply.text if outcome.reply is not None else "" for outcome in outcomes]
    if sum(len(text.encode()) for text in texts) <= REPLIES_OCTETS:
        return list(outcomes)
    return [_short(outcome, REPLIES_OCTETS // len(outcomes)) for outcome in outcomes]


def _short(outcome: Outcome, octets: int) -> Outcome:
    if outcome.reply is None:
        return outcome
    text = outcome.reply.text.encode()[:octets].decode("utf-8", "ignore")
    return msgspec.structs.replace(outcome, reply=msgspec.structs.replace(outcome.reply, text=text))


def said(examined: Examined, way: Way) -> str:
    """What the gate said of mail that it lets go on, for people."""
    if way is Way.TAGGED:
        return f"tagged: {examined.reason}"
    if examined.ruling is Ruling.TAG and way is Way.PLAIN:
        return f"not tagged, since it was tried before without: {examined.reason}"
    return f"throttled: {examined.reason}" if examined.ruling is Ruling.THROTTLE else examined.reason


def dead(taken: Taken, message: bytes, reasons: tuple[str, ...], record: bytes, now_ms: int) -> Dead:
    """The entry in the stream ``dead``."""
    kept = record[:MAX_KEPT_OCTETS]
    return Dead(ids.to_text(message), str(taken.place), now_ms, reasons, len(record), kept)
