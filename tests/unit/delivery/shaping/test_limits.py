import pytest

from fastemailnet.delivery.route import TlsPolicy
from fastemailnet.delivery.shaping.limits import (
    Rate,
    Shape,
    pace_in_words,
    parse_duration,
    parse_limit,
    parse_rate,
    render,
    tls_for,
)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/min", Rate(100, 60)),
        ("10,000/h", Rate(10_000, 3_600)),
        ("1_000/hr", Rate(1_000, 3_600)),
        ("1/minute", Rate(1, 60)),
        ("1/m", Rate(1, 60)),
        ("120/s", Rate(120, 1)),
        ("5/2m", Rate(5, 120)),
        ("500/d,max_burst=1", Rate(500, 86_400, 1)),
        ("local:100/sec", Rate(100, 1)),
    ],
)
def test_a_rate_is_read_as_kumomta_reads_it(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "/s",
        "100/",
        "100/month",
        "100 /s",
        "100/ s",
        "-1/s",
        "1.5/s",
        "0/s",
        "1/0s",
        "1/s,burst=2",
        "1/s,max_burst=0",
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_rate(text)


def test_a_rate_says_how_fast_and_how_many_at_once() -> None:
    assert parse_rate("120/min").per_s == 2.0
    assert parse_rate("120/min").burst == 120
    assert parse_rate("120/min,max_burst=3").burst == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5_400),
        ("30 days", 2_592_000),
        ("2 hours", 7_200),
        ("1h 30m", 5_400),
        ("1h30m", 5_400),
        ("500ms", 0.5),
        ("1 M", 2_630_016),
        ("1 m", 60),
        ("0", 0),
        (60, 60),
        (1.5, 1.5),
    ],
)
def test_a_duration_is_read_as_humantime_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", " ", "60", "1 fortnight", "h", "-1h", "1h,", -1, "9" * 30 + "y"])
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


@pytest.mark.parametrize(("given", "limit"), [(10, 10), ("10", 10), ("1_000", 1_000), ("7,000", 7_000), ("local:5", 5)])
def test_a_limit_may_be_a_number_or_a_text(given: str | int, limit: int) -> None:
    assert parse_limit(given) == limit


@pytest.mark.parametrize("given", [0, -1, "", "0", "ten", "1e3", "²"])
def test_what_is_no_limit_is_refused(given: str | int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        parse_limit(given)


def test_values_are_shown_as_files_have_them() -> None:
    assert render(Rate(100, 60)) == "100/m"
    assert render(Rate(5, 7, 2)) == "5/7s,max_burst=2"
    assert render(None) == "none"
    assert render(TlsPolicy.REQUIRED) == "required"
    assert render(True) == "true"
    assert render(90.0) == "1m 30s"
    assert render(0.25) == "250ms"
    assert render(0.0) == "0s"


@pytest.mark.parametrize(
    ("of_route", "of_shape", "asked"),
    [
        ("opportunistic", None, "opportunistic"),
        ("none", None, "none"),
        ("opportunistic", "none", "none"),
        ("opportunistic", "required", "required"),
        ("none", "encrypt", "encrypt"),
        ("encrypt", "none", "encrypt"),
        ("required", "opportunistic", "required"),
        ("encrypt", "required", "required"),
    ],
)
def test_a_route_that_demands_encryption_is_not_undone(of_route: str, of_shape: str | None, asked: str) -> None:
    shape = Shape(tls=TlsPolicy(of_shape) if of_shape else None)
    assert tls_for(TlsPolicy(of_route), shape) is TlsPolicy(asked)


@pytest.mark.parametrize(
    ("per_s", "words"),
    [
        (0.00833, "30 messages an hour"),
        (1 / 60, "1 message a minute"),
        (1, "1 message a second"),
        (2.5, "2.5 messages a second"),
        (0.99999, "1 message a second"),
        (99.96, "100 messages a second"),
        (123_456.7, "123457 messages a second"),
        (1 / 86_400, "1 message a day"),
        (0.5 / 86_400, "0.5 messages a day"),
        (0, "0 messages a day"),
    ],
)
def test_a_pace_is_told_over_the_time_in_which_one_message_goes(per_s: float, words: str) -> None:
    assert pace_in_words(per_s) == words
