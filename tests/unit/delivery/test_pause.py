"""When a host that cannot be spoken to is left alone, for how long, and who tries it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery import pause
from fastemailnet.delivery.demand import PLAIN, Demand, Level
from fastemailnet.delivery.pause import Bounds, Ending, Failure, Open, Paused, Pauses, Probing, State, Try
from fastemailnet.delivery.route import Target
from fastemailnet.smtp.classify import Fault

HOST, OTHER = Target("mx.b.org", 25), Target("mx.c.org", 25)
SAFE = Demand((Level.VERIFY,), "sts enforce")
WHY = Failure("no greeting")
BOUNDS = Bounds(30.0, 100.0)


def begun(pauses: Pauses, count: int, demand: Demand = PLAIN) -> list[Try]:
    return [pauses.begin(HOST, demand) for _ in range(count)]


def failed(pauses: Pauses, tries: list[Try], now_s: float, ending: Ending = Ending.SILENT) -> None:
    for one in tries:
        pauses.end(one, ending, WHY, now_s)


def is_refused(pauses: Pauses, now_s: float, demand: Demand = PLAIN, target: Target = HOST) -> bool:
    return pauses.refusal(target, demand, now_s) is not None


def test_a_host_pauses_when_the_last_of_a_cohort_has_failed() -> None:
    pauses = Pauses(BOUNDS)
    tries = begun(pauses, 3)
    failed(pauses, tries[:2], 60.0)
    assert not is_refused(pauses, 60.0)
    failed(pauses, tries[2:], 61.0)
    assert pauses.refusal(HOST, PLAIN, 61.0) == Paused(1, 30.0, 91.0, WHY)
    assert is_refused(pauses, 90.9)
    assert not is_refused(pauses, 91.0)
    assert not is_refused(pauses, 61.0, target=OTHER)


def test_one_success_redeems_the_cohort() -> None:
    pauses = Pauses(BOUNDS)
    tries = begun(pauses, 4)
    failed(pauses, tries[:2], 60.0)
    pauses.end(tries[2], Ending.ANSWERED, WHY, 60.0)
    failed(pauses, tries[3:], 60.0)
    assert not is_refused(pauses, 60.0)


def test_what_began_behind_the_first_failure_is_not_waited_for() -> None:
    pauses = Pauses(BOUNDS)
    tries = begun(pauses, 2)
    failed(pauses, tries[:1], 60.0)
    late = begun(pauses, 5)
    failed(pauses, tries[1:], 60.0)
    assert is_refused(pauses, 60.0)
    failed(pauses, late, 80.0)
    assert pauses.refusal(HOST, PLAIN, 80.0) == Paused(1, 30.0, 90.0, WHY)  # no longer for that


def test_a_success_of_any_try_ends_the_pause() -> None:
    pauses = Pauses(BOUNDS)
    tries = begun(pauses, 1)
    failed(pauses, tries, 60.0)
    pauses.end(tries[0], Ending.ANSWERED, WHY, 61.0)
    assert not is_refused(pauses, 61.0)


def test_one_probes_when_the_pause_is_over_and_the_next_is_twice_as_long_up_to_a_bound() -> None:
    pauses, now_s = Pauses(BOUNDS), 0.0
    failed(pauses, begun(pauses, 1), now_s)
    for length_s in (60.0, 100.0, 100.0):
        refused = pauses.refusal(HOST, PLAIN, now_s)
        assert isinstance(refused, Paused)
        now_s = refused.until_s
        probe = begun(pauses, 1)
        assert isinstance(pauses.refusal(HOST, PLAIN, now_s + 1_000), Probing)
        failed(pauses, probe, now_s)
        assert isinstance(paused := pauses.refusal(HOST, PLAIN, now_s), Paused)
        assert (paused.length_s, paused.until_s) == (length_s, now_s + length_s)
    now_s += 100.0
    pauses.end(*begun(pauses, 1), Ending.ANSWERED, WHY, now_s)
    failed(pauses, begun(pauses, 1), now_s)
    assert isinstance(paused := pauses.refusal(HOST, PLAIN, now_s), Paused)
    assert paused.length_s == 30.0


def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    pauses = Pauses(BOUNDS)
    failed(pauses, begun(pauses, 1), 0.0)
    pauses.end(*begun(pauses, 1), Ending.ABANDONED, WHY, 40.0)
    assert not is_refused(pauses, 40.0)
    failed(pauses, begun(pauses, 1), 40.0)
    assert isinstance(paused := pauses.refusal(HOST, PLAIN, 40.0), Paused)
    assert paused.length_s == 60.0


def test_cancelled_tries_count_for_nothing() -> None:
    pauses = Pauses(BOUNDS)
    tries = begun(pauses, 3)
    failed(pauses, tries[:2], 1.0, Ending.ABANDONED)
    assert not is_refused(pauses, 1.0)
    failed(pauses, tries[2:], 1.0)
    assert is_refused(pauses, 1.0)
    tries = begun(other := Pauses(BOUNDS), 2)
    failed(other, tries[:1], 1.0)
    failed(other, tries[1:], 1.0, Ending.ABANDONED)
    assert other.refusal(HOST, PLAIN, 1.0) == Paused(1, 30.0, 31.0, WHY)


def test_tls_that_fails_pauses_its_demand_alone_and_silence_all() -> None:
    pauses, why = Pauses(BOUNDS), Failure("no TLS", Fault.NOT_ENCRYPTED)
    pauses.end(*begun(pauses, 1, SAFE), Ending.UNMET, why, 0.0)
    assert isinstance(paused := pauses.refusal(HOST, SAFE, 0.0), Paused)
    assert paused.failure == why
    assert not is_refused(pauses, 0.0)
    failed(pauses, begun(pauses, 1), 0.0)
    assert is_refused(pauses, 0.0)
    assert is_refused(pauses, 0.0, Demand((Level.ENCRYPT,), "another"))


def test_hosts_are_forgotten_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "MAX_REMEMBERED", 10)
    pauses = Pauses(BOUNDS)
    for number in range(30):
        target = Target(f"mx{number}.b.org", 25)
        pauses.end(pauses.begin(target, PLAIN), Ending.SILENT, WHY, 0.0)
    assert len(pauses.states) == 10
    assert is_refused(pauses, 0.0, target=target)


@given(st.lists(st.tuples(st.sampled_from([None, *Ending]), st.integers(0, 30), st.floats(0, 40)), max_size=80))
def test_whatever_happens_one_probes_at_most_and_a_pause_ends(
    steps: list[tuple[Ending | None, int, float]],
) -> None:
    """None: a try begins, if it may. An ending: of one of those under way."""
    pauses, under_way, now_s = Pauses(BOUNDS), list[Try](), 0.0
    for ending, which, passed_s in steps:
        now_s += passed_s
        refused = pauses.refusal(HOST, PLAIN, now_s)
        if ending is None and refused is None:
            under_way.append(pauses.begin(HOST, PLAIN))
        elif ending is not None and under_way:
            pauses.end(under_way.pop(which % len(under_way)), ending, WHY, now_s)
        for state in pauses.states.values():
            assert isinstance(state, get_args(State))
            assert not isinstance(state, Paused) or state.until_s <= now_s + BOUNDS.longest_s
            assert not isinstance(state, Open) or 0 <= state.failures <= state.tries
            assert not isinstance(state, Probing) or state.cohort in {n for one in under_way for n in one.cohorts}
    while under_way:
        pauses.end(under_way.pop(), Ending.ABANDONED, WHY, now_s)
    assert not is_refused(pauses, now_s + BOUNDS.longest_s)
