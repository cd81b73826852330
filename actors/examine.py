"""From a leased unit to one that may be sent: validate, score in batches, decide, sign. Shapes of the work, no sockets and no log.

An idle stage takes one unit at once; while batches are being scored, the next one gathers. Each lane has batches of its own, so that
no unit waits behind those of another lane before the scorer, which knows whose turn it is. Batches are small: on one core sixteen
texts together cost less each than one alone or sixty-four, and the fewer texts are on their way, the sooner is the next one's turn,
and the fewer of its results come back into the loop at once, each with a signature to be made. A scorer that is late or broken does
not stop mail: by ``classifier.on_error`` the unit goes on, flagged as not scored.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

import msgspec

from fastemailnet.delivery.unsubscription import OneClick
from fastemailnet.envelope import Lane, Unit
from fastemailnet.message.dkim import Signer
from fastemailnet.message.text import model_input, visible_text
from fastemailnet.message.validate import check

MAX_BATCH = 16
SCORES_IN_FLIGHT = 2  # batches of a lane

Scores = Sequence[tuple[float, float, float]]  # p_ham, p_spam, p_phish
Scorer = Callable[[list[str], Lane], Awaitable[Scores]]
_Waiting = tuple[str, asyncio.Future[tuple[float, float, float] | None]]


class Ruling(Enum):
    """What the gate says about a unit."""

    SEND = "send"
    HOLD = "hold"
    REJECT = "reject"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Examined:
    """The gate's answer and why."""

    ruling: Ruling
    reason: str
    bad: float | None = None  # probability of spam or phish; None: not scored
    scores: tuple[float, float, float] | None = None  # of ham, spam and phish


class Action(Enum):
    """What becomes of mail over the hold threshold."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Gate:
    """Thresholds on the probability of spam or phish, and how long a score is waited for; ``actions`` by lane, HOLD without one.

    ``tenants`` are the gates of those that have their own.
    """

    hold: float
    reject: float
    timeout_s: float
    actions: Mapping[Lane, Action] = field(default_factory=dict)
    tenants: Mapping[str, "Gate"] = field(default_factory=dict)

    def of(self, tenant: str) -> "Gate":
        """The gate for a tenant's mail."""
        return self.tenants.get(tenant, self)

    def rule(self, bad: float, lane: Lane) -> Ruling:
        """What a score means for a mail of a lane. Over ``reject`` even a lane that holds rejects; one that accepts, accepts."""
        action = self.actions.get(lane, Action.HOLD)
        if bad < self.hold and bad < self.reject:
            return Ruling.SEND
        match action:
            case Action.ACCEPT:
                return Ruling.SEND
            case Action.HOLD:
                return Ruling.REJECT if bad >= self.reject else Ruling.HOLD
            case Action.REJECT:
                return Ruling.REJECT
            case _ as never:
                assert_never(never)


class Look(msgspec.Struct, frozen=True):
    """What a message looks like: why it is none, or what the model reads and what is striking about it."""

    problem: str = ""
    text: str = ""
    signals: tuple[str, ...] = ()


def look(body: bytes, *, with_text: bool) -> Look:
    """Look into a message, in one go. ``with_text``: somebody will read its text."""
    problems = check(body)
    if problems:
        return Look(str(problems[0]))
    if not with_text:
        return Look()
    text = visible_text(body)
    return Look("", model_input(text), tuple(text.signals[:3]))


class _Line:
    """The texts of one lane that wait for their batch."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.in_flight = 0  # batches


class Examiner:
    """The stage of one node. ``scorer`` is None where the classifier is off."""

    def __init__(
        self, scorer: Scorer | None, gate: Gate, signer: Signer | None, one_click: OneClick | None = None
    ) -> None:
        self.scorer = scorer
        self.gate = gate
        self.signer = signer
        self.one_click = one_click
        self.lines = {lane: _Line() for lane in Lane}
        self.scored = 0
        self.unscored = 0

    async def examine(self, seen: Look, lane: Lane = Lane.STANDARD, released: str = "", tenant: str = "") -> Examined:
        """Rule over a message by what it looks like. What a person released, and why, is not scored again."""
        if seen.problem:
            return Examined(Ruling.INVALID, seen.problem)
        if released:
            return Examined(Ruling.SEND, f"released: {released}")
        if self.scorer is None:
            return Examined(Ruling.SEND, "classifier off")
        score = await self._score(seen.text, lane)
        if score is None:
            self.unscored += 1
            return Examined(Ruling.SEND, "not scored: the classifier did not answer in time")
        self.scored += 1
        bad = score[1] + score[2]
        name = "phish" if score[2] > score[1] else "spam"
        why = f"{name} score {bad:.3f}" + (f" ({'; '.join(seen.signals)})" if seen.signals else "")
        gate = self.gate.of(tenant)
        return Examined(gate.rule(bad, lane), f"score {bad:.3f}" if bad < gate.hold else why, bad, score)

    def sign(self, unit: Unit) -> bytes:
        """The octets to transmit: DKIM fields of the acceptance time before the body, so that every attempt is the same.

        Between them what bulk mail is unsubscribed by, which counts only where it is signed (RFC 8058 section 4).
        """
        if self.signer is None:
            return unit.body
        raw = (self.one_click.fields(unit) if self.one_click is not None else b"") + unit.body
        return self.signer.sign(raw, at_s=unit.accepted_ms // 1_000) + raw

    async def _score(self, text: str, lane: Lane) -> tuple[float, float, float] | None:
        future: asyncio.Future[tuple[float, float, float] | None] = asyncio.get_running_loop().create_future()
        line = self.lines[lane]
        line.waiting.append((text, future))
        if line.in_flight < SCORES_IN_FLIGHT:
            line.in_flight += 1
            asyncio.get_running_loop().create_task(self._drain(line, lane))
        return await future

    async def _drain(self, line: _Line, lane: Lane) -> None:
        """Score batches until nothing waits."""
        try:
            while line.waiting:
                batch = [line.waiting.popleft() for _ in range(min(MAX_BATCH, len(line.waiting)))]
                for (_, future), score in zip(batch, await self._ask([text for text, _ in batch], lane), strict=True):
                    if not future.done():  # its incarnation may have ended meanwhile
                        future.set_result(score)
        finally:
            line.in_flight -= 1

    async def _ask(self, texts: list[str], lane: Lane) -> Sequence[tuple[float, float, float] | None]:
        assert self.scorer is not None
        try:
            return await asyncio.wait_for(self.scorer(texts, lane), self.gate.timeout_s)
        except Exception:  # whatever ails the scorer, mail goes on (classifier.on_error = accept-and-flag)
            return [None] * len(texts)
