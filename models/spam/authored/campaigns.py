"""Mail that asks for a gift, a signature, a vote or an hour: composed from paragraphs by topic, and what deceives in the same words.

Honest campaign mail is urgent, emotional and full of money. The bad mail takes the same openings, stories, farewells and small print;
it is bad by what it asks for (a wallet, card codes, a password, a fee) and by where its links go.
"""

import re
from functools import partial

from models.spam.authored import causes, platforms, texts
from models.spam.authored.facts import facts
from models.spam.authored.rich import Block, Button, Heading, Picture, Small, Text
from models.spam.authored.writer import Writer

_ASKS = {
    "election": ("gift", "gift", "gift", "vote", "help"),
    "politics": ("gift", "vote", "help", "sign", "come"),
    "nature": ("gift", "gift", "sign"),
    "rights": ("sign", "sign", "gift"),
    "animals": ("gift", "gift", "sign"),
    "campus": ("gift", "come"),
    "faith": ("gift", "come"),
    "culture": ("gift", "come"),
    "union": ("sign", "come", "help"),
    "local": ("gift", "come", "help"),
    "disaster": ("gift", "gift", "help"),
}
_SENTENCE_END = re.compile(r"(?<=[a-z)”\"'é][.!?]) (?=[A-ZÀ-Ý\"“¿¡])")
# topics whose paragraphs are of different senders
_MOST_STORY = {"local": 1, "faith": 2, "campus": 2, "health": 2, "culture": 3}
# how often a mail is composed, by kind; bad mail that plays a known organisation more often than other
_COMPOSED, _COMPOSED_BAD, _COMPOSED_PLAYED = 0.8, 0.15, 0.3
_STORY = (2, 4, 5, 7, 9, 12)  # paragraphs that a story has at most
_LINE_BY_LINE = 0.25
_LINKED = 0.25  # of whole texts without a button: those that get one
_SIGNATURES = (
    "{author}",
    "{sender}",
    "{person}",
    "{friend},",
    "{candidate}",
    "Team {",
)  # that a farewell's line begins with
_SIGNATURE, _SIGNED_WITHIN = 48, 4  # letters that such a line has at most; paragraphs from the end, with a postscript
_OF_A_PARAGRAPH = ("person", "other", "friend", "number", "several", "days", "percent", "crowd", "age")
_NO_DIGIT = re.compile(r"\D")


