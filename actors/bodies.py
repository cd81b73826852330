"""Bodies outside the log: put out before the record that refers to them, brought in with their unit (theory: ``blobs.interface``).

A store that hangs must hold up nothing but the mail that needs it, so it has threads of its own and is not waited for long.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec

from fastemailnet.blobs.interface import Blobs, refer, verified
from fastemailnet.envelope import Unit
from fastemailnet.errors import BlobError

INLINE_OCTETS: Final = 524_288  # a record of twice this size is what Kafka takes unless told otherwise
ALL_INLINE: Final = 0
AT_ONCE: Final = 8
PATIENCE_S: Final = 30.0
T = TypeVar("T")


class Bodies:
    """The bodies of one process. ``inline_octets``: what takes more, over all units of its message, is put out; ALL_INLINE: nothing."""

    def __init__(self, blobs: Blobs, inline_octets: int, patience_s: float = PATIENCE_S) -> None:
        self.blobs = blobs
        self.inline_octets = inline_octets
        self.patience_s = patience_s
        self.threads = ThreadPoolExecutor(AT_ONCE, "blobs")

    async def put_out(self, units: Sequence[Unit]) -> Sequence[Unit]:
        """The units of one message as they are to be appended.

        Raises:
            BlobError: their body is too large for the log and cannot be kept elsewhere now.
        """
        first = units[0]
        if self.inline_octets == ALL_INLINE or len(first.body) * len(units) <= self.inline_octets:
            return units
        blob = refer(first)
        await self._do(lambda: self.blobs.put(blob.key, first.body))
        return [msgspec.structs.replace(unit, body=b"", blob=blob) for unit in units]

    async def renew(self, unit: Unit, at_ms: int) -> Unit:
        """A unit whose term begins anew: a body outside the log is put out again, under the day of ``at_ms``.

        Raises:
            BlobAltered: what is kept is another body.
            BlobError: it cannot be had or kept now.
        """
        if unit.blob is None:
            return unit
        whole = await self.bring_in(unit)
        blob = refer(whole, at_ms)
        await self._do(lambda: self.blobs.put(blob.key, whole.body))
        return msgspec.structs.replace(unit, blob=blob)

    async def bring_in(self, unit: Unit) -> Unit:
        """The unit with its body.

        Raises:
            BlobAltered: what is kept is another body.
            BlobError: it cannot be had now.
        """
        blob = unit.blob
        if blob is None:
            return unit
        octets = await self._do(lambda: self.blobs.get(blob.key))
        return msgspec.structs.replace(unit, body=verified(blob, octets), blob=None)

    async def sweep(self, now_ms: int) -> int:
        """Delete what nobody needs any more. Raises BlobError."""
        return await self._do(lambda: self.blobs.sweep(now_ms))

    async def _do(self, call: Callable[[], T]) -> T:
        asked = asyncio.get_running_loop().run_in_executor(self.threads, call)
        try:
            return await asyncio.wait_for(asked, self.patience_s)
        except TimeoutError:
            raise BlobError(f"the store of bodies did not answer within {self.patience_s:.0f} s") from None
