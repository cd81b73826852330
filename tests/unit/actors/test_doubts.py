"""What people are told of an attempt in doubt agrees with what the coordinator will do."""

import pytest

from actors.doubts import from_id, full, next_step, to_id
from fastemailnet.config import InDoubtSection
from fastemailnet.envelope import Asked, Lane, Position, Recipient, Unit
from fastemailnet.errors import NotFound
from fastemailnet.flashsync import frames as f
from fastemailnet.flashsync.coordinator import Coordinator, Policy
from fastemailnet.flashsync.lease import Open
from fastemailnet.outcome import Kind

SINCE_MS = 5_000


def entry(lane: Lane = Lane.STANDARD, attempt: int = 1, asked: Asked | None = None) -> Open:
    place = Position(lane.stream, 0, 4)
    kinds = (Kind.BOUNCED, Kind.IN_DOUBT)
    return Open(place, attempt, 7, ("a", 2), (3, 12), b"m" * 16, kinds, SINCE_MS, "no reply", asked)


def when_it_resolves(found: Open, section: InDoubtSection) -> tuple[str, int] | None:
    """What the coordinator decides, and the first moment at which it does."""
    names = {lane.stream: getattr(section, lane.value) for lane in Lane}
    verdicts = {stream: None if name == "hold" else f.Verdict(name) for stream, name in names.items()}
    machine = Coordinator(Policy(verdicts=verdicts, doubt_ms=section.retry_delay_s * 1_000))
    machine.fold.open[found.spot] = found
    for at_ms in range(SINCE_MS, SINCE_MS + 70 * 60_000, 500):
        writes = list(machine._resolutions(at_ms))
        if writes:
            frame = writes[0].frame
            assert isinstance(frame, f.Resolve)
            return frame.verdict.value, at_ms
    return None


@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("verdict", ["hold", "retry", "assume-relayed", "bounce"])
@pytest.mark.parametrize("attempt", [1, 3, 60])
@pytest.mark.parametrize("asked", [None, Asked(1, (0,))])
def test_what_is_told_is_what_the_coordinator_does(lane: Lane, verdict: str, attempt: int, asked: Asked | None) -> None:
    section = InDoubtSection.model_validate({lane.value: verdict, "retry_delay_s": 60})
    found = entry(lane, attempt, asked)
    told = next_step(found, lane, section)
    assert when_it_resolves(found, section) == (None if told["at_ms"] is None else (told["verdict"], told["at_ms"]))


def test_a_copy_of_what_was_deferred_waits_as_for_a_first_doubt() -> None:
    section = InDoubtSection.model_validate({"standard": "retry", "retry_delay_s": 60})
    found = entry(attempt=5)
    machine = Coordinator(Policy(verdicts={Lane.STANDARD.stream: f.Verdict.RETRY}, doubt_ms=60_000))
    machine.fold.open[found.spot] = found
    source = Position(Lane.STANDARD.stream, 0, 1)
    machine.fold.named[found.place] = f.Deferral(found.place, source, 5, 0, 1)
    told = next_step(found, Lane.STANDARD, section, first=5)
    assert told == {"verdict": "retry", "at_ms": SINCE_MS + 60_000}
    assert not list(machine._resolutions(SINCE_MS + 59_999))
    assert list(machine._resolutions(SINCE_MS + 60_000))


def test_an_id_names_the_intent_for_ever() -> None:
    assert to_id((3, 1207)) == "3-1207"
    assert from_id("3-1207") == (3, 1207)


@pytest.mark.parametrize("text", ["", "3", "3-", "-7", "a-7", "3-7-9", "3--7", "٣-7", "3-" + "9" * 30, "../3-7"])
def test_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match="no id of an attempt"):
        from_id(text)


def test_everything_is_told_with_a_unit_and_without() -> None:
    people = (Recipient("a@x.example", 2), Recipient("b@x.example", 5))
    unit = Unit(b"m" * 16, Lane.BULK, "", 1, 99, "s@y.example", people, "x.example", False, b"")
    intent = f.Intent(7, 4, 1, "a", 2, 4_000, b"m" * 16, (2, 5))
    told = full(entry(), intent, unit, "mx.example", InDoubtSection())
    assert [(one["recipient"], one["state"]) for one in told["recipients"]] == [
        ("a@x.example", "bounced"),
        ("b@x.example", "in_doubt"),
    ]
    expected = {"id": "3-12", "sender": "s@y.example", "lane": "bulk", "node": "a.2", "host": "mx.example"}
    assert expected.items() <= told.items()
    assert (told["intent_ms"], told["since_ms"], told["can_ask"], told["expires_ms"]) == (4_000, SINCE_MS, False, 99)
    assert told["next"] == {"verdict": "assume-relayed", "at_ms": SINCE_MS + 60_000}
    blind = full(entry(), intent, None, "", InDoubtSection())
    assert (blind["sender"], blind["lane"], [one["recipient"] for one in blind["recipients"]]) == (None, None, ["", ""])
