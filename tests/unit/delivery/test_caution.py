"""How many connections a site is trusted to bear."""

from fastemailnet.delivery.caution import START, Caution


def after(successes: int, limit: float = 20) -> Caution:
    found = Caution()
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


def test_a_refusal_leaves_half_or_what_is_open() -> None:
    half, fewer = after(10_000), after(10_000)
    half.refused(20)
    fewer.refused(3)
    assert (half.within(20), fewer.within(20)) == (10, 3)


def test_all_that_one_round_hears_is_one_refusal() -> None:
    found = after(10_000)
    for _ in range(15):
        found.refused(20)
    assert found.within(20) == 10
    for _ in range(21):
        found.succeeded(20)
    before = found.within(20)
    found.refused(20)
    assert found.within(20) == before // 2


def test_one_is_always_left() -> None:
    found = after(0)
    for _ in range(50):
        found.refused(0)
        for _ in range(5):
            found.succeeded(20)
        found.refused(1)
    assert found.within(20) >= 1
