"""What campaigns and causes send between their letters: notes of a few lines, surveys with a record, round-ups of news.

The bad ones open, tell and close as the honest ones do; they are bad by what they ask for and by where their links go.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from models.spam.authored import campaigns, causes, platforms, settings, texts
from models.spam.authored.rich import Block, Button, Heading, Rows, Story, Text
from models.spam.authored.writer import Setting, Writer

_VOTE = ("election", "politics")
# what a note is for, as often as it is
_MISSIONS = {
    "race": {"gift": 9, "poll": 3, "sign": 3, "card": 1, "shop": 2, "vote": 3, "help": 3, "come": 2, "calm": 1},
    "cause": {"gift": 6, "sign": 3, "shop": 1, "help": 2, "come": 2, "calm": 1},
}
# topics that speak in a voice of their own in round-ups; the others share that of causes
_VOICES = {
    "election": "race", "politics": "race", "office": "office", "council": "council", "watch": "watch", "rights": "watch",
    "media": "watch", "union": "union", "culture": "place", "campus": "place", "faith": "place", "local": "place",
}  # fmt: skip
_OF_AN_ITEM = ("date", "later", "time", "million", "street")
_WHOLE = 0.3  # of mails: those of which one text is the whole
_LINE_BY_LINE = 0.55
_BY_CANDIDATE = 0.55  # of notes in a campaign


def setting(topics: Sequence[str], share: float, lang: str, rng: Random) -> Setting:
    """Mail of an organisation: in ``share`` of it of one of these topics, as far as the language can name such."""
    known = [topic for topic in topics if topic in causes.topics(lang, causes.DESKS)]
    return settings.of_cause(lang, rng, known if rng.random() < share else ())


canvassing = partial(setting, _VOTE, 0.7)
reporting = partial(setting, ("politics", "office", "council", "watch", "rights", "union"), 0.65)


def note(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """A few lines that want one thing."""
    topic, family = _begun(w)
    if family == "race" and w.rng.random() < _BY_CANDIDATE:
        campaigns.signed_by_candidate(w)
    if _whole(w, f"{kind}_text"):
        subject, text = texts.drawn(w, "canvass_subject", f"{kind}_text", 0.95)
        return subject, campaigns.told(w, topic, text)
    mission = _mission(w, family)
    own = f"canvass_{mission}_subject"
    fits = w.has(own) and (family == "race" or mission in ("gift", "calm"))
    subject = w.say(own if fits and w.rng.random() < 0.6 else "canvass_subject")
    return subject, _noted(w, kind, topic, family, mission)


def _begun(w: Writer) -> tuple[str, str]:
    """Topic and family, with the links settled."""
    platforms.settle(w)
    topic = campaigns.topic_of(w)
    return topic, "race" if topic in _VOTE else "cause"


def _whole(w: Writer, key: str) -> bool:
    return w.has(key) and w.rng.random() < _WHOLE


def _mission(w: Writer, family: str) -> str:
    known = {name: weight for name, weight in _MISSIONS[family].items() if w.has(f"canvass_{name}_ask")}
    return w.rng.choices(list(known), list(known.values()))[0]


def _noted(w: Writer, kind: str, topic: str, family: str, mission: str) -> list[Block]:
    """An opening, why, some lines between, what is asked with its link, and often both once more."""
    rng = w.rng
    hello = campaigns.greeting(w) if rng.random() < 0.75 else []
    opening = [w.say("canvass_open")] if rng.random() < 0.6 else []
    hook = [w.say(w.known(_line(w, family, mission, "hook"), f"canvass_{family}_hook"))]
    between = w.some(f"canvass_{family}_middle", 0, 3)
    told = texts.sentences([*opening, *hook, *between], after=bool(hello))
    cut = rng.randint(1, len(told))
    again = [Text(w.say("canvass_again")), *_linked(w, topic, family, mission)] if rng.random() < 0.45 else []
    return [
        *campaigns.top(w),
        *hello,
        *campaigns.broken(w, told[:cut], _LINE_BY_LINE),
        *_asked(w, kind, topic, family, mission),
        *campaigns.broken(w, told[cut:], _LINE_BY_LINE),
        *again,
        *campaigns.end(w),
    ]


def _line(w: Writer, family: str, mission: str, part: str) -> str:
    """The key of a part of a mission's note: of the family's own lines, or of those for both."""
    return w.known(f"canvass_{family}_{mission}_{part}", f"canvass_{mission}_{part}")


def _asked(w: Writer, kind: str, topic: str, family: str, mission: str) -> list[Block]:
    """What is asked; in bad mail at times after what honest mail asks."""
    honest = Text(w.say(_line(w, family, mission, "ask")))
    if not w.bad:
        return [honest, *_linked(w, topic, family, mission)]
    first: list[Block] = [honest] if w.rng.random() < 0.4 else []
    return [*first, Text(w.say(f"{kind}_ask")), *_linked(w, topic, family, mission)]


def _linked(w: Writer, topic: str, family: str, mission: str) -> list[Block]:
    """What is to be pressed: one line of the mission, a choice of answers in a poll, or gifts to choose from."""
    answers = f"canvass_{mission}_answers"
    if w.has(answers) and w.rng.random() < 0.6:
        return [Button(one, platforms.address(w, topic, mission)) for one in w.say(answers).split(" / ")]
    if mission == "gift" and w.rng.random() < 0.5:
        return campaigns.press(w, topic, mission)
    return [Button(w.say(_line(w, family, mission, "link")), platforms.address(w, topic, mission))]


def survey(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Questions with answers to choose from, mostly above a record of the reader, and what is wanted when they are done."""
    topic, family = _begun(w)
    rng = w.rng
    questions = w.some(w.known(f"survey_{family}_question", "survey_race_question"), 1, 6)
    numbered = len(questions) > 1 and rng.random() < 0.7
    asked = [Text(f"{place}. {one}" if numbered else one) for place, one in enumerate(questions, 1)]
    record = [_record(w)] if rng.random() < 0.5 else []
    heading: list[Block] = [Heading(w.say("survey_title"))] if rng.random() < 0.5 else campaigns.top(w)
    wanted = w.say(f"{kind}_ask" if w.bad else "survey_ask")
    pressed = [Button(w.say("survey_link"), platforms.address(w, topic, "poll")) for _ in range(rng.choice([1, 1, 2]))]
    body = [*asked, Text(wanted)] if rng.random() < 0.7 else [Text(wanted), *asked]
    hello = campaigns.greeting(w)
    opening = texts.sentences([w.say("survey_open")], after=bool(hello))
    return w.say("survey_subject"), [
        *heading,
        *record,
        *hello,
        *map(Text, opening),
        *pressed[1:],
        *body,
        pressed[0],
        *campaigns.end(w),
    ]


