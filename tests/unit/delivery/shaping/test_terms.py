"""Limits of a shape as a door is held to them."""

from fastemailnet.delivery.shaping.limits import Rate, Shape
from fastemailnet.delivery.shaping.policy import Site
from fastemailnet.delivery.shaping.terms import UNLIMITED, terms
from fastemailnet.delivery.terms import Ceilings, Terms
from fastemailnet.delivery.throttle import Pace

ALONE, OF_BIG = Site("mx.test", "mx.test"), Site("mx.test", "mx.test", "", ("big",))


def test_a_site_has_its_own_ceilings() -> None:
    shape = Shape(7, 20, Rate(60, 60), Rate(600, 60, 5), idle_timeout_s=9.0)
    assert terms(ALONE, shape, 60.0) == Terms(
        "mx.test", Ceilings(7, Pace(10.0, 5.0), Pace(1.0, 60.0)), "", None, 20, 9.0
    )
    assert terms(ALONE, Shape(), 60.0) == Terms("mx.test", Ceilings(32), "", None, 100, 60.0)


def test_a_provider_has_ceilings_where_any_is_set() -> None:
    assert terms(OF_BIG, Shape(), 60.0).of_provider is None
    assert terms(OF_BIG, Shape(provider_connection_limit=5), 60.0).of_provider == Ceilings(5)
    by_rate = terms(OF_BIG, Shape(provider_max_message_rate=Rate(50, 1), provider_max_connection_rate=Rate(2, 1)), 60.0)
    assert by_rate.of_provider == Ceilings(UNLIMITED, Pace(50.0, 50.0), Pace(2.0, 2.0))
    assert by_rate.provider == "big"
