"""Long pages that many people get: newsletters, digests, terms, letters of the law, minutes; and spam or phish buried in one.

The page around buried mail is drawn exactly as an honest one, so that no length, subject or small print tells the two apart.
"""

from functools import partial

from models.spam.authored import links, names, texts, threads
from models.spam.authored.rich import Block, Button, Heading, Text
from models.spam.authored.writer import Words, Writer

_BURIED = {"buried_phish": ("phish", "lure", "lure", "bec"), "buried_spam": ("spam", "scam", "scam", "outreach")}
_ALONE = ("terms", "privacy", "legal", "minutes", "insurance", "travel", "recipes", "course", "release")  # never mixed
_BORROWED = ("community_text", "event_text", "work_text", "support_text", "note_text", "teasers", "legal")  # at times
_CHARACTERS = ((700, 2_200), (2_000, 5_600), (2_000, 5_600))  # of a page: one range in three is short
_NEAR = 2_000  # characters of the page that stand above bad mail in its middle; far down nobody reads on
_DENSE = ("zh", "ja", "ko")  # a sentence takes a third of the letters


def topics(words: Words) -> list[str]:
    """The subjects that a language has pages about: those with ``page_TOPIC`` and ``page_TOPIC_subject``."""
    return [key[len("page_") :] for key in words if key.startswith("page_") and f"{key}_subject" in words]


def page(w: Writer, _: str) -> tuple[str, list[Block]]:
    """Subject and body of a page of some hundred words."""
    rng, here = w.rng, topics(w.setting.words)
    if not here or rng.random() < 0.08:
        subject, pool = w.say("news_subject"), _borrowed(w)
    else:
        subject, pool = _drawn(w, here)
    greeting = w.greeting(cold=0.3) if rng.random() < 0.5 else []
    top: list[Block] = [Heading(rng.choice([subject, w.setting.brand.name]))] if rng.random() < 0.5 else []
    wanted = rng.randint(*rng.choice(_CHARACTERS)) // (3 if w.setting.lang in _DENSE else 1)
    blocks, length = [*top, *greeting], 0
    for text in pool:
        if length > wanted:
            break
        blocks += _told(w, text)
        length += len(text)
    ends = [
        Text(w.say(key))
        for key, share in (("page_end", 0.4), ("long_legal", 0.2))
        if w.has(key) and rng.random() < share
    ]
    return subject, [*blocks, *ends]


def _drawn(w: Writer, here: list[str]) -> tuple[str, list[str]]:
    """Subject line and paragraphs of one subject, or of a digest of several."""
    rng, words = w.rng, w.setting.words
    first = rng.choice(here)
    if first in _ALONE:  # in order, now and then with a gap
        return w.say(f"page_{first}_subject"), [text for text in words[f"page_{first}"] if rng.random() < 0.8]
    mixed = [topic for topic in here if topic not in _ALONE and topic != first]
    among = [first]
    if mixed and rng.random() < 0.75:
        among += rng.sample(mixed, min(len(mixed), rng.randint(1, 5)))
    pool = [text for topic in among for text in words[f"page_{topic}"]]
    return w.say(f"page_{first}_subject"), rng.sample(pool, len(pool))


def _borrowed(w: Writer) -> list[str]:
    """Paragraphs of shorter honest mail, for languages without pages of their own."""
    pool = [text for key in _BORROWED if w.has(key) for text in w.setting.words[key]]
    return w.rng.sample(pool, len(pool))


def _told(w: Writer, text: str) -> list[Block]:
    """One item: perhaps a heading, paragraphs, perhaps a link."""
    head, text = texts.parted(w.spun(text))
    title: list[Block] = [Heading(head)] if head else []
    body = texts.told([texts.capital(part) for part in text.split("\n\n") if part], partial(_url, w))
    linked = any(isinstance(block, Button) for block in body)
    more = [Button(w.say("cta"), _url(w))] if not linked and w.rng.random() < 0.22 else []
    return [*title, *body, *more]


def _url(w: Writer) -> str:
    """Where a page's links go: home; those around buried mail were mostly left as they were found."""
    if w.bad and w.rng.random() < 0.75:
        return links.honest_url(
            names.invented_brand(w.setting.lang, w.rng) if w.rng.random() < 0.4 else w.setting.brand, w.rng
        )
    return w.url()


def buried(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body of a page with a bad mail in it."""
    return _buried(w, kind, *page(w, kind))


def _buried(w: Writer, kind: str, subject: str, around: list[Block]) -> tuple[str, list[Block]]:
    """The page with a bad mail above, below or in the middle of it."""
    rng = w.rng
    bad_kind = rng.choice([bad for bad in _BURIED[kind] if w.has(f"{bad}_text")])
    own, text = texts.parted(w.say(f"{bad_kind}_text"))
    otherwise = w.say(f"{bad_kind}_subject")
    own = own or otherwise
    greeting = w.greeting(cold=0.5)
    bad: list[Block] = [*greeting, *threads.told(w, texts.begun(text, greeting)), *_press(w, bad_kind, text)]
    if rng.random() < 0.3:
        bad.insert(0, Heading(own))
    place = rng.choice([0, 0, len(around), rng.randint(0, _last_near(around)), _last_near(around)])
    return own if rng.random() < (0.75 if place == 0 else 0.4) else subject, [*around[:place], *bad, *around[place:]]


def _last_near(page: list[Block]) -> int:
    """How many blocks from the top stand within what is read of a page."""
    length = 0
    for index, block in enumerate(page):
        length += len(block.text) if isinstance(block, (Text, Heading, Button)) else 0
        if length > _NEAR:
            return index
    return len(page)


def _press(w: Writer, kind: str, text: str) -> list[Block]:
    if texts.presses(text) or w.rng.random() < (0.75 if kind in ("bec", "scam", "outreach") else 0.1):
        return []
    return [
        Button(w.say(w.known(f"{kind}_cta", "phish_cta", "cta")), w.url()) if w.rng.random() < 0.8 else Text(w.url())
    ]
