"""Group commit: many callers of one event loop share a transaction, hence an fsync.

Each (stream, partition) in use has a *line*: appends gather in it, and a writer thread takes all that are there,
commits them in one ``Log.append`` and takes again. Batches form by themselves: while one commit runs, the next gathers,
so under load a commit carries many and an idle line waits for nobody. The bell of an idle line is rung at the end of
the loop's turn, so that callers who run in the same turn share the first commit too.

Appends with different tokens cannot share a ``Log.append``: a batch is committed token by token, in the order of their
first append.

Where a commit costs much more than a record (a request to a broker: 0.1 to 0.2 ms of CPU here, and its part there), the lines are
*paced*: time is cut into ticks of ``pace_s``, and behind a commit that several callers shared a line waits for the next tick; behind
one that a single caller had for himself it does not. The ticks of all lines are the same, so that what several of them append
can share a request. What is not urgent goes along with what is, or alone once ``pace_s`` have passed.
"""

import asyncio
import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Final

from fastemailnet.errors import LimitExceeded, LogError
from fastemailnet.log.interface import Fenced, Log, Token

MAX_COMMIT_OCTETS: Final = 4_194_304  # what would exceed it waits for the next transaction

Result = Sequence[int] | Fenced | Exception


@dataclass(frozen=True, slots=True, eq=False)
class _Append:
    """What one caller waits for."""

    records: Sequence[bytes]
    octets: int
    token: Token | None
    is_urgent: bool
    result: asyncio.Future[Sequence[int] | Fenced]


class GroupCommit:
    """Appends for the coroutines of one event loop. A call costs the loop about 10 µs under load.

    Any number of these, in any processes, may share a log; only the limit and the sharing of commits are per instance.
    """

    def __init__(self, log: Log, *, max_pending_octets: int, pace_s: float = 0.0) -> None:
        """Append to ``log``; refuse while more than ``max_pending_octets`` of records would wait for their commit."""
        self._log = log
        self._pace_s = pace_s
        self._max_pending_octets = max_pending_octets
        self._pending_octets = 0
        self._lines: dict[tuple[str, int], _Line] = {}
        self._closed = False

    async def append(
        self,
        stream: str,
        partition: int,
        records: Sequence[bytes],
        token: Token | None = None,
        *,
        is_urgent: bool = True,
    ) -> Sequence[int] | Fenced:
        """Append the records durably; see ``interface.Log.append``. ``is_urgent``: somebody outside waits for it.

        Appends with equal tokens are committed in the order of their calls. A caller that is cancelled while it waits
        has appended all the same.

        Raises:
            LimitExceeded: too much is waiting; nothing was appended.
            LogError: the shared commit failed; every caller in it gets this.
            LogAppendUnknown: perhaps appended, likewise.
        """
        if self._closed:
            raise LogError("the group commit is closed")
        octets = sum(map(len, records))
        if self._pending_octets + octets > self._max_pending_octets:
            raise LimitExceeded(
                "octets waiting for their commit", self._pending_octets + octets, self._max_pending_octets
            )
        line = self._lines.get((stream, partition)) or self._new_line(stream, partition)
        result: asyncio.Future[Sequence[int] | Fenced] = line.loop.create_future()
        self._pending_octets += octets
        line.put(_Append(records, octets, token, is_urgent, result))
        return await result

    async def close(self) -> None:
        """Commit what waits, answer its callers, end the threads. The log stays open; further appends raise."""
        self._closed = True
        for line in self._lines.values():
            line.stop()
        for line in self._lines.values():
            await asyncio.shield(line.stopped)
            await asyncio.to_thread(line.thread.join)

    def _new_line(self, stream: str, partition: int) -> "_Line":
        line = self._lines[stream, partition] = _Line(self._log, stream, partition, self._settle, self._pace_s)
        return line

    def _settle(self, appends: list[_Append], results: list[Result]) -> None:
        """Answer the callers of one commit (runs in the loop)."""
        for append, result in zip(appends, results, strict=True):
            self._pending_octets -= append.octets
            if append.result.done():  # its caller was cancelled
                continue
            if isinstance(result, Exception):
                append.result.set_exception(result)
            else:
                append.result.set_result(result)


