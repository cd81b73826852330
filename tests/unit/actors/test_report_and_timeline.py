"""What people see of a message and of a run."""

from actors.report import RunReport, percentile
from actors.timeline import timeline
from fastemailnet import ids
from fastemailnet.archive.receipts import Row
from fastemailnet.envelope import Lane, Recipient, Unit
from fastemailnet.ledger.fact import LeafType

MESSAGE = ids.message_id(1_700_000_000_000, b"0123456789")


def row(leaf_type: LeafType, at_ms: int, index: int = 0, **detail: str) -> Row:
    delivery = ids.delivery_id(MESSAGE, index)
    return Row(at_ms, at_ms, leaf_type, delivery, index, f"r{index}@x.example", 1, 0, None, 0, dict(detail), "acme")


def waiting(index: int) -> Unit:
    people = (Recipient(f"r{index}@x.example", index),)
    return Unit(MESSAGE, Lane.STANDARD, "", 5, 9, "", people, "x.example", False, b"")


def test_each_delivery_has_the_state_of_its_newest_event() -> None:
    rows = [
        row(LeafType.ACCEPTED, 10),
        row(LeafType.RELAYED, 30),
        row(LeafType.ACCEPTED, 10, 1, held="spam score 0.98"),
        row(LeafType.ACCEPTED, 10, 2),
        row(LeafType.FAILED, 20, 2, kind="expired"),
    ]
    found = timeline(MESSAGE, rows, [waiting(3)], set())
    assert [d["state"] for d in found["deliveries"]] == ["relayed", "held", "expired", "open"]
    assert [d["tenant"] for d in found["deliveries"]] == ["acme", "acme", "acme", ""]
    assert found["deliveries"][0]["delivery"] == ids.to_text(ids.delivery_id(MESSAGE, 0))


def test_an_open_delivery_of_a_doubted_message_is_in_doubt() -> None:
    found = timeline(MESSAGE, [], [waiting(0)], {ids.to_text(MESSAGE)})
    assert [d["state"] for d in found["deliveries"]] == ["in_doubt"]


def test_what_a_verdict_sends_again_is_open_until_its_next_attempt_is_told() -> None:
    doubted = [row(LeafType.ACCEPTED, 10), row(LeafType.IN_DOUBT, 20)]
    for verdict, state in (("retry", "open"), ("ask", "open"), ("assume-relayed", "resolved")):
        rows = [*doubted, row(LeafType.RESOLVED, 30, verdict=verdict)]
        assert timeline(MESSAGE, rows, [], set())["deliveries"][0]["state"] == state
    rows = [*doubted, row(LeafType.RESOLVED, 30, verdict="retry")]
    (again,) = timeline(MESSAGE, rows, [waiting(0)], {ids.to_text(MESSAGE)})["deliveries"]
    assert (again["state"], again["events"][-1]["state"]) == ("in_doubt", "resolved")


def test_a_report_counts_deliveries_and_latencies() -> None:
    report = RunReport()
    report.add([timeline(MESSAGE, [row(LeafType.ACCEPTED, 10), row(LeafType.RELAYED, 30)], [], set())])
    report.check("holds", True)
    report.check("does not", False)
    figures = report.figures()
    assert (figures["relayed"], figures["p50_ms"], figures["failures"]) == (1, 20, ["does not"])


def test_percentiles_are_nearest_ranks() -> None:
    values = list(range(1, 101))
    assert (percentile(values, 50), percentile(values, 99), percentile([7], 99), percentile([], 50)) == (50, 99, 7, 0)
