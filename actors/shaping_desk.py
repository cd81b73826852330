"""The gateway's side of shaping: what holds, as people ask for it, and their word as a record before it is answered."""

import asyncio
from typing import Any

from actors.clock import wall_ms
from actors.reader import Call
from actors.shaping import Shaping
from fastemailnet.delivery.route import Routes
from fastemailnet.delivery.shaping.explain import concerning, limits, shown
from fastemailnet.delivery.shaping.frames import FOR_GOOD, STREAM, Frame, Of, Resume, Scope, Suspend, encode_frame
from fastemailnet.delivery.shaping.overrides import PERSON, SUSPENDED, Effect
from fastemailnet.delivery.shaping.policy import Policy, Setting
from fastemailnet.delivery.terms import door_name
from fastemailnet.errors import NotFound
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.net.dns import Dns

GATEWAY = "gateway"  # who hears nothing
PATIENCE_S = 5.0  # with the look-ups of the blocks' domains; what is not known by then is told without


class KnownSites:
    """Asks the nodes whether there was mail for a site. One that cannot be reached now knows nothing."""

    def __init__(self, call: Call, nodes: int) -> None:
        self.call = call
        self.nodes = nodes

    async def has(self, name: str) -> bool:
        """Whether any node has had mail for a site of this name since it started."""
        asked = (self.call(f"node-{number}", "knows_site", name) for number in range(self.nodes))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return any(answer is True for answer in answers)


class ShapingDesk:
    """Implements ``web.shaping.Desk``."""

    def __init__(
        self,
        log: Log,
        group: GroupCommit,
        policy: Policy,
        routes: Routes,
        dns: Dns | None,
        sites: KnownSites,
        idle_s: float,
    ) -> None:
        """``idle_s``: how long connections are kept where no limit says so."""
        self.sites = sites
        self.log = log
        self.group = group
        self.policy = policy
        self.routes = routes
        self.dns = dns
        self.idle_s = idle_s
        self.shaping: Shaping | None = None  # read when it is first asked for, off the loop
        self.one_at_a_time = asyncio.Lock()

    async def standing(self) -> dict[str, Any]:
        """See ``Desk.standing``."""
        shaping = await self._read()
        return {
            "standing": [shown(one) for one in shaping.overrides.standing(wall_ms())],
            "providers": list(self.policy.providers),
            "domains": [*self.policy.domains, *self.policy.apart],
            "rules": len(self.policy.by_key),
            "notes": list(self.policy.notes),
        }

    async def site(self, domain: str, tenant: str | None = None) -> dict[str, Any]:
        """See ``Desk.site``."""
        shaping = await self._around()
        route = self.routes.of(domain)
        site, now_ms = await shaping.site_of(route, domain), wall_ms()
        targets = await shaping.targets(route, domain)
        elsewhere = {
            "idle_timeout": Setting(f"{self.idle_s:g}s", "delivery.connection_idle_s"),
            "enable_tls": Setting(route.tls, "tls of the route"),
        }
        return {
            "domain": domain,
            "route": route.kind.value,
            "site": site.name,
            "hosts": site.hosts,
            "door": door_name(site.name, route.port),
            "targets": [str(one) for one in targets],
            "providers": list(site.providers),
            "limits": [one._asdict() for one in limits(shaping.overrides, site, now_ms, elsewhere)],
            "rules": [{"where": rule.where, "regex": rule.shown} for rule in self.policy.rules(site)],
            "standing": [shown(one) for one in concerning(shaping.overrides, domain, site, now_ms, tenant)],
        }

    async def suspend(self, scope: Scope, reason: str, seconds: float | None) -> dict[str, Any]:
        """See ``Desk.suspend``."""
        if scope.of is Of.PROVIDER and scope.name not in self.policy.providers:
            known = ", ".join(self.policy.providers) or "none"
            raise NotFound(f"no file of shaping.files names a provider {scope.name!r}; known: {known}")
        now_ms = wall_ms()
        until_ms = FOR_GOOD if seconds is None else now_ms + round(seconds * 1_000)
        at_ms = (await self._read()).overrides.next_word_ms(scope, now_ms)
        await self._append(Suspend(scope, at_ms, until_ms, reason))
        is_known = scope.of is not Of.SITE or await self._knows(scope.name)
        return {**shown(Effect(scope, PERSON, SUSPENDED, at_ms, until_ms, reason)), "known": is_known}

    async def resume(self, scope: Scope, reason: str) -> dict[str, Any]:
        """See ``Desk.resume``."""
        overrides, now_ms = (await self._read()).overrides, wall_ms()
        ended = [one for one in overrides.standing(now_ms) if one.scope == scope]
        if not ended:
            others = ", ".join(sorted({str(one.scope) for one in overrides.standing(now_ms)})[:20]) or "nothing"
            raise NotFound(f"nothing stands for {scope}; what does: {others}")
        await self._append(Resume(scope, overrides.next_word_ms(scope, now_ms), reason))
        return {"ended": [shown(one) for one in ended]}

    async def _knows(self, name: str) -> bool:
        """Whether anything is known of a site of this name: a route, a block, a rule's effect, or mail."""
        fixed = [target for route in self.routes.all if (target := route.fixed_target()) is not None]
        named = {word.lower() for target in fixed for word in (target.host, str(target))}
        if name in named or (await self._around()).knows(name):
            return True
        return await self.sites.has(name)

    async def _around(self) -> Shaping:
        """What is known when the blocks' domains were looked up, or could not be in time."""
        shaping = await self._read()
        shaping.look_around()
        if shaping.looking is not None:
            await asyncio.wait({shaping.looking}, timeout=PATIENCE_S)
        return shaping

    async def _append(self, frame: Frame) -> None:
        await self.group.append(STREAM, 0, [encode_frame(frame)])

    async def _read(self) -> Shaping:
        async with self.one_at_a_time:
            if self.shaping is None:
                made = asyncio.to_thread(Shaping, self.log, self.group, self.policy, GATEWAY, self.dns)
                self.shaping = await made
            await asyncio.to_thread(self.shaping.catch_up)
            return self.shaping
