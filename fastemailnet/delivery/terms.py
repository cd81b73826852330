"""What one site allows: the values that a node's connections are held to. Where they come from is not told here.

A site is a set of mail exchangers that belong together; a provider is several sites with ceilings of their own above each site's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastemailnet.delivery.throttle import Pace

UNLIMITED = 1_000_000  # connections of what is limited by rates alone


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Of one site or provider, for the whole fleet. None: unlimited."""

    connections: int
    messages: Pace | None = None
    new_connections: Pace | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one site."""

    site: str
    ceilings: Ceilings
    provider: str = ""
    of_provider: Ceilings | None = None
    deliveries: int = 100  # over one connection
    idle_s: float = 60.0


def door_name(site: str, port: int) -> str:
    """What a site's door is called: with the port, which the site of a fixed next hop has in its name already.

    No other site's name ends so: they are names of hosts, which have no colon, or address literals, which end in a bracket.
    """
    end = f":{port}"
    return site if site.endswith(end) else site + end


TermsOf = Callable[[str, Sequence[str]], Terms]  # of a domain whose mail these hosts take


def uniform(ceilings: Ceilings, deliveries: int = 100, idle_s: float = 60.0) -> TermsOf:
    """The same for every site; domains with the same hosts are one."""

    def terms(_: str, hosts: Sequence[str]) -> Terms:
        return Terms(",".join(sorted(hosts)), ceilings, deliveries=deliveries, idle_s=idle_s)

    return terms
