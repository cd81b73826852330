"""Where a domain takes its mail: the questions are asked here, ``delivery.exchanger`` decides what the answers mean."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from fastemailnet.delivery.exchanger import Hop, Rules, Unroutable, hops, literal, rank
from fastemailnet.net.dns import Dns

MAX_PLANS = 50_000


def _draw() -> int:
    return random.getrandbits(64)


class Resolver:
    """The way to every domain, kept as long as the answers that it was made of."""

    def __init__(
        self, dns: Dns, rules: Rules, draw: Callable[[], int] = _draw, redirect: tuple[str, int] | None = None
    ) -> None:
        """``redirect``: where to connect instead of the hosts found, for load tests."""
        self.dns = dns
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
        return until_s, hops(domain, ranked, found, self.rules, draw)
