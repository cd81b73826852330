"""The spam model as a process: batches over all nodes, one forward pass at a time.

A call brings the texts of one node; while a pass runs, the texts of later calls gather and share the next pass. An idle model takes
what comes at once.
"""

import asyncio
from collections.abc import Callable, Sequence

Triple = tuple[float, float, float]
_Waiting = tuple[list[str], asyncio.Future[list[Triple]]]
Model = Callable[[Sequence[str]], list[Triple]]
MAX_BATCH = 128
MAX_WAITING = 4_096


class ClassifierActor:
    """Scores texts. ``model`` blocks; it runs in a thread so that calls keep coming in."""

    def __init__(self, model: Model, version: str, hold: float, reject: float) -> None:
        self.model = model
        self.version = version
        self.thresholds = (hold, reject)
        self.scored = 0
        self.waiting: list[_Waiting] = []
        self.draining = False

    async def score(self, texts: list[str]) -> list[Triple]:
        """p_ham, p_spam and p_phish of each text, in order.

        Raises:
            asyncio.QueueFull: too many texts wait; the node goes on without a score.
        """
        if sum(len(batch) for batch, _ in self.waiting) + len(texts) > MAX_WAITING:
            raise asyncio.QueueFull(f"over {MAX_WAITING} texts wait for the classifier")
        future: asyncio.Future[list[Triple]] = asyncio.get_running_loop().create_future()
        self.waiting.append((texts, future))
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
                calls: list[_Waiting] = []
                texts: list[str] = []
                while self.waiting and (not texts or len(texts) + len(self.waiting[0][0]) <= MAX_BATCH):
                    calls.append(self.waiting.pop(0))
                    texts += calls[-1][0]
                await self._pass(calls, texts)
        finally:
            self.draining = False

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
