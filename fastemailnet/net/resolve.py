"""Where a domain takes its mail: MX by dnspython, answers and refusals cached for their time to live (RFC 5321 section 5, RFC 7505)."""

import asyncio
import random
from dataclasses import dataclass
from operator import itemgetter

import dns.asyncresolver
import dns.exception
import dns.resolver
from dns.rdatatype import MX

from fastemailnet.delivery.route import Target
from fastemailnet.outcome import BounceClass, Kind, Outcome

LIFETIME_S = 20.0
NEGATIVE_TTL_S = 60.0
FAILURE_TTL_S = 5.0
MAX_TTL_S = 3_600.0
MAX_DOMAINS = 50_000


@dataclass(frozen=True, slots=True)
class Unroutable:
    """No host takes mail for the domain: for good (bounced) or for now (deferred)."""

    kind: Kind
    reason: str
    status: tuple[int, int, int] = (4, 4, 3)  # RFC 3463: directory server failure
    bounce_class: BounceClass = BounceClass.DNS_FAILURE

    def outcome(self, recipient: int, kind: Kind | None = None) -> Outcome:
        """What that means for one recipient; ``kind`` where something else is known better."""
        return Outcome(recipient, kind or self.kind, self.reason, None, self.bounce_class, self.status)


class Resolver:
    """MX look-ups through the system's resolver, or the nameservers given."""

    def __init__(self, port: int, nameservers: list[str] | None = None, nameserver_port: int = 53) -> None:
        self.port = port
        self.resolver = dns.asyncresolver.Resolver(configure=nameservers is None)
        if nameservers is not None:
            self.resolver.nameservers = nameservers
            self.resolver.port = nameserver_port
        self.resolver.lifetime = LIFETIME_S
        self.known: dict[str, tuple[float, list[Target] | Unroutable]] = {}

    async def targets(self, domain: str) -> list[Target] | Unroutable:
        """The hosts to try, best first, or why there is none."""
        if domain.startswith("["):
            return [Target(domain, self.port)]
        now_s = asyncio.get_running_loop().time()
        known = self.known.get(domain)
        if known is not None and known[0] > now_s:
            return known[1]
        answer, ttl_s = await self._look_up(domain)
        if len(self.known) >= MAX_DOMAINS:
            self.known.clear()
        self.known[domain] = (now_s + ttl_s, answer)
        return answer

    async def _look_up(self, domain: str) -> tuple[list[Target] | Unroutable, float]:
        try:
            found = await self.resolver.resolve(domain, MX)
        except dns.resolver.NXDOMAIN:
            reason = f"domain {domain} does not exist (5.1.2)"
            return Unroutable(Kind.BOUNCED, reason, (5, 1, 2), BounceClass.BAD_DOMAIN), NEGATIVE_TTL_S
        except dns.resolver.NoAnswer:
            # No MX: the domain itself is its mail host (RFC 5321 section 5.1).
            return [Target(domain, self.port)], NEGATIVE_TTL_S
        except dns.exception.DNSException as error:
            return Unroutable(
                Kind.DEFERRED, f"MX of {domain} cannot be looked up now: {type(error).__name__}"
            ), FAILURE_TTL_S
        hosts = [(record.preference, record.exchange.to_text(omit_final_dot=True).lower()) for record in found]
        random.shuffle(hosts)  # RFC 5321 section 5.1: hosts of equal preference share the load
        ranked = sorted(hosts, key=itemgetter(0))
        ttl_s = min(float(found.rrset.ttl) if found.rrset is not None else 0.0, MAX_TTL_S)
        if [host for _, host in ranked] in ([""], ["."]):
            reason = f"domain {domain} takes no mail: null MX (RFC 7505, 5.1.10)"
            return Unroutable(Kind.BOUNCED, reason, (5, 1, 10), BounceClass.BAD_DOMAIN), ttl_s
        return [Target(host, self.port) for _, host in ranked], ttl_s
