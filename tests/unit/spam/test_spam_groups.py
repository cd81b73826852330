"""Texts go through the model in groups: each once, none too large."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.spam import runtime


@given(st.lists(st.integers(1, 128), max_size=600))
def test_every_text_is_in_one_group_and_every_group_fits(lengths: list[int]) -> None:
    groups = list(runtime.groups_of([[0] * length for length in lengths]))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) <= runtime.GROUP_TEXTS
        assert len(group) * max(lengths[index] for index in group) <= runtime.GROUP_TOKENS


@given(st.lists(st.integers(1, 128), min_size=2, max_size=600))
def test_a_later_group_is_never_longer(lengths: list[int]) -> None:
    groups = list(runtime.groups_of([[0] * length for length in lengths]))
    for group, later in pairwise(groups):
        assert min(lengths[index] for index in group) >= max(lengths[index] for index in later)