def _record(w: Writer) -> Rows:
    """What the sender says to know of the reader."""
    lines = w.some("survey_record", 2, 6)
    return Rows(tuple((label, value) for label, _, value in (line.partition(": ") for line in lines)))


def digest(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """A round-up: an opening, items of one layout, dates, a figure, a farewell; a bad one has an item of its own among them."""
    topic, _ = _begun(w)
    rng, voice = w.rng, _VOICES.get(topic, "cause")
    if _whole(w, whole := f"{kind}_{voice}_text"):
        subject, text = texts.drawn(w, "digest_subject", whole, 0.95)
        return subject, campaigns.told(w, topic, text)
    items = _items(w, w.known(f"digest_{voice}_item", "digest_cause_item"))
    if w.bad:
        items.insert(rng.randint(0, min(2, len(items))), w.say(f"{kind}_item"))
    laid = rng.choice((_as_story, _as_story, _as_lines, _as_linked))
    told = [block for item in items for block in _item(w, topic, item, laid)]
    dates = [Text("\n".join(w.some("digest_date", 2, 5)))] if rng.random() < 0.5 else []
    hello = campaigns.greeting(w) if rng.random() < 0.5 else []
    called = w.known(f"digest_{voice}_subject", "digest_subject") if rng.random() < 0.5 else "digest_subject"
    subject = w.say(called) if rng.random() < 0.6 else items[0].partition("\n")[0]
    title = (
        [Heading(w.say(w.known(f"digest_{voice}_title", "digest_title")))] if rng.random() < 0.6 else campaigns.top(w)
    )
    opening = texts.sentences([w.say("digest_open")] if rng.random() < 0.75 else [], after=bool(hello))
    close = [Text(w.say("digest_close"))] if rng.random() < 0.6 else []
    return subject, [*title, *hello, *map(Text, opening), *told, *dates, *close, *campaigns.end(w)]


def _items(w: Writer, key: str) -> list[str]:
    """Some different items, each with people, counts and dates of its own."""
    pool = w.setting.words[key]
    kept = w.rng.sample(pool, min(len(pool), w.rng.randint(3, 9)))
    return [campaigns.anew(w, _OF_AN_ITEM).spun(item) for item in kept]


_Layout = Callable[[Writer, str, str, str], list[Block]]


def _item(w: Writer, topic: str, item: str, laid: _Layout) -> list[Block]:
    title, _, text = item.partition("\n")
    return laid(w, topic, title, text)


def _as_story(w: Writer, topic: str, title: str, text: str) -> list[Block]:
    picture = w.picture() if w.rng.random() < 0.35 else ""
    return [Story(title, text, w.say("digest_more"), platforms.address(w, topic, "news"), picture)]


def _as_lines(w: Writer, topic: str, title: str, text: str) -> list[Block]:
    """Plain lines, of which some have an address."""
    said = f"{title}\n{text}"
    return [Text(f"{said}\n{platforms.address(w, topic, 'news')}" if w.bad or w.rng.random() < 0.7 else said)]


def _as_linked(w: Writer, topic: str, title: str, text: str) -> list[Block]:
    return [Text(f"{title}\n{text}"), Button(w.say("digest_more"), platforms.address(w, topic, "news"))]
