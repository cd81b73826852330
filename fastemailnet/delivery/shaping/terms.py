"""A site's limits as its door is held to them (``delivery.terms``)."""

from fastemailnet.delivery.shaping.limits import Rate, Shape
from fastemailnet.delivery.shaping.policy import Site
from fastemailnet.delivery.terms import UNLIMITED, Ceilings, Terms
from fastemailnet.delivery.throttle import Pace


def terms(site: Site, shape: Shape, idle_s: float) -> Terms:
    """``idle_s``: of connections, where the shape does not say."""
    ceilings = Ceilings(shape.connection_limit, pace(shape.max_message_rate), pace(shape.max_connection_rate))
    return Terms(
        site.name,
        ceilings,
        site.provider,
        of_provider(shape) if site.provider else None,
        shape.max_deliveries_per_connection,
        idle_s if shape.idle_timeout_s is None else shape.idle_timeout_s,
    )


def of_provider(shape: Shape) -> Ceilings | None:
    """The ceilings that all sites of a provider share; None where it has none."""
    rates = (shape.provider_max_message_rate, shape.provider_max_connection_rate)
    if shape.provider_connection_limit is None and rates == (None, None):
        return None
    return Ceilings(shape.provider_connection_limit or UNLIMITED, *map(pace, rates))


def pace(rate: Rate | None) -> Pace | None:
    """A rate as it is kept: a burst, then evenly."""
    return None if rate is None else Pace(rate.per_s, float(rate.burst))
