"""How many connections a site is trusted to bear."""

from fastemailnet.delivery.caution import START, Caution


def after(successes: int, limit: float = 20, found: Caution | None = None) -> Caution:
    found = found or Caution()
    for _ in range(successes):
        found.succeeded(limit)
    return found


def test_a_round_of_successes_adds_one() -> None:
    assert after(0).within(20) == START
    assert after(6).within(20) == START + 1


def test_it_grows_to_the_limit_and_no_further() -> None:
    assert after(10_000).within(20) == 20
    assert after(10_000, 7).within(20) == 7
    assert after(0).within(2) == 2


def test_a_refusal_leaves_those_that_are_open() -> None:
    found = after(10_000)
    found.refused(9)
    assert found.within(20) == 9
    found.refused(12)
    assert found.within(20) == 9


def test_more_than_was_refused_is_tried_seldom() -> None:
    found = after(10_000)
    found.refused(9)
    assert after(400, found=found).within(20) == 9
    assert after(100, found=found).within(20) == 10


def test_too_much_is_half_once_a_round() -> None:
    found = after(10_000)
    for _ in range(15):
        found.slowed()
    assert found.within(20) == 10
    before = after(21, found=found).bears
    found.slowed()
    assert found.bears == before / 2


def test_one_is_always_left() -> None:
    found = after(0)
    for _ in range(50):
        found.refused(0)
        found.slowed()
        after(5, found=found)
    assert found.within(20) >= 1