def said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of one mail."""
    topic = topic_of(w)
    platforms.settle(w)
    ask = f"{kind}_ask" if w.bad else ""
    if w.has(f"campaign_{topic}_say") and w.has(ask or "campaign_ask_gift") and w.rng.random() < _share(w, kind):
        return w.say(f"campaign_{topic}_subject"), _composed(w, topic, ask)
    return _whole(w, kind, topic)


def _share(w: Writer, kind: str) -> float:
    if not w.bad:
        return _COMPOSED
    return _COMPOSED_PLAYED if kind == "relief" or w.setting.brand.known else _COMPOSED_BAD


def _whole(w: Writer, kind: str, topic: str) -> tuple[str, list[Block]]:
    """A mail of which one text is the whole, which may bring its subject, greeting, buttons and farewell."""
    subject, text = _text(w, kind, topic)
    return subject, told(w, topic, text)


def signed_by_candidate(w: Writer) -> None:
    """Puts the candidate in the place of whoever else would write."""
    w.slots |= {"author": w.slots["candidate"], "sender": w.slots["candidate"].partition(" ")[0]}


def anew(w: Writer, also: tuple[str, ...] = ()) -> Writer:
    """The same mail, whose next paragraph is of other people and other counts; sums, dates and the cause stay, but for ``also``."""
    setting = w.setting
    other = facts(setting.lang, setting.brand, setting.to, w.rng)
    w.slots |= {slot: other[slot] for slot in (*_OF_A_PARAGRAPH, *also)}
    return w


def told(w: Writer, topic: str, text: str) -> list[Block]:
    """The body of a mail of which one text is the whole."""
    hello = [] if texts.greets(w, text) else greeting(w)
    blocks = texts.told(texts.begun(text, hello), partial(platforms.address, w, topic, "gift"))
    pressed = any(isinstance(block, Button) for block in blocks)
    added = press(w, topic, "gift") if not pressed and w.rng.random() < _LINKED else []
    names = tuple(w.slots[slot] for slot in ("author", "sender", "person", "friend", "candidate"))
    return [*top(w), *hello, *blocks, *added, *end(w, signed=_closes(text, (*names, *_SIGNATURES)))]


def topic_of(w: Writer) -> str:
    """The topic of the setting, or of another where that says none."""
    return w.slots.get("topic") or w.rng.choice(causes.topics(w.setting.lang))


def _text(w: Writer, kind: str, topic: str) -> tuple[str, str]:
    """A text that is a whole mail, with its own subject or one of the kind."""
    own = f"{kind}_{topic}_text"
    key = own if w.has(own) and w.rng.random() < 0.6 else f"{kind}_text"
    return texts.drawn(w, f"{kind}_subject", key, 0.9)


def _closes(text: str, names: tuple[str, ...] = _SIGNATURES) -> bool:
    """Whether a text brings its own farewell.

    That is a last paragraph that begins like one, a name on a line of its own near the end, or a last line that is no sentence.
    """
    last = text.rpartition("\n\n")[2]
    if last.partition("\n")[0].endswith(",") or _signs(last):
        return True
    lines = [line for part in text.split("\n\n")[-_SIGNED_WITHIN:] for line in part.split("\n")]
    return any(line.lstrip("-– ").startswith(names) and len(line) < _SIGNATURE for line in lines)


def _signs(paragraph: str) -> bool:
    """Whether a paragraph ends with a short line that is no sentence, as a name or an office is; buttons and rows are none."""
    line = paragraph.rpartition("\n")[2]
    return not paragraph.startswith((">", "|")) and line[-1:].isalpha() and len(line) < _SIGNATURE


def _composed(w: Writer, topic: str, bad_ask: str = "") -> list[Block]:
    """An opening, a story in some paragraphs, what is asked once or twice, a deadline, farewell, a postscript."""
    rng = w.rng
    opening = [w.say("campaign_open")] if w.has("campaign_open") and rng.random() < 0.5 else []
    most = min(rng.choice(_STORY), _MOST_STORY.get(topic, 12))
    story = [*opening, *w.some(f"campaign_{topic}_say", 1, most)]
    kind = asks(w, topic)
    asked = [Text(w.say(bad_ask)), *press(w, topic, "gift")] if bad_ask else _ask(w, topic, kind)
    late = [w.say("campaign_late")] if kind == "gift" and w.has("campaign_late") and rng.random() < 0.45 else []
    cut = rng.randint(1, len(story))
    again = _ask(w, topic, kind)[1:] if not bad_ask and rng.random() < 0.35 else []
    hello = greeting(w)
    story = texts.sentences(story, after=bool(hello))
    before, after = broken(w, story[:cut], _LINE_BY_LINE), broken(w, [*story[cut:], *late], _LINE_BY_LINE)
    return [*top(w), *hello, *before, *asked, *after, *again, *end(w)]


def broken(w: Writer, paragraphs: list[str], share: float) -> list[Block]:
    """Paragraphs, in some mails (``share``) with every sentence on a line of its own: the same throughout one mail."""
    if int(w.slots["code"]) < share * 10**6:
        paragraphs = [line for paragraph in paragraphs for line in _SENTENCE_END.split(paragraph)]
    return [Text(paragraph) for paragraph in paragraphs]


def asks(w: Writer, topic: str) -> str:
    """What a mail of a topic asks for: a gift, a name, a vote, an hour, to come."""
    kind = w.rng.choice(_ASKS.get(topic, ("gift",)))
    return kind if w.has(f"campaign_ask_{kind}") else "gift"


def known_ask(w: Writer, kind: str) -> str:
    """The lines that ask for it in a long letter, or in any."""
    return w.known(f"appeal_ask_{kind}", f"campaign_ask_{kind}")


def _ask(w: Writer, topic: str, kind: str) -> list[Block]:
    """What is asked, and what is to be pressed for it."""
    return [Text(w.say(f"campaign_ask_{kind}")), *press(w, topic, kind)]


def press(w: Writer, topic: str, kind: str) -> list[Block]:
    """A button, a row of gifts to choose from, a bare link, or nothing but an answer."""
    rng, key = w.rng, w.known(f"campaign_cta_{kind}", "campaign_cta_gift")
    chance = rng.random()
    if chance < 0.08:
        return []
    url = platforms.address(w, topic, kind)
    mark = "&" if "?" in url else "?"
    if kind == "gift" and rng.random() < 0.5:
        word = w.say("campaign_gift_word") if w.has("campaign_gift_word") and rng.random() < 0.6 else "*"
        sums = [w.slots[gift] for gift in ("five", "ten", "fifty")]
        return [Button(word.replace("*", one), f"{url}{mark}amount={_NO_DIGIT.sub('', one)}") for one in sums]
    return [Text(url)] if chance < 0.55 else [Button(w.say(key), url)]


def top(w: Writer) -> list[Block]:
    """The name in large letters, the picture of a banner, or nothing."""
    chance, brand = w.rng.random(), w.setting.brand
    if chance < 0.12:
        return [Heading(brand.name)]
    return [Picture(w.url(), w.picture(), brand.name)] if chance < 0.3 else []


def greeting(w: Writer) -> list[Block]:
    """A greeting as such mail has it, or none."""
    chance = w.rng.random()
    if chance < 0.15:
        return []
    cold = "greet_cold" if w.bad and chance < 0.4 else "greet" if chance < 0.4 else "campaign_greet"
    return [Text(w.say(cold))]


def end(w: Writer, *, signed: bool = False) -> list[Block]:
    """Farewell, postscript and small print."""
    rng = w.rng
    own = f"campaign_{topic_of(w)}_bye"  # of those that report and seldom ask
    bye: list[Block] = [Text(w.say(w.known(own, "campaign_bye")))] if not signed and rng.random() < 0.8 else []
    added = w.has("campaign_ps") and not w.has(own) and rng.random() < (0.2 if w.bad else 0.3)
    after: list[Block] = [Text(w.say("campaign_ps"))] if added else []
    return [*bye, *after, *_small(w)]


def _small(w: Writer) -> list[Block]:
    """Who pays, why one gets this, how to get out; bad mail has it less often."""
    rng = w.rng
    if rng.random() < (0.45 if w.bad else 0.1):
        return []
    topic = topic_of(w)
    own = f"campaign_small_{'election' if topic == 'politics' else topic}"
    said = w.some(own, 1, 3) if w.has(own) else w.some("campaign_small", 1, 3)
    ways = [(w.wear(key), w.url()) for key in rng.choice([["out"], ["out", "links"], ["links", "out"], []])]
    return [Small("\n".join(said), tuple(dict(ways).items()))]


def sender(w: Writer) -> tuple[str, str]:
    """Display name and local part of who asks."""
    rng = w.rng
    key = w.known(f"campaign_{w.slots.get('topic')}_from", "campaign_from") if rng.random() < 0.5 else "campaign_from"
    forms = w.setting.words.get(key, []) if rng.random() < 0.7 else ["{brand}"]
    name = w.spun(rng.choice(forms or ["{brand}", "{sender}, {brand}", "{author} ({brand})"]))
    return name, rng.choice(
        [*w.setting.words.get("campaign_local", []), "info", "team", "news", "action", "contact", "hello", "office"]
    )
