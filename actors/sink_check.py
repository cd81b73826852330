"""The journal against the receiver's own file: is what was relayed there, and is nothing there twice without a recorded doubt?

A delivery is a message id and a recipient's address. It is *lost* if a fact says relayed and the sink has none. Each copy beyond the
first is a *duplicate*; an attempt that was ever in doubt explains one of them, since its end may have been written although nobody
knew. What the sink has and no INTENT allowed is *unjournaled*: somebody else's mail, or, for a message of this log, a broken promise.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.journal_reading import Progress
from actors.journal_rules import World
from fastemailnet import ids
from fastemailnet.envelope import Position
from fastemailnet.flashsync.frames import Intent
from fastemailnet.outcome import Kind

PROGRESS_LINES = 10_000
Delivery = tuple[str, str]  # message id, address


class Line(msgspec.Struct, frozen=True):
    """What counts of an arrival."""

    message: str
    recipients: list[str]


def check_sink(world: World, path: Path, figures: dict[str, int], progress: Progress) -> Iterator[str | int]:
    """What contradicts the journal, and how much was looked at; adds its counts to ``figures``.

    Raises:
        OSError: the file cannot be read.
    """
    arrived: Counter[Delivery] = Counter()
    broken: list[str] = []
    figures["sink_lines"] = _read(path, arrived, broken, progress)
    yield from broken
    yield len(arrived)
    relayed, intended, doubts = _relayed(world), _intended(world), _doubts(world)
    lost = relayed - arrived.keys()
    for message, address in lost:
        yield f"lost: {message} to {address} was relayed, and the sink does not have it"
    unexplained = 0
    copies = {delivery: count - 1 for delivery, count in arrived.items() if count > 1}
    for delivery, count in copies.items():
        more = count - min(count, doubts[delivery])
        unexplained += more
        for _ in range(more):
            yield f"unexplained duplicate: {delivery[0]} to {delivery[1]}, {doubts[delivery]} attempts were in doubt"
    unjournaled = arrived.keys() - intended
    ours = {ids.to_text(record.message) for _, record in world.streams.mail() if record.message} if unjournaled else ()
    for message, address in unjournaled:
        if message in ours:
            yield f"unjournaled: the sink has {message} to {address}, and no INTENT allowed it"
    duplicates = sum(copies.values())
    figures.update(
        lost=len(lost),
        duplicates=duplicates,
        explained=duplicates - unexplained,
        unexplained=unexplained,
        unjournaled=len(unjournaled),
    )


def _read(path: Path, arrived: Counter[Delivery], broken: list[str], progress: Progress) -> int:
    """Count the arrivals; the number of lines. A last line that a crash cut short was never answered."""
    decode = msgspec.json.Decoder(Line).decode
    total, octets, number = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            number += 1
            octets += len(line)
            try:
                arrival = decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                broken.append(f"line {number} is no arrival: {error}")
                continue
            arrived.update((arrival.message, recipient) for recipient in arrival.recipients)
            if number % PROGRESS_LINES == 0:
                progress("reading the sink", octets, total)
    progress("reading the sink", total, total)
    return number


def _deliveries(world: World, place: Position) -> list[Delivery]:
    record = world.streams.record(place)
    if record is None:
        return []
    message = ids.to_text(record.message) if record.message else ""
    return [(message, recipient.address) for recipient in record.recipients]


def _relayed(world: World) -> set[Delivery]:
    """What facts say was relayed; a RESOLVE that assumes it is none."""
    found: set[Delivery] = set()
    for ending in world.history.endings:
        if not ending.is_decided and Kind.RELAYED in ending.kinds:
            both = zip(_deliveries(world, ending.place), ending.kinds, strict=False)
            found.update(delivery for delivery, kind in both if kind is Kind.RELAYED)
    return found


def _intended(world: World) -> set[Delivery]:
    """What any INTENT speaks of, valid or not."""
    found: set[Delivery] = set()
    for frames in world.streams.journals.values():
        for frame in frames:
            lease = world.history.leases.get(frame.lease) if isinstance(frame, Intent) else None
            if lease is not None and isinstance(frame, Intent):
                found.update(_deliveries(world, Position(lease.stream, lease.partition, frame.offset)))
    return found


def _doubts(world: World) -> Counter[Delivery]:
    """How many attempts of each delivery were ever in doubt."""
    return Counter(
        delivery
        for begun in world.history.begun.values()
        if begun.is_doubted
        for delivery in _deliveries(world, begun.place)
    )
