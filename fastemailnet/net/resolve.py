"""Where a domain takes its mail, and what it promises about TLS: asked here, decided in ``delivery``.

A policy belongs to the domain and not to the host: two domains with one mail host each have their own, and neither is held to the
other's.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from fastemailnet.delivery import dane
from fastemailnet.delivery.answer import Answer, Tlsa
from fastemailnet.delivery.demand import Dane, Promise
from fastemailnet.delivery.exchanger import Addresses, Hop, Rules, Unroutable, hops, literal, rank
from fastemailnet.delivery.sts import matches
from fastemailnet.net.dns import Dns
from fastemailnet.net.sts import Discovered, StsPolicies

MAX_PLANS = 50_000


def _draw() -> int:
    return random.getrandbits(64)


class Resolver:
    """The way to every domain, kept as long as the answers that it was made of."""

    def __init__(
        self,
        dns: Dns,
        rules: Rules,
        draw: Callable[[], int] = _draw,
        redirect: tuple[str, int] | None = None,
        sts: StsPolicies | None = None,
        *,
        dane: bool = False,
    ) -> None:
        """``redirect``: where to connect instead of the hosts found, for load tests. ``dane``: whether TLSA records are asked for."""
        self.dns = dns
        self.sts = sts
        self.dane = dane
        self.rules = rules
        self.draw = draw
        self.redirect = redirect
        self.plans: OrderedDict[str, tuple[float, list[Hop] | Unroutable]] = OrderedDict()

    async def hops(self, domain: str) -> list[Hop] | Unroutable:
        """The hosts to try, best first, or why there is none."""
        known = self.plans.get(domain)
        if known is not None and known[0] > asyncio.get_running_loop().time():
            return known[1]
        until_s, plan = await self._plan(domain)
        if self.redirect is not None and isinstance(plan, list):
            host, port = self.redirect
            plan = [Hop(replace(hop.target, port=port), (host,)) for hop in plan]
        self.plans[domain] = until_s, plan
        self.plans.move_to_end(domain)
        if len(self.plans) > MAX_PLANS:
            self.plans.popitem(last=False)
        return plan

    async def _plan(self, domain: str) -> tuple[float, list[Hop] | Unroutable]:
        """A plan and until when it holds: as long as every answer in it."""
        if domain.startswith("["):
            return float("inf"), literal(domain, self.rules)
        draw = self.draw()
        mx = await self.dns.mx(domain)
        ranked = rank(domain, mx, self.rules.own_name, draw)
        if isinstance(ranked, Unroutable):
            return mx.until_s, ranked
        answers = await asyncio.gather(*(self.dns.addresses(host) for _, host in ranked))
        found = {host: answer for (_, host), answer in zip(ranked, answers, strict=True)}
        until_s = min(mx.until_s, *(one.until_s for pair in answers for one in pair))
        plan = hops(domain, ranked, found, self.rules, draw)
        if isinstance(plan, Unroutable):
            return until_s, plan
        policy = await self.sts.of(domain) if self.sts is not None else Discovered(None, None, until_s)
        promised = [await self._promise(hop, mx.is_secure, found[hop.target.host], policy) for hop in plan]
        until_s = min(until_s, policy.until_s, *(one for one, _ in promised))
        return until_s, [replace(hop, promise=promise) for hop, (_, promise) in zip(plan, promised, strict=True)]

    async def _promise(self, hop: Hop, is_secure: bool, addresses: Addresses, sts: Discovered) -> tuple[float, Promise]:
        """What is known about the TLS of a host, and until when."""
        host, policy = hop.target.host, sts.policy
        is_match = policy is None or matches(policy, host)
        promise = Promise(policy, is_match, is_secure=is_secure, trouble=sts.trouble, unsure=sts.unsure)
        if not self.dane or not dane.is_due(is_secure, addresses):
            return sts.until_s, promise
        until_s, (state, records), base = await self._tlsa(host, addresses)
        base = base if base != host else ""
        return until_s, replace(promise, dane=state, tlsa=records, base=base)

    async def _tlsa(self, host: str, addresses: Addresses) -> tuple[float, tuple[Dane, tuple[Tlsa, ...]], str]:
        """TLSA records of the name that CNAMEs lead to, else of the host (RFC 7672 section 2.2.3)."""
        ends = [one.name for one in addresses if one.records]
        until_s = float("inf")
        judged: tuple[Dane, tuple[Tlsa, ...]] = (Dane.NONE, ())
        for base in dict.fromkeys((ends[0], host)):
            answer: Answer[Tlsa] = await self.dns.tlsa(f"_{self.rules.port}._tcp.{base}")
            until_s = min(until_s, answer.until_s)
            judged = dane.judge(answer)
            if judged[0] is not Dane.NONE:
                return until_s, judged, base
        return until_s, judged, host
