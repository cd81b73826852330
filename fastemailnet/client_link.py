"""What both clients do with a wish: bring it to the gateway, try again where that helps, and show the tenant's key."""

import asyncio
import os
import time
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from fastemailnet.errors import FastEmailNetError
from fastemailnet.shaping_client import AsyncShapingCalls, ShapingCalls
from fastemailnet.web import calls
from fastemailnet.web.calls import Call
from fastemailnet.web.tries import Tries

DEFAULT_URL: Final = "http://127.0.0.1:8025"
TIMEOUT_S: Final = 60.0
KEY_VARIABLE: Final = "FASTEMAILNET_KEY"


def authorization(key: str | None) -> dict[str, str]:
    """The header fields that show a key: the one given, else that of the environment; none where there is none."""
    shown = os.environ.get(KEY_VARIABLE, "") if key is None else key
    return {"Authorization": f"Bearer {shown}"} if shown else {}


class Link:
    """The connections of a synchronous client."""

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = TIMEOUT_S, key: str | None = None) -> None:
        """``key``: the tenant's; None: that of the environment (``FASTEMAILNET_KEY``), if it has one."""
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False, headers=authorization(key))
        self.shaping = ShapingCalls(self._ask)

    def is_up(self) -> bool:
        """Whether the gateway answers now."""
        try:
            return self._http.get("/healthz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _get(self, path: str) -> Any:
        return msgspec.json.decode(self._ask(Call("GET", path)))

    def _try(self, call: Call) -> bytes | FastEmailNetError:
        try:
            return self._ask(call)
        except FastEmailNetError as error:
            return error

    def _ask(self, call: Call) -> bytes:
        tries = Tries()
        while True:
            try:
                answer = self._http.request(call.method, call.path, headers=call.headers, content=call.content)
                return calls.check(answer.status_code, answer.content)
            except httpx.HTTPError as problem:
                error: FastEmailNetError = calls.unreachable(str(self._http.base_url), problem)
            except FastEmailNetError as problem:
                error = problem
            if (pause_s := tries.pause_s(error)) is None:
                raise error
            time.sleep(pause_s)


class AsyncLink:
    """The same for asyncio."""

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = TIMEOUT_S, key: str | None = None) -> None:
        """As for ``Link``."""
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, trust_env=False, headers=authorization(key))
        self.shaping = AsyncShapingCalls(self._ask)

    async def is_up(self) -> bool:
        """See ``Link.is_up``."""
        try:
            return (await self._http.get("/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def _get(self, path: str) -> Any:
        return msgspec.json.decode(await self._ask(Call("GET", path)))

    async def _try(self, call: Call) -> bytes | FastEmailNetError:
        try:
            return await self._ask(call)
        except FastEmailNetError as error:
            return error

    async def _ask(self, call: Call) -> bytes:
        tries = Tries()
        while True:
            try:
                answer = await self._http.request(call.method, call.path, headers=call.headers, content=call.content)
                return calls.check(answer.status_code, answer.content)
            except httpx.HTTPError as problem:
                error: FastEmailNetError = calls.unreachable(str(self._http.base_url), problem)
            except FastEmailNetError as problem:
                error = problem
            if (pause_s := tries.pause_s(error)) is None:
                raise error
            await asyncio.sleep(pause_s)
