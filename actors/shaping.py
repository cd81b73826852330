"""Shaping as a process has it: the policy of its files and the fold of the stream, caught up once before every delivery.

What a reply is worth is appended before the attempt ends: a hit that is lost all the same is met again with the next reply.

The domains that blocks are named for are looked up in the background, soon after the start and then again and again, so that a block
counts for the other domains of its site before anybody writes to its own.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from actors.clock import monotonic_ms, wall_ms
from actors.followed import Followed
from actors.unread import Unread
from fastemailnet.delivery.route import Route, RouteKind, Target
from fastemailnet.delivery.shaping.frames import FOR_GOOD, STREAM, Of, Scope, decode_frame, encode_frame
from fastemailnet.delivery.shaping.limits import tls_for
from fastemailnet.delivery.shaping.overrides import Overrides, Suspension
from fastemailnet.delivery.shaping.policy import Policy, Site, hosts_of
from fastemailnet.delivery.shaping.rules import heard_in
from fastemailnet.delivery.shaping.terms import terms
from fastemailnet.delivery.terms import Terms
from fastemailnet.delivery.waiting import PutOff
from fastemailnet.envelope import Unit
from fastemailnet.errors import LimitExceeded, LogError
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.net.dns import Dns
from fastemailnet.outcome import BounceClass, Kind, Outcome

LOOK_EVERY_MS: Final = 600_000  # at the hosts of the blocks' domains; answers are kept by their time to live
LOOKS_AT_ONCE: Final = 8
SUSPENDED_S: Final = 1_200.0  # after which what is suspended asks again
MAX_DOMAINS: Final = 50_000  # whose site is remembered from one question to the next
BOUNCED: Final = (5, 7, 1)  # RFC 3463: delivery not authorized
DEFERRED: Final = (4, 7, 1)
HEARD: Final = (Kind.DEFERRED, Kind.BOUNCED)


class Shaping:
    """The view of one process. ``dns``: None where every next hop is fixed."""

    def __init__(
        self,
        log: Log,
        group: GroupCommit,
        policy: Policy,
        node: str,
        dns: Dns | None = None,
        unread: Unread | None = None,
    ) -> None:
        self.group = group
        self.policy = policy
        self.dns = dns
        self.overrides = Overrides(policy, node)
        self.sites: OrderedDict[str, Site] = OrderedDict()
        self.next_look_ms = 0
        self.looking: asyncio.Task[None] | None = None
        self.frames = Followed(log, STREAM, decode_frame, self.overrides.apply, unread or Unread())

    def catch_up(self) -> None:
        """Read what is new."""
        self.frames.catch_up()

    # ---- questions

    async def site_of(self, route: Route, domain: str) -> Site:
        """The site of a domain's mail: that of its MX hosts, or of a fixed next hop. Asked first: this catches up."""
        fixed = route.fixed_target()
        if fixed is not None:
            found = self.site(domain, (fixed.host,), fixed)
        else:
            self.look_around()
            found = self.site(domain, await self._hosts(domain))
        self.sites[domain] = found
        self.sites.move_to_end(domain)
        if len(self.sites) > MAX_DOMAINS:
            self.sites.popitem(last=False)
        return found

    def terms(self, domain: str, hosts: Sequence[str], idle_s: float) -> Terms:
        """The limits of a domain's site now, as its door is held to them; the site is the one that ``site_of`` found last.

        ``hosts``: those that are tried, where it was never asked; ``idle_s``: of connections, where no limit says so.
        """
        site = self.sites.get(domain) or self.site(domain, hosts)
        return terms(site, self.overrides.shape(site, wall_ms()), idle_s)

    def site(self, domain: str, hosts: Sequence[str], next_hop: Target | None = None) -> Site:
        """The site of a domain with these MX hosts. ``next_hop``: the fixed one, whose own blocks count then."""
        self.catch_up()
        if next_hop is None:
            return self.overrides.site(self.policy.site(domain, hosts), domain, wall_ms())
        return self.overrides.site(self.policy.site(next_hop.host, hosts, next_hop.port), domain, wall_ms())

    async def targets(self, route: Route, domain: str) -> tuple[Target, ...]:
        """Every host that the domain's mail may be sent to, as nodes name those that are left alone."""
        fixed = route.fixed_target()
        if fixed is not None:
            return (fixed,)
        return tuple(Target(host, route.port) for host in await self._hosts(domain))

    def suspended(self, domain: str, site: Site, tenant: str, lane: str) -> Suspension | None:
        """What keeps mail of this tenant and lane from going there now."""
        self.catch_up()
        return self.overrides.suspended(domain, site, tenant, lane, wall_ms())

    def knows(self, name: str) -> bool:
        """Whether this process has had to do with a site of this name: by mail, a question, a block or a rule."""
        self.catch_up()
        if name in self.policy.apart or name in self.policy.learnt.values():
            return True
        has_effects = any(
            one.source and one.scope == Scope(Of.SITE, name) for one in self.overrides.standing(wall_ms())
        )
        return has_effects or any(name in (site.name, site.hosts) for site in self.sites.values())

    def routed(self, route: Route, site: Site) -> Route:
        """The route with what the site's limits ask of TLS. A fixed next hop is asked what its route says."""
        if route.kind is not RouteKind.MX:
            return route
        tls = tls_for(route.tls, self.overrides.shape(site, wall_ms()))
        return route if tls is route.tls else replace(route, tls=tls)

    def stopped(self, unit: Unit, site: Site, spared: Collection[int], others: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of the unit's recipients where its mail is suspended, but for those who have one in ``others``.

        ``spared``: whom an earlier end may have reached. They wait as well, but are never bounced: a doubt must be settled.
        """
        found = self.overrides.suspended(unit.domain, site, unit.tenant, unit.lane.value, wall_ms())
        if found is None or (found.is_bounce and spared):
            return []
        settled = {outcome.recipient for outcome in others}
        return [_refused(one.index, found) for one in unit.recipients if one.index not in settled]

    def turn(self, unit: Unit, site: Site) -> PutOff | None:
        """When a unit comes again whose mail is suspended; None where it is not.

        Soon enough that a resumption is felt, and before it expires: somebody may resume it until then.
        """
        found = self.overrides.suspended(unit.domain, site, unit.tenant, unit.lane.value, wall_ms())
        if found is None or found.is_bounce:
            return None
        again_ms = min(found.until_ms, unit.expires_ms - 1) - wall_ms()
        turn_s = min(again_ms / 1_000, SUSPENDED_S)
        return PutOff(turn_s, turn_s)

    def put_off(self, unit: Unit, site: Site) -> tuple[list[Outcome], PutOff] | None:
        """What becomes of a unit that cannot go now, since its mail is suspended; None of one that can."""
        turn = self.turn(unit, site)
        return None if turn is None else (self.stopped(unit, site, (), ()), turn)

    # ---- replies

    async def heard(self, domain: str, site: Site, tenant: str, outcomes: Sequence[Outcome]) -> None:
        """Tell the rules what became of a transaction; durable on return, as a rule."""
        if not self.policy.rules(site):
            return
        said = dict.fromkeys(heard_in(outcome) for outcome in outcomes if outcome.kind in HEARD)
        if said:
            self.catch_up()
        hits = [hit for heard in said for hit in self.overrides.hits(site, domain, tenant, heard, wall_ms())]
        if hits:
            with suppress(LogError, LimitExceeded):  # it is met again with the next reply
                await self.group.append(STREAM, 0, [encode_frame(hit) for hit in hits])

    # ---- hosts

    async def _hosts(self, domain: str) -> tuple[str, ...]:
        if self.dns is None or domain.startswith("["):
            return ()
        return hosts_of(domain, await self.dns.mx(domain))

    def look_around(self) -> None:
        """Look the blocks' domains up in the background, where it is time and nobody does."""
        is_busy = self.looking is not None and not self.looking.done()
        if self.policy.rollups and not is_busy and monotonic_ms() >= self.next_look_ms:
            self.next_look_ms = monotonic_ms() + LOOK_EVERY_MS
            self.looking = asyncio.create_task(self._learn())

    async def _learn(self) -> None:
        """Look up the hosts of every domain that a block is named for."""
        domains = self.policy.rollups
        for first in range(0, len(domains), LOOKS_AT_ONCE):
            some = domains[first : first + LOOKS_AT_ONCE]
            for domain, hosts in zip(some, await asyncio.gather(*map(self._hosts, some)), strict=True):
                if hosts:
                    self.policy.learn(domain, hosts)


def _refused(recipient: int, why: Suspension) -> Outcome:
    if why.is_bounce:
        reason = f"not sent (5.7.1): {why.reason}"
        return Outcome(recipient, Kind.BOUNCED, reason, None, BounceClass.POLICY_RELATED, BOUNCED)
    reason = f"suspended until {until(why.until_ms)}: {why.reason}"
    return Outcome(recipient, Kind.DEFERRED, reason, None, BounceClass.RATE_LIMITED, DEFERRED)


def until(at_ms: int) -> str:
    """The end of something, for people."""
    if at_ms >= FOR_GOOD:
        return "somebody resumes it"
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
