"""Questions to the DNS, through dnspython: answers and refusals are remembered for their time to live, within bounds (RFC 2308).

Whoever asks what is being asked already waits for the same answer, so a slow name server costs one query at a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rdatatype
import dns.resolver
from dns.rdatatype import AAAA, MX, TLSA, TXT, A, RdataType

from fastemailnet.delivery.answer import Answer, Found, Mx, Tlsa

MIN_TTL_S, MAX_TTL_S, MAX_NEGATIVE_TTL_S = 1.0, 3_600.0, 900.0
FAILURE_TTL_S = 5.0
MAX_ANSWERS = 100_000
EDNS_OCTETS = 1_232  # what passes every path unfragmented
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Nameservers:
    """Whom to ask; the system's resolver where no addresses are given."""

    addresses: tuple[str, ...] = ()
    port: int = 53
    timeout_s: float = 5.0  # of one query to one server
    lifetime_s: float = 20.0  # of a question to all of them
    is_trusted: bool = False  # validates, and the way to it is safe: its AD bit is believed


class Dns:
    """Asks, and remembers."""

    def __init__(self, servers: Nameservers | None = None) -> None:
        servers = servers or Nameservers()
        self.servers = servers
        self.resolver = dns.asyncresolver.Resolver(configure=not servers.addresses)
        if servers.addresses:
            self.resolver.nameservers = list(servers.addresses)
            self.resolver.port = servers.port
        self.resolver.timeout, self.resolver.lifetime = servers.timeout_s, servers.lifetime_s
        # The AD bit in a query asks for it in the answer, without the signatures (RFC 6840 section 5.7).
        self.resolver.flags = dns.flags.RD | dns.flags.AD
        self.resolver.use_edns(0, 0, EDNS_OCTETS)
        self.known: OrderedDict[tuple[str, RdataType], Answer[Any]] = OrderedDict()
        self.asking: dict[tuple[str, RdataType], asyncio.Task[Answer[Any]]] = {}

    async def mx(self, domain: str) -> Answer[Mx]:
        """Its mail exchangers, in no order."""
        return await self._ask(domain, MX, lambda one: Mx(one.preference, _text(one.exchange)))

    async def addresses(self, host: str) -> tuple[Answer[str], Answer[str]]:
        """Its IPv4 and its IPv6 addresses."""
        four, six = await asyncio.gather(self._ask(host, A, _address), self._ask(host, AAAA, _address))
        return four, six

    async def txt(self, name: str) -> Answer[str]:
        """Its texts, the strings of each joined."""
        return await self._ask(name, TXT, lambda one: b"".join(one.strings).decode("utf-8", "replace"))

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """Its TLSA records."""
        return await self._ask(name, TLSA, lambda one: Tlsa(one.usage, one.selector, one.mtype, one.cert))

    async def _ask(self, name: str, kind: RdataType, read: Callable[[Any], T]) -> Answer[T]:
        key = name, kind
        known = self.known.get(key)
        if known is not None and known.until_s > asyncio.get_running_loop().time():
            self.known.move_to_end(key)
            return cast(Answer[T], known)
        task = self.asking.get(key)
        if task is None:
            task = self.asking[key] = asyncio.create_task(self._look_up(name, kind, read))
            task.add_done_callback(lambda _: self.asking.pop(key))
        return cast(Answer[T], await asyncio.shield(task))

    async def _look_up(self, name: str, kind: RdataType, read: Callable[[Any], T]) -> Answer[T]:
        answer = await self._query(name, kind, read)
        self.known[name, kind] = answer
        if len(self.known) > MAX_ANSWERS:
            self.known.popitem(last=False)
        return answer

    async def _query(self, name: str, kind: RdataType, read: Callable[[Any], T]) -> Answer[T]:
        loop = asyncio.get_running_loop()
        try:
            found = await self.resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            (response,) = error.kwargs["responses"].values()  # one question, one answer
            until_s = loop.time() + _ttl(response, MAX_NEGATIVE_TTL_S)
            return Answer(Found.NO_NAME, (), name, self._is_secure(response), until_s)
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return Answer(Found.NO_NAME, (), name, until_s=loop.time() + MAX_NEGATIVE_TTL_S)
        except (dns.exception.DNSException, OSError) as error:
            failure = type(error).__name__
            return Answer(Found.FAILED, (), name, until_s=loop.time() + FAILURE_TTL_S, failure=failure)
        is_secure, owner = self._is_secure(found.response), _text(found.canonical_name)
        if found.rrset is None:
            until_s = loop.time() + _ttl(found.response, MAX_NEGATIVE_TTL_S)
            return Answer(Found.NO_DATA, (), owner, is_secure, until_s)
        records = tuple(read(one) for one in found.rrset)
        return Answer(Found.RECORDS, records, owner, is_secure, loop.time() + _ttl(found.response, MAX_TTL_S))

    def _is_secure(self, response: dns.message.Message) -> bool:
        return self.servers.is_trusted and bool(response.flags & dns.flags.AD)


def _ttl(response: dns.message.Message, most_s: float) -> float:
    assert isinstance(response, dns.message.QueryMessage)
    return max(MIN_TTL_S, min(float(response.resolve_chaining().minimum_ttl), most_s))


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower().removesuffix(".")


def _address(record: Any) -> str:
    return str(record.address)