class _Line:
    """The appends to one partition, and the thread that commits them."""

    def __init__(
        self,
        log: Log,
        stream: str,
        partition: int,
        settle: Callable[[list[_Append], list[Result]], None],
        pace_s: float,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[None] = self.loop.create_future()
        self._log = log
        self._stream = stream
        self._partition = partition
        self._settle = settle
        self._pace_s = pace_s
        self._waiting: deque[_Append] = deque()
        self._guard = threading.Lock()  # of _waiting being empty and the thread being asleep, together
        self._asleep = True
        self._urgent = threading.Event()  # something that waits is
        self._next_s = 0.0  # when the next commit of something urgent may begin
        self._bell: SimpleQueue[bool] = SimpleQueue()  # True: look; False: look, then end
        self.thread = threading.Thread(target=self._run, name=f"commit {stream}/{partition}", daemon=True)
        self.thread.start()

    def put(self, append: _Append) -> None:
        """Let the append join the next commit (in the loop)."""
        with self._guard:
            self._waiting.append(append)
            if append.is_urgent:
                self._urgent.set()
            wake, self._asleep = self._asleep, False
        if wake:
            self.loop.call_soon(self._bell.put, True)

    def stop(self) -> None:
        """Let the thread commit what waits, complete ``stopped`` and end."""
        self._bell.put(False)

    def _run(self) -> None:
        go_on = True
        while go_on:
            go_on = self._bell.get()
            while True:
                if self._pace_s and self._waiting:
                    self._keep_pace()
                appends = self._take()
                if not appends:
                    break
                if self._pace_s and sum(append.is_urgent for append in appends) > 1:
                    self._next_s = (monotonic() // self._pace_s + 1) * self._pace_s
                self._commit(appends)
        self.loop.call_soon_threadsafe(self.stopped.set_result, None)

    def _keep_pace(self) -> None:
        """Wait until what is there may be committed."""
        if self._urgent.wait(self._pace_s):
            sleep(max(0.0, self._next_s - monotonic()))

    def _take(self) -> list[_Append]:
        """The next batch: all that waits, up to ``MAX_COMMIT_OCTETS``. None waits: sleep until the bell rings."""
        batch: list[_Append] = []
        octets = 0
        with self._guard:
            while self._waiting and (not batch or octets + self._waiting[0].octets <= MAX_COMMIT_OCTETS):
                batch.append(self._waiting.popleft())
                octets += batch[-1].octets
            self._asleep = not batch
            if not self._waiting:
                self._urgent.clear()
        return batch

    def _commit(self, batch: list[_Append]) -> None:
        by_token: dict[Token | None, list[_Append]] = {}
        for append in batch:
            by_token.setdefault(append.token, []).append(append)
        for token, appends in by_token.items():
            results = self._append(token, appends)
            self.loop.call_soon_threadsafe(self._settle, appends, results)

    def _append(self, token: Token | None, appends: list[_Append]) -> list[Result]:
        records = [record for append in appends for record in append.records]
        try:
            appended = self._log.append(self._stream, self._partition, records, token=token)
        except Exception as error:  # whatever it is belongs to the callers, not to this thread
            # Each caller raises its own copy: one shared exception would collect the tracebacks of all.
            return [copy.copy(error) for _ in appends]
        counting = appended.before if isinstance(appended, Fenced) else appended
        first, results = 0, list[Result]()
        for append in appends:
            offsets = counting[first : first + len(append.records)]
            first += len(append.records)
            if isinstance(appended, Fenced) and len(offsets) < max(1, len(append.records)):
                results.append(Fenced(appended.offset, offsets))
            else:
                results.append(offsets)
        return results
