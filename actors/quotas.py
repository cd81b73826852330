"""How many recipients of each tenant were taken today, in a file, so that a restart does not begin the day anew.

It is written twice a second while something changes, and when the gateway stops: one that is killed forgets what it took in the last
half second. Nothing is read back from the log for it: mail that others put there counts for nobody's quota.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from actors.clock import monotonic_ms, wall_ms
from fastemailnet.admission.quota import Uses
from fastemailnet.admission.tenants import Tenant
from fastemailnet.errors import FastEmailNetError

log = logging.getLogger(__name__)
KEEP_EVERY_S: Final = 0.5


class Quotas:
    """The quotas of one gateway."""

    def __init__(self, path: Path) -> None:
        """Read the file; one that is not there, or holds nothing that can be used, is an empty one."""
        self.path = path
        self.uses = Uses(*_read(path))
        self.keeping: asyncio.Task[None] | None = None
        self.is_kept = True
        self.closing = asyncio.Event()

    def refuse_now(self, tenant: Tenant) -> None:
        """Raise RateExceeded where no message of the tenant may come now."""
        self.uses.refuse_now(tenant.name, tenant.quota, monotonic_ms() / 1_000)

    @contextmanager
    def taken(self, tenant: Tenant | None, recipients: int) -> Iterator[None]:
        """Count a message while it is appended; what certainly was not appended is given back.

        Raises:
            RateExceeded, DailyExceeded, MessageError: see ``Uses.take``; nothing was counted.
        """
        if tenant is None:
            yield
            return
        self.uses.take(tenant.name, tenant.quota, recipients, wall_ms(), monotonic_ms() / 1_000)
        day = self.uses.day  # not that of the clock, which may have gone back
        self._keep_soon()
        try:
            yield
        except FastEmailNetError as error:
            if error.definite:
                self.uses.give_back(tenant.name, tenant.quota, recipients, day)
            raise

    async def close(self) -> None:
        """Write what is not written yet."""
        self.closing.set()
        if self.keeping is not None:  # not cancelled: the thread would write on, beside the next one to the same file
            await self.keeping

    def _keep_soon(self) -> None:
        self.is_kept = False
        if self.keeping is None:
            self.keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Bring the counts into the file, until all are there. What fails is tried again, but for the last time at a stop."""
        while not self.is_kept:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), KEEP_EVERY_S)
            self.is_kept = True
            try:
                await asyncio.to_thread(_write, self.path, self._text())
            except OSError as error:
                log.warning("the use of quotas is not kept in %s: %s", self.path, error)
                self.is_kept = self.closing.is_set()
        self.keeping = None

    def _text(self) -> str:
        return json.dumps({"day": self.uses.day, "used": self.uses.used})


def _read(path: Path) -> tuple[int, dict[str, int]]:
    try:
        found = json.loads(path.read_text())
        return int(found["day"]), {str(name): int(count) for name, count in found["used"].items()}
    except FileNotFoundError:
        return 0, {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        log.warning("%s cannot be used, so today's use of quotas begins anew: %s", path, error)
        return 0, {}


def _write(path: Path, text: str) -> None:
    """Another file takes its place, so that it is whole whenever the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
