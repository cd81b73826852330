"""The most of a count within the last while."""

from fastemailnet.delivery.lately import SPAN_S, Lately


def test_a_peak_is_remembered_for_a_span_and_at_most_two() -> None:
    lately, at_s = Lately(), 10 * SPAN_S
    for change in (1, 1, 1, -1, -1, -1):
        lately.add(change, at_s)
    assert [lately.within(at_s + after * SPAN_S) for after in (0.0, 0.9, 1.0, 1.9, 2.0)] == [3, 3, 3, 3, 0]


def test_a_peak_is_forgotten_though_nobody_asks_meanwhile() -> None:
    lately = Lately()
    lately.add(3, 0.0)
    lately.add(-3, 0.0)
    assert lately.within(5 * SPAN_S) == 0


def test_what_goes_on_is_counted_however_long_nothing_changes() -> None:
    lately = Lately()
    lately.add(2, 0.0)
    assert lately.within(100 * SPAN_S) == 2
    lately.add(-2, 100 * SPAN_S)
    assert [lately.within((100 + after) * SPAN_S) for after in (0, 1, 2)] == [2, 2, 0]


def test_a_lower_peak_takes_the_place_of_a_higher_one_that_is_long_ago() -> None:
    lately = Lately()
    for at_s, peak in ((0.0, 9), (1.5 * SPAN_S, 4), (2.5 * SPAN_S, 1)):
        lately.add(peak, at_s)
        lately.add(-peak, at_s)
    assert lately.within(2.5 * SPAN_S) == 4
