"""The doors of all sites that mail goes to, and what they have together: providers, and the node's parts of the fleet's limits.

Before them stand the throttles of tenants, through which the gate sends what looks like spam (``delivery.gate``).
"""

import asyncio
from collections.abc import Iterable, Sequence

from fastemailnet.delivery.demand import PLAIN, Demand
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.route import Target
from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.terms import Terms, TermsOf, door_name
from fastemailnet.net.door import Claim, Door, Waiter
from fastemailnet.net.scope import Scope, Wants

MAX_SHOWN = 20
MAX_DOORS = 10_000  # sites that are remembered, or twice as many as are in use
MAX_THROTTLES = 1_000  # likewise, beside those that are in use


class Doors:
    """Finds the door of a site; makes it where there is none."""

    def __init__(self, terms: TermsOf, shares: Shares) -> None:
        self.terms, self.shares = terms, shares
        self.doors: dict[
            tuple[str, str], Door
        ] = {}  # by site and provider: domains with the same hosts may be of several
        self.sites: dict[str, Scope] = {}
        self.at: dict[Target, dict[Door, None]] = {}  # that lead to a host
        self.providers: dict[str, Scope] = {}
        self.throttles: dict[str, Door] = {}
        self.doors_in_use = self.in_use = 0  # of the doors and of the throttles, when they were looked through last

    def of(self, domain: str, hops: Sequence[Hop]) -> Door:
        """The door of the site that takes the domain's mail."""
        terms = self.terms(domain, [hop.target.host for hop in hops])
        name = door_name(terms.site, hops[0].target.port)
        key = (name, terms.provider if terms.of_provider is not None else "")
        door = self.doors.get(key)
        if door is None:
            door = self.doors[key] = Door(terms, tuple(self._scopes_of(name, terms)))
            if len(self.doors) > max(MAX_DOORS, 2 * self.doors_in_use):
                self._forget()
        door.bind(terms)
        for hop in hops:
            self.at.setdefault(hop.target, {})[door] = None
        return door

    def of_throttle(self, terms: Terms) -> Door:
        """The door of a throttle: with no host behind it, so that whoever goes through it leaves it at once."""
        door = self.throttles.get(terms.site)
        if door is None:
            if len(self.throttles) >= max(MAX_THROTTLES, 2 * self.in_use):
                self._forget_throttles()
            door = self.throttles[terms.site] = Door(terms, (Scope(terms.site, terms.ceilings, self.shares),))
        door.bind(terms)
        return door

    def refuse_far(self, claim: Claim) -> None:
        """Raise TurnIsFarError where a mail's turn at its throttle is too far off to wait for it here."""
        if claim.throttle is not None:
            self.of_throttle(claim.throttle).refuse_far(claim)

    async def take_turn(self, claim: Claim) -> None:
        """Wait for a mail's turn at its throttle, if it has one.

        Raises:
            TurnIsFarError: that would be long, or is.
        """
        if claim.throttle is not None:
            door = self.of_throttle(claim.throttle)
            await door.enter(claim, Target(claim.throttle.site, 0), PLAIN)
            door.leave(None, lane=claim.lane)

    def _scopes_of(self, name: str, terms: Terms) -> Iterable[Scope]:
        if name not in self.sites:
            self.sites[name] = Scope(name, terms.ceilings, self.shares)
        yield self.sites[name]
        if terms.of_provider is not None:
            if terms.provider not in self.providers:
                self.providers[terms.provider] = Scope(terms.provider, terms.of_provider, self.shares)
            yield self.providers[terms.provider]

    def _forget(self) -> None:
        """Leave the doors behind which nothing happens or is to be waited for, but the last: a slow pace must not begin anew."""
        now_s = asyncio.get_running_loop().time()
        for key, door in list(self.doors.items())[:-1]:
            door.site.trim()
            if door.site.is_as_new(now_s):
                del self.doors[key]
        self.doors_in_use = len(self.doors)
        self.sites = {door.site.name: door.site for door in self.doors.values()}
        kept = set(self.doors.values())
        led = {target: {door: None for door in doors if door in kept} for target, doors in self.at.items()}
        self.at = {target: doors for target, doors in led.items() if doors}

    def _forget_throttles(self) -> None:
        """Leave those at which nobody waits, and that would let the next one through at once anyway."""
        now_s = asyncio.get_running_loop().time()
        kept = {name: door for name, door in self.throttles.items() if door.waiting or door.site.messages.tat_s > now_s}
        self.throttles, self.in_use = kept, len(kept)

    def talk(self, target: Target, due: Demand) -> bool:
        """Whether any has a connection open to the host that mail of this demand may use."""
        return any(door.talks(target, due) for door in self.at.get(target, ()))

    def waiters(self, target: Target) -> list[Waiter]:
        """Who waits to be sent to a host."""
        return [one for door in self.at.get(target, ()) for one in door.waiting.entries() if one.target == target]

    def wants(self, elapsed_s: float) -> Wants:
        """What this node wants of the limits of all that is in use; ``elapsed_s`` since it was asked before."""
        now_s = asyncio.get_running_loop().time()
        wants: Wants = {}
        for scope in self._scopes():
            if scope.is_wanted(now_s):
                wants |= scope.wants(elapsed_s, now_s)
        return wants

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits at a door."""
        return any(scope.crowd for scope in self._scopes())

    def status(self) -> dict[str, str]:
        """Of the sites where something waits, why; the most crowded first."""
        now_s = asyncio.get_running_loop().time()
        doors = (*self.doors.values(), *self.throttles.values())
        crowded = [door for door in doors if door.waiting or door.later_count(now_s)]
        ranked = sorted(crowded, key=lambda door: len(door.waiting), reverse=True)
        return {door.site.name: door.status(now_s) for door in reversed(ranked[:MAX_SHOWN])}

    def heed_shares(self) -> None:
        """The node's parts have changed: close what is too much, serve who waits."""
        now_s = asyncio.get_running_loop().time()
        for scope in self._scopes():
            if scope.resting:
                scope.trim()
            if scope.crowd:
                scope.pass_on(now_s)

    def close(self) -> None:
        """Close what is idle."""
        for door in self.doors.values():
            for connection in door.idle:
                connection.close()
            door.idle.clear()

    def _scopes(self) -> list[Scope]:
        throttles = (door.site for door in self.throttles.values())
        return [*self.sites.values(), *self.providers.values(), *throttles]
