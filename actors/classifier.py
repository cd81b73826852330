"""The spam model as a process: batches over all nodes, one forward pass at a time, lanes in turn.

A call brings texts of one node and lane; while a pass runs, later calls gather, and those of one lane share a pass. Whose pass is
next is settled as between connections, 16 : 4 : 1, so that a transactional mail waits for the pass in work and for no backlog. An idle
model takes what comes at once.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from fastemailnet.delivery.turns import Turns
from fastemailnet.envelope import Lane

Triple = tuple[float, float, float]
_Waiting = tuple[list[str], asyncio.Future[list[Triple]]]
Model = Callable[[Sequence[str]], list[Triple]]
FULL_PASS = 16  # texts; a pass that has so many begins. More would cost more each, and hold the other lanes up
MAX_WAITING = 4_096


class ClassifierActor:
    """Scores texts. ``model`` blocks; it runs in a thread so that calls keep coming in."""

    def __init__(self, model: Model, version: str, hold: float, reject: float) -> None:
        self.model = model
        self.version = version
        self.thresholds = (hold, reject)
        self.scored = 0
        self.waiting: Turns[_Waiting] = Turns()
        self.draining = False

    async def score(self, texts: list[str], lane: Lane = Lane.STANDARD) -> list[Triple]:
        """p_ham, p_spam and p_phish of each text, in order.

        Raises:
            asyncio.QueueFull: too many texts wait; the node goes on without a score.
        """
        if sum(len(batch) for batch, _ in self.waiting.entries()) + len(texts) > MAX_WAITING:
            raise asyncio.QueueFull(f"over {MAX_WAITING} texts wait for the classifier")
        future: asyncio.Future[list[Triple]] = asyncio.get_running_loop().create_future()
        self.waiting.put(lane, (texts, future))
        if not self.draining:
            self.draining = True
            asyncio.get_running_loop().create_task(self._drain())
        return await future

    async def gate(self) -> tuple[float, float]:
        """The thresholds that the model was calibrated for: hold, reject."""
        return self.thresholds

    async def status(self) -> dict[str, object]:
        """Loaded, how many, which version."""
        return {"loaded": True, "scored": self.scored, "version": self.version}

    async def _drain(self) -> None:
        try:
            while self.waiting:
                calls = list(self._next())
                await self._pass(calls, [text for texts, _ in calls for text in texts])
        finally:
            self.draining = False

    def _next(self) -> Iterator[_Waiting]:
        """The calls of the next pass, all of the lane whose turn it is."""
        found = self.waiting.take()
        assert found is not None, "there is no next pass"
        (chosen, call), texts = found, 0
        yield call
        while (texts := texts + len(call[0])) < FULL_PASS and (found := self.waiting.take(lambda lane: lane is chosen)):
            _, call = found
            yield call

    async def _pass(self, calls: list[_Waiting], texts: list[str]) -> None:
        try:
            scores = await asyncio.to_thread(self.model, texts)
        except Exception as error:
            for _, future in calls:
                future.set_exception(error)
            return
        self.scored += len(texts)
        at = 0
        for batch, future in calls:
            if not future.done():
                future.set_result(scores[at : at + len(batch)])
            at += len(batch)
