"""A unit of several destinations becomes one for each."""

from fastemailnet.delivery.split import SPLITS, by_destination
from fastemailnet.envelope import SEVERAL, Lane, Recipient, Unit
from fastemailnet.outcome import Kind

PEOPLE = tuple(Recipient(name, index) for index, name in enumerate(("a@x.example", "b@y.example", '"c@y"@x.example')))
WHOLE = Unit(bytes(16), Lane.BULK, "t", 5, 99, "s@s.example", PEOPLE, SEVERAL, True, b"body")


def test_each_destination_has_its_recipients_due_now_and_as_the_first_attempt() -> None:
    split = by_destination(WHOLE, 7)
    assert [(one.domain, [r.index for r in one.recipients], one.attempt) for one in split.copies] == [
        ("x.example", [0, 2], 1),
        ("y.example", [1], 1),
    ]
    assert {(one.message, one.body, one.tenant, one.expires_ms, one.smtputf8) for one in split.copies} == {
        (bytes(16), b"body", "t", 99, True)
    }
    assert [(one.recipient, one.kind) for one in split.outcomes] == [(index, Kind.DEFERRED) for index in range(3)]
    assert (split.tier, split.due_ms) == ("defer.now.bulk", 7)


def test_each_lane_has_a_stream_of_its_own_that_is_a_tier() -> None:
    assert len(set(SPLITS.values())) == len(Lane)
    assert all(stream.startswith("defer.") for stream in SPLITS.values())
