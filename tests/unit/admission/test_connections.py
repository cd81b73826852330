"""A client opens no more connections than it may, and no faster."""

import pytest

from fastemailnet.admission.connections import ClientLimits, Connections
from fastemailnet.errors import ConnectionsExceeded

ONE, OTHER, NEAR = "203.0.113.7", "203.0.113.8", "127.0.0.1"


def connections(at_once: int = 0, a_minute: int = 0) -> Connections:
    return Connections(ClientLimits(at_once, a_minute), NEAR.__eq__)


def refused(found: ConnectionsExceeded | None) -> str:
    return "" if found is None else str(found)


def test_so_many_at_once_and_then_another_for_each_that_ends() -> None:
    of = connections(2)
    assert [refused(of.enter(ONE, 0.0)) for _ in range(2)] == ["", ""]
    said = (
        "too many connections from 203.0.113.7: 2 at once are the limit (gateway.client_connections); try again in 10 s"
    )
    assert refused(of.enter(ONE, 0.0)) == said
    assert of.enter(OTHER, 0.0) is None
    of.leave(ONE)
    assert of.enter(ONE, 0.0) is None
    assert of.enter(ONE, 0.0) is not None
    assert (of.open, of.refused, of.busiest()) == (3, 2, (ONE, 2))


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", ONE, True),
    ],
)
def test_a_client_is_what_a_network_hands_out(first: str, second: str, is_one: bool) -> None:
    of = connections(1)
    assert of.enter(first, 0.0) is None
    assert (of.enter(second, 0.0) is not None) is is_one
    of.leave(second if is_one else first)
    assert of.enter(first, 0.0) is None


def test_so_many_in_a_minute_and_then_at_that_pace() -> None:
    of = connections(a_minute=6)
    for _ in range(6):
        assert of.enter(ONE, 100.0) is None
        of.leave(ONE)
    for at_s in (100.0, 109.0):  # what is refused counts for nothing
        said = refused(of.enter(ONE, at_s))
        assert "6 a minute are the limit (gateway.client_connection_rate)" in said
        assert said.endswith(f"again in {110 - at_s:.0f} s")
    assert of.enter(ONE, 110.0) is None
    assert of.enter(ONE, 110.0) is not None


def test_a_request_of_a_proxy_counts_as_a_connection_and_has_no_pace() -> None:
    of = connections(2, 1)
    assert [of.begin(ONE), of.begin(ONE)] == [None, None]
    assert "2 at once" in refused(of.begin(ONE))
    of.leave(ONE)
    assert of.begin(ONE) is None
    assert "2 at once" in refused(of.enter(ONE, 0.0))


def test_who_is_exempt_has_any_number_and_is_counted_all_the_same() -> None:
    of = connections(1, 1)
    assert [of.enter(NEAR, 0.0) or of.begin(NEAR) for _ in range(5)] == [None] * 5
    assert (of.open, of.refused, of.busiest()) == (10, 0, (NEAR, 10))


def test_nothing_is_kept_of_who_has_left() -> None:
    of = connections(1)
    of.enter(ONE, 0.0)
    of.leave(ONE)
    assert (of.open, of.busiest()) == (0, None)
    assert not of._by_client


def test_zero_is_any_number() -> None:
    of = connections()
    assert [of.enter(ONE, 0.0) for _ in range(100)] == [None] * 100
