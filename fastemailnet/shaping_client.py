"""The part of the client that is about shaping: ``fleet.shaping.suspend("example.org", "they asked us to wait", seconds=7_200)``."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import msgspec

from fastemailnet.web.calls import Call, wish

PATH = "/v1/shaping"


def site_call(domain: str, tenant: str | None) -> Call:
    """Where a domain's site is asked for."""
    query = "" if tenant is None else f"?tenant={quote(tenant, safe='')}"
    return Call("GET", f"{PATH}/sites/{quote(domain, safe='')}{query}")


def suspend_call(target: str, reason: str, tenant: str, lane: str, seconds: float | None) -> Call:
    """POST of a suspension."""
    body = {"target": target, "reason": reason, "tenant": tenant, "lane": lane, "seconds": seconds}
    return wish(f"{PATH}/suspend", body)


def resume_call(target: str, reason: str, tenant: str, lane: str) -> Call:
    """POST of a resumption."""
    return wish(f"{PATH}/resume", {"target": target, "reason": reason, "tenant": tenant, "lane": lane})


class ShapingCalls:
    """Of a synchronous client."""

    def __init__(self, ask: Callable[[Call], bytes]) -> None:
        self.ask = ask

    def standing(self) -> dict[str, Any]:
        """What rules and people did: ``standing``, and what the fleet's files say: ``providers``, ``domains``, ``rules``, ``notes``."""
        return self._answer(Call("GET", PATH))

    def site(self, domain: str, *, tenant: str | None = None) -> dict[str, Any]:
        """A domain's site: ``limits`` and where each comes from, ``rules``, and what stands there (for a tenant's mail, or all)."""
        return self._answer(site_call(domain, tenant))

    def suspend(
        self, target: str, reason: str, *, tenant: str = "", lane: str = "", seconds: float | None = None
    ) -> dict[str, Any]:
        """Send nothing to a domain, ``site:NAME``, ``provider:NAME`` or ``all``; for so long, or until it is resumed.

        The answer's ``known`` is false for a site that nothing is known of.

        Raises:
            MessageError: it is no target or lane, or the reason is empty or too long.
            NotFound: no file names the provider.
        """
        return self._answer(suspend_call(target, reason, tenant, lane, seconds))

    def resume(self, target: str, reason: str, *, tenant: str = "", lane: str = "") -> dict[str, Any]:
        """Send again; ``ended`` is what stood there. Raises ``NotFound`` where nothing does."""
        return self._answer(resume_call(target, reason, tenant, lane))

    def _answer(self, call: Call) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.ask(call))
        return found


class AsyncShapingCalls:
    """Of an asynchronous one."""

    def __init__(self, ask: Callable[[Call], Awaitable[bytes]]) -> None:
        self.ask = ask

    async def standing(self) -> dict[str, Any]:
        """See ``ShapingCalls.standing``."""
        return await self._answer(Call("GET", PATH))

    async def site(self, domain: str, *, tenant: str | None = None) -> dict[str, Any]:
        """See ``ShapingCalls.site``."""
        return await self._answer(site_call(domain, tenant))

    async def suspend(
        self, target: str, reason: str, *, tenant: str = "", lane: str = "", seconds: float | None = None
    ) -> dict[str, Any]:
        """See ``ShapingCalls.suspend``."""
        return await self._answer(suspend_call(target, reason, tenant, lane, seconds))

    async def resume(self, target: str, reason: str, *, tenant: str = "", lane: str = "") -> dict[str, Any]:
        """See ``ShapingCalls.resume``."""
        return await self._answer(resume_call(target, reason, tenant, lane))

    async def _answer(self, call: Call) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(await self.ask(call))
        return found
