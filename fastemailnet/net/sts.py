"""MTA-STS policies of domains: announced over DNS, fetched over HTTPS, kept in memory and in a file (RFC 8461 section 3).

A fetch has one time limit for everything and a domain waits for its own only: whatever a policy host does, no other domain waits
for it. No redirect is followed, and the certificate must be valid for ``mta-sts.<domain>`` (section 3.3).
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from fastemailnet.delivery.answer import Found
from fastemailnet.delivery.demand import Result, Trouble
from fastemailnet.delivery.sts import MAX_POLICY_OCTETS, Kept, Policy, Step, next_step, read_policy, read_record
from fastemailnet.net import tls
from fastemailnet.net.dns import Dns
from fastemailnet.net.sts_file import PolicyFile

FETCH_S = 10.0
MAX_FETCHES = 256  # at once; more wait, within their time
MAX_DOMAINS = 50_000
PATH = "/.well-known/mta-sts.txt"


@dataclass(frozen=True, slots=True)
class Discovered:
    """The policy of a domain, if it has one, or why it is not known; looked at again at ``until_s`` of the loop's clock."""

    policy: Policy | None
    trouble: Trouble | None
    until_s: float
    unsure: str = ""  # why it cannot be said now that there is none


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class StsPolicies:
    """The policies of all domains."""

    def __init__(
        self,
        dns: Dns,
        trust: tls.Trust,
        *,
        port: int = 443,
        fetch_s: float = FETCH_S,
        now: Callable[[], int] = _wall_ms,
        file: PolicyFile | None = None,
    ) -> None:
        """``port`` of every policy host: 443 but in tests. ``file``: where policies outlive this process."""
        self.dns, self.trust, self.port, self.fetch_s, self.now_ms = dns, trust, port, fetch_s, now
        self.file = file
        self.kept = OrderedDict[str, Kept](file.load(now(), MAX_DOMAINS) if file is not None else {})
        self.troubles: dict[str, Trouble] = {}
        self.fetching: dict[str, asyncio.Task[None]] = {}
        self.slots = asyncio.Semaphore(MAX_FETCHES)

    async def of(self, domain: str) -> Discovered:
        """The domain's policy now. Waits for a fetch where none is known, no longer than one may take."""
        answer = await self.dns.txt(f"_mta-sts.{domain}")
        record_id = read_record(answer.records) if answer.found is Found.RECORDS else None
        step = next_step(self.kept.get(domain, Kept()), record_id, self.now_ms())
        if step is not Step.USE and record_id is not None:
            task = self.fetching.get(domain) or self._begin(domain, record_id)
            if step is Step.FETCH:
                await asyncio.wait([task])
        kept, now_ms = self.kept.get(domain, Kept()), self.now_ms()
        left_s = max(0, kept.until_ms - now_ms) / 1_000 if kept.live(now_ms) else float("inf")
        until_s = min(answer.until_s, asyncio.get_running_loop().time() + left_s)
        trouble = self.troubles.get(domain)
        unsure = trouble.text if trouble is not None else answer.failure
        return Discovered(kept.live(now_ms), trouble, until_s, unsure)

    def _begin(self, domain: str, record_id: str) -> asyncio.Task[None]:
        task = self.fetching[domain] = asyncio.create_task(self._fetch(domain, record_id))
        task.add_done_callback(lambda _: self.fetching.pop(domain))
        return task

    async def _fetch(self, domain: str, record_id: str) -> None:
        fetched = await self._try(domain)
        kept = self.kept.get(domain, Kept())
        if isinstance(fetched, Policy):
            self.troubles.pop(domain, None)
            self.kept[domain] = kept = Kept(record_id, fetched, self.now_ms())
        else:
            self.troubles[domain] = fetched
            self.kept[domain] = replace(kept, failed_ms=self.now_ms(), failure=fetched.text)
        self.kept.move_to_end(domain)
        oldest = ""
        if len(self.kept) > MAX_DOMAINS:
            oldest, _ = self.kept.popitem(last=False)
            self.troubles.pop(oldest, None)
        if self.file is not None and (oldest or isinstance(fetched, Policy)):
            await asyncio.to_thread(self.file.keep, domain, kept, oldest)

    async def _try(self, domain: str) -> Policy | Trouble:
        host = f"mta-sts.{domain}"
        try:
            async with asyncio.timeout(self.fetch_s), self.slots:
                return await self._get(host)
        except TimeoutError:
            return Trouble(Result.STS_FETCH, f"{host} did not answer within {self.fetch_s:g} s")
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            if tls.is_certificate_refused(error):
                return Trouble(Result.STS_WEBPKI, f"{host}: {error}")
            return Trouble(Result.STS_FETCH, f"{host}: {error or type(error).__name__}")

    async def _get(self, host: str) -> Policy | Trouble:
        four, six = await self.dns.addresses(host)
        addresses = [*four.records, *(f"[{address}]" for address in six.records)]
        if not addresses:
            return Trouble(Result.STS_FETCH, f"{host} has no address")
        failure: httpx.ConnectError | None = None
        headers = {"Host": host, "Accept-Encoding": "identity"}
        async with httpx.AsyncClient(verify=self.trust.https(), trust_env=False, timeout=None) as client:
            for address in addresses:
                url = f"https://{address}:{self.port}{PATH}"
                asked = client.build_request("GET", url, headers=headers, extensions={"sni_hostname": host})
                try:
                    return await self._read(client, asked)
                except httpx.ConnectError as error:
                    failure = error
        assert failure is not None
        raise failure

    async def _read(self, client: httpx.AsyncClient, asked: httpx.Request) -> Policy | Trouble:
        response = await client.send(asked, stream=True, follow_redirects=False)
        try:
            if response.status_code != 200:
                return Trouble(Result.STS_FETCH, f"{asked.headers['Host']} answers {response.status_code}")
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/plain":
                return Trouble(Result.STS_INVALID, f"media type {kind[:40]!a} is not text/plain")
            octets = bytearray()
            async for part in response.aiter_raw():
                octets += part
                if len(octets) > MAX_POLICY_OCTETS:
                    break
        finally:
            await response.aclose()
        policy = read_policy(bytes(octets))
        return policy if isinstance(policy, Policy) else Trouble(Result.STS_INVALID, policy)
