"""What is shown of a rate or a duration is read as the same, and no text makes a reader fail otherwise than by saying so."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.shaping.limits import (
    Rate,
    parse_duration,
    parse_limit,
    parse_rate,
    render_duration,
    render_rate,
)
from fastemailnet.delivery.shaping.policy import name_of

RATES = st.builds(
    Rate, st.integers(1, 10**9), st.integers(1, 10**6).map(float), st.one_of(st.just(0), st.integers(1, 10**6))
)
LABELS = st.text("ab", min_size=1, max_size=2)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@given(RATES)
def test_a_rate_reads_back(rate: Rate) -> None:
    assert parse_rate(render_rate(rate)) == rate


@given(st.integers(0, 10**12))
def test_a_duration_reads_back(milliseconds: int) -> None:
    assert parse_duration(render_duration(milliseconds / 1_000)) == pytest.approx(milliseconds / 1_000)


@given(st.one_of(st.text(max_size=20), st.text("0123456789/smhd,_=: ", max_size=20)))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (parse_rate, parse_duration, parse_limit):
        with suppress(ValueError):
            parse(text)


@given(st.frozensets(HOSTS, min_size=1, max_size=5), st.frozensets(HOSTS, min_size=1, max_size=5))
def test_two_sets_of_hosts_have_one_name_only_if_they_are_the_same(one: frozenset[str], other: frozenset[str]) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)
