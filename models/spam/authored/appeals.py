"""Long letters that ask: composed by the roles that paragraphs have in such letters, or whole.

A letter opens, tells a story, says what is at stake, what others do against it, what has been done and who joined; then it asks, and
once more before a deadline, thanks, and adds a postscript. All but the asking comes from the same lines for honest and bad mail;
and the bad one may first ask as the honest one does. Lines are of a topic, of a family of topics, of a side in politics, or of any.
"""

from collections.abc import Iterator
from itertools import cycle

from models.spam.authored import campaigns, platforms, texts
from models.spam.authored.rich import Block, Text
from models.spam.authored.writer import Writer

_SIDES = ("left", "right", "green", "centre", "liberty")
_VOTE = ("election", "politics")
# in the order in which a letter grows
_BODY = ("story", "stakes", "did", "foe", "joined", "story", "stakes", "foe", "did")
_ORDER = {role: place for place, role in enumerate(("story", "foe", "stakes", "did", "joined"))}
_LENGTHS = (90, 120, 150, 170, 190, 220, 250, 290, 340, 420)  # words before what is asked for
_MOST = 3  # paragraphs of one role; and not many more than half of those that there are
_LONG = 0.5  # of all mails that ask
_WHOLE = 0.3  # of long ones: those of which one text is the whole
_OF_TOPIC = 0.45  # of subjects
_TOLD_FIRST = 0.75  # of letters: those whose roles stand in their order; the others as they came
_ASKED_HONESTLY = 0.35  # of bad letters: those that ask first as honest ones do
_LINE_BY_LINE = 0.4


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of one mail that asks: a long letter where the language has the words for such, or a shorter one."""
    if not w.has("appeal_any_open") or w.rng.random() >= _LONG:
        return campaigns.said(w, kind)
    topic = campaigns.topic_of(w)
    family = "vote" if topic in _VOTE else "cause"
    platforms.settle(w)
    _signed_by_candidate(w, family)
    key = f"appeal_{kind}_text" if w.bad else f"appeal_{family}_text"
    if w.has(key) and w.rng.random() < _WHOLE:
        subject, text = texts.drawn(w, "appeal_subject", key)
        return subject, campaigns.told(w, topic, text)
    own = f"campaign_{topic}_subject"
    subject = w.say(own if w.has(own) and w.rng.random() < _OF_TOPIC else "appeal_subject")
    return subject, _letter(w, kind, topic, family)


def _signed_by_candidate(w: Writer, family: str) -> None:
    """A candidate writes in a voice of their own."""
    if family == "vote":
        campaigns.signed_by_candidate(w)


def _letter(w: Writer, kind: str, topic: str, family: str) -> list[Block]:
    rng = w.rng
    asks = campaigns.asks(w, topic)
    opening, body = _role(w, ("any", topic), "open"), list(_grown(w, topic, family))
    told = [*opening, *body]
    cut = rng.randint(len(told) // 2, len(told))
    greeting = campaigns.greeting(w)
    told = texts.sentences(told, after=bool(greeting))
    late = [w.say("appeal_late")] if w.has("appeal_late") and asks == "gift" and rng.random() < 0.5 else []
    thanks = _role(w, ("any", family), "thanks") if rng.random() < 0.6 else []
    return [
        *campaigns.top(w),
        *greeting,
        *_broken(w, told[:cut]),
        *_asked(w, kind, topic, asks),
        *_broken(w, [*told[cut:], *late]),
        *(campaigns.press(w, topic, asks) if rng.random() < 0.55 else []),
        *map(Text, thanks),
        *campaigns.end(w),
    ]


def _grown(w: Writer, topic: str, family: str) -> Iterator[str]:
    """The paragraphs before what is asked: role after role, as long as the letter is to be."""
    wanted, kinds = w.rng.choice(_LENGTHS), (topic, family, w.rng.choice(_SIDES) if family == "vote" else "any")
    pools = {
        role: w.rng.sample(pool, min(1 + len(pool) // 2, _MOST)) for role in _ORDER if (pool := _pool(w, kinds, role))
    }
    kept: list[tuple[int, str]] = []
    for role in cycle(_BODY):
        if wanted <= 0 or not any(pools.values()):
            break
        if pools.get(role):
            line = campaigns.anew(w).spun(pools[role].pop())
            kept.append((_ORDER[role], line))
            wanted -= len(line.split())
    yield from (line for _, line in (sorted(kept, key=lambda one: one[0]) if w.rng.random() < _TOLD_FIRST else kept))


def _pool(w: Writer, kinds: tuple[str, ...], role: str) -> list[str]:
    """The lines of a role for these kinds; a story that the language has no own lines for is one of the shorter letters'."""
    pool = [line for kind in kinds for line in w.setting.words.get(f"appeal_{kind}_{role}", [])]
    tale = w.setting.words.get(f"campaign_{kinds[0]}_say", [])
    return [*pool, *tale] if role == "story" and len(pool) < 6 else pool


def _role(w: Writer, kinds: tuple[str, ...], role: str) -> list[str]:
    pool = _pool(w, kinds, role)
    return [w.spun(w.rng.choice(pool))] if pool else []


def _asked(w: Writer, kind: str, topic: str, asks: str) -> list[Block]:
    """What is asked, in bad mail at times after what honest mail asks."""
    honest = campaigns.known_ask(w, asks)
    if not w.bad:
        return [Text(w.say(honest)), *campaigns.press(w, topic, asks)]
    first = [Text(w.say(honest))] if w.rng.random() < _ASKED_HONESTLY else []
    return [*first, Text(w.say(f"{kind}_ask")), *campaigns.press(w, topic, "gift")]


def _broken(w: Writer, paragraphs: list[str]) -> list[Block]:
    return campaigns.broken(w, paragraphs, _LINE_BY_LINE)
