"""From a leased unit to one that may be sent: validate, score in batches, decide, sign. Shapes of the work, no sockets and no log.

An idle stage takes one unit at once; while batches are being scored, the next one gathers. Each lane has batches of its own, so that
no unit waits behind those of another lane before the scorer, which knows whose turn it is. Batches are small: on one core sixteen
texts together cost less each than one alone or sixty-four, and the fewer texts are on their way, the sooner is the next one's turn,
and the fewer of its results come back into the loop at once, each with a signature to be made. A scorer that is late or broken does
not stop mail: the unit goes on, flagged as not scored. What was found suspicious at an earlier attempt is judged by the scores of then.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from fastemailnet.delivery.gate import Gate, Ruling, throttle_of
from fastemailnet.delivery.terms import Terms
from fastemailnet.delivery.unsubscription import OneClick
from fastemailnet.envelope import Lane, Suspicion, Unit
from fastemailnet.message import tag
from fastemailnet.message.dkim import Signer
from fastemailnet.message.text import model_input, visible_text
from fastemailnet.message.validate import check

MAX_BATCH = 16
SCORES_IN_FLIGHT = 2  # batches of a lane
TIMEOUT_S = 0.25
UNJUDGED = "not judged: a peer may have taken it, and is asked"

Scores = Sequence[tuple[float, float, float]]  # p_ham, p_spam, p_phish
Scorer = Callable[[list[str], Lane], Awaitable[Scores]]
_Waiting = tuple[str, asyncio.Future[tuple[float, float, float] | None]]


@dataclass(frozen=True, slots=True)
class Examined:
    """The gate's answer and why."""

    ruling: Ruling
    reason: str
    bad: float | None = None  # probability of spam or phish; None: not scored
    scores: tuple[float, float, float] | None = None  # of ham, spam and phish
    required: float = 0.0  # the threshold that ``bad`` was held against

    def suspicion(self, tagged_at: float | None = None) -> Suspicion:
        """What later attempts are to know of it."""
        assert self.scores is not None, "what was not scored is not suspected"
        return Suspicion(self.scores, tagged_at)


class Look(msgspec.Struct, frozen=True):
    """What a message looks like: why it is none, or what the model reads and what is striking about it."""

    problem: str = ""
    text: str = ""
    signals: tuple[str, ...] = ()


def unjudged(seen: Look) -> Examined:
    """What is said of mail that a peer may have taken and is asked about: held by now, it would come twice once it is released."""
    return Examined(Ruling.INVALID, seen.problem) if seen.problem else Examined(Ruling.SEND, UNJUDGED)


def look(body: bytes, *, with_text: bool) -> Look:
    """Look into a message, in one go. ``with_text``: somebody will read its text."""
    problems = check(body)
    if problems:
        return Look(str(problems[0]))
    if not with_text:
        return Look()
    text = visible_text(body)
    return Look("", model_input(text), tuple(text.signals[:3]))


class Signed(NamedTuple):
    """The octets to transmit, and how many of them, at the front, are fields that keys and settings make."""

    content: bytes
    front_octets: int

    @property
    def before(self) -> bytes:
        """Those fields."""
        return self.content[: self.front_octets]


class _Line:
    """The texts of one lane that wait for their batch."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.in_flight = 0  # batches


class Examiner:
    """The stage of one node. ``scorer`` is None where the classifier is off."""

    def __init__(
        self,
        scorer: Scorer | None,
        gate: Gate,
        signer: Signer | None,
        one_click: OneClick | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """``timeout_s``: how long a score is waited for."""
        self.scorer = scorer
        self.gate = gate
        self.signer = signer
        self.one_click = one_click
        self.timeout_s = timeout_s
        self.ruled: Counter[Ruling] = Counter()  # of what was scored
        self.lines = {lane: _Line() for lane in Lane}
        self.scored = 0
        self.unscored = 0

    def reads(self, unit: Unit) -> bool:
        """Whether the text of a unit will be read."""
        return self.scorer is not None and unit.suspicion is None and not unit.released

    async def examine(
        self,
        seen: Look,
        lane: Lane = Lane.STANDARD,
        released: str = "",
        tenant: str = "",
        suspicion: Suspicion | None = None,
    ) -> Examined:
        """Rule over a message by what it looks like. What a person released, and why, or what was found before is not scored again."""
        if seen.problem:
            return Examined(Ruling.INVALID, seen.problem)
        if released:
            return Examined(Ruling.SEND, f"released: {released}")
        if self.scorer is None:
            return Examined(Ruling.SEND, "classifier off")
        if suspicion is not None:
            return self._judge(suspicion.scores, lane, tenant, "found at an earlier attempt")
        score = await self._score(seen.text, lane)
        if score is None:
            self.unscored += 1
            return Examined(Ruling.SEND, "not scored: the classifier did not answer in time")
        self.scored += 1
        examined = self._judge(score, lane, tenant, "; ".join(seen.signals))
        self.ruled[examined.ruling] += 1
        return examined

    def _judge(self, scores: tuple[float, float, float], lane: Lane, tenant: str, signals: str) -> Examined:
        """What the gate says of these scores."""
        bar, bad = self.gate.of(tenant).bars[lane], scores[1] + scores[2]
        name = "phish" if scores[2] > scores[1] else "spam"
        why = f"{name} score {bad:.3f}" + (f" ({signals})" if signals else "")
        return Examined(bar.rule(bad), f"score {bad:.3f}" if bad < bar.hold else why, bad, scores, bar.hold)

    def throttle(self, unit: Unit) -> Terms | None:
        """The throttle of a unit by what was found before, so that it is known before anybody looks into the unit."""
        if unit.suspicion is None or unit.released or self.scorer is None:
            return None
        is_throttled = self._judge(unit.suspicion.scores, unit.lane, unit.tenant, "").ruling is Ruling.THROTTLE
        return throttle_of(unit.tenant, self.gate.of(unit.tenant).throttle) if is_throttled else None

    def sign(self, unit: Unit, before: bytes | None = None) -> Signed:
        """The octets to transmit: DKIM fields of the acceptance time before the body, so that every attempt is the same.

        Between them what bulk mail is unsubscribed by, which counts only where it is signed (RFC 8058 section 4), and what a
        tagged mail says of itself. ``before``: the fields of an attempt that is asked about, whatever keys and settings are now.
        """
        found, body = unit.suspicion, unit.body
        names: tuple[str, ...] = ()
        if found is not None and found.tagged_at is not None:
            body, names = tag.tagged(body, *found.scores[1:], found.tagged_at), tag.NAMES
        if before is not None:
            return Signed(before + body, len(before))
        if self.signer is None:
            return Signed(body, 0)
        raw = (self.one_click.fields(unit) if self.one_click is not None else b"") + body
        content = self.signer.sign(raw, at_s=unit.accepted_ms // 1_000, extra_headers=names) + raw
        return Signed(content, len(content) - len(body))

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
            return await asyncio.wait_for(self.scorer(texts, lane), self.timeout_s)
        except Exception:  # whatever ails the scorer, mail goes on, flagged
            return [None] * len(texts)
