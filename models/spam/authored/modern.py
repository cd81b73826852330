"""Longer mail of today: what firms, clubs and people send, and the spam and phish that dress like it.

Honest and bad mail draw the same themes, blocks, small print and padding from the same language; they differ in what is said and in
where the links go. Every pair shares brand, language and recipient.
"""

from collections.abc import Iterator
from random import Random

from models.spam.authored import (
    bodies,
    bulk,
    campaigns,
    causes,
    layout,
    letters,
    local,
    loud,
    names,
    pages,
    senders,
    threads,
)
from models.spam.authored.facts import facts
from models.spam.authored.names import Brand
from models.spam.authored.rich import Block, Text, as_html, as_letter, as_plain
from models.spam.authored.writer import Setting, Words, Writer, languages, words_of

_WEIGHTS = {"en": 40, "de": 14, "fr": 12, "es": 12, "pt": 12, "it": 8, "nl": 8, "pl": 6}
_OTHER_WEIGHT = 3
_HONEST = {
    "order": 3, "ship": 3, "promo": 4, "news": 3, "note": 4, "talk": 4,
    "account": 4, "statement": 4, "event": 4, "work": 4, "support": 3, "community": 4, "office": 4,
    "campaign": 10, "sale": 6, "receipt": 4, "thread": 8, "sharing": 4, "page": 9,
}  # fmt: skip
_BAD = {
    "phish": 11, "spam": 6, "lure": 10, "bec": 3, "outreach": 4, "scam": 4, "sham": 2, "relief": 2, "blast": 8, "callback": 4,
    "hijack": 4, "taken": 2, "buried_phish": 3, "buried_spam": 2,
}  # fmt: skip
_PHISH = (
    "phish", "lure", "bec", "callback", "relief", "hijack", "taken", "buried_phish", *local.BAD,
)  # fmt: skip  # the bad kinds that are phish; the others are spam
DROWNED = frozenset({"hijack", *pages.BURIED})  # bad kinds of whose words most are honest
_BESIDE_LETTERS = {"talk": 4, "office": 6, "support": 1, "note": 1}  # the honest mail beside a bad letter
_BESIDE_BULK = {
    "blast": {"sale": 7, "promo": 1, "receipt": 1, "news": 1},
    "callback": {"receipt": 7, "statement": 2, "order": 1},
}
_BESIDE_LONG = {
    "hijack": {"thread": 1},
    "taken": {"sharing": 4, "thread": 1},
    "buried_phish": {"page": 1},
    "buried_spam": {"page": 1},
}
_ALL = "account,bank,pay,telecom,stream,host,mail,tax,parcel,crypto,document"
_BRANCHES = {
    "order": "shop",
    "ship": "parcel,shop",
    "promo": "shop,stream,telecom,travel,ticket",
    "news": "account,document,shop,bank,news,edu,community,saas",
    "note": "account,bank,pay,telecom,stream,host,mail,tax",
    "talk": "account",
    "office": "account",
    "account": "account,bank,mail,host,stream,crypto,saas,shop,telecom,public",
    "statement": "bank,pay,telecom,energy,insure,stream,host,saas,tax",
    "event": "travel,health,ticket,edu,saas",
    "work": "saas,document,host",
    "support": "shop,telecom,bank,travel,energy,insure,host,parcel,saas",
    "community": "community,news,edu,public",
    "phish": _ALL,
    "lure": f"{_ALL},energy,insure,saas,health,public,travel",
    "spam": "shop,account",
    "bec": "account",
    "outreach": "account",
    "scam": "account",
    "sale": "shop,stream,telecom,travel,ticket,energy,insure,health",
    "receipt": "shop,account,pay,stream,saas,telecom,host",
    "blast": "shop,parcel,account,stream",
    "callback": "pay,account,shop,saas",
    "thread": "account,document",
    "hijack": "account,document",
    "sharing": "document,account,saas",
    "taken": "document,account,saas",
    "page": "account,bank,news,edu,community,saas,insure,travel,health,shop,telecom,energy,public,crypto",
    "buried_phish": _ALL,
    "buried_spam": "shop,account,news",
}
_FORWARDED = {
    "talk": 0.1,
    "spam": 0.06,
    "phish": 0.04,
    "note": 0.02,
    "work": 0.02,
    "event": 0.03,
    "lure": 0.03,
    "office": 0.05,
    "local": 0.03,
    "pose": 0.03,
    "slip": 0.04,
    "errand": 0.04,
}
_WITH_FILES = {
    "order": 0.2, "note": 0.15, "talk": 0.2, "news": 0.05, "promo": 0.04, "spam": 0.08, "phish": 0.15, "statement": 0.25,
    "event": 0.2, "office": 0.25, "community": 0.05, "support": 0.05, "lure": 0.12, "outreach": 0.06, "scam": 0.1, "bec": 0.15,
    "local": 0.15, "pose": 0.15, "errand": 0.45, "slip": 0.4,
    "sale": 0.02, "receipt": 0.3, "blast": 0.02, "callback": 0.3,
    "thread": 0.25, "hijack": 0.3, "sharing": 0.25, "taken": 0.25, "buried_phish": 0.06, "page": 0.05,
}  # fmt: skip
_EMOJI = ["🎉", "🔥", "📦", "✨", "🎁", "💙", "⏰", "🛒", "👋", "✅", "⚠️", "💸"]
_EMOJI_KINDS = {"promo": 0.2, "spam": 0.2, "order": 0.2, "ship": 0.2, "community": 0.06, "event": 0.06, "lure": 0.04}
_OWN_ONLY = (*local.BAD, *local.HONEST)  # kinds whose every text has a subject, without which it says little
_OWN_SUBJECT = "# "  # a text may open with a line of its own subject


def language(rng: Random) -> str:
    """A language, the common ones more often."""
    return rng.choices(languages(), [_WEIGHTS.get(lang, _OTHER_WEIGHT) for lang in languages()])[0]


def brand_for(kind: str, lang: str, rng: Random) -> Brand:
    """A brand whose business the kind of mail is; half of them nobody has heard of."""
    if rng.random() < 0.5:
        return names.invented_brand(rng)
    return names.known_brand(frozenset(_BRANCHES[kind].split(",")), lang, rng)


def kinds_of(words: Words) -> frozenset[str]:
    """The kinds of mail that a language can write: those with subjects and texts, or with a body of their own."""
    whole = (kind for kind in (*_HONEST, *_BAD) if f"{kind}_subject" in words and f"{kind}_text" in words)
    return frozenset({*whole, *bodies.BODIES, "talk", *threads.writable(words), *pages.writable(words)})


def _drawn(weights: dict[str, int], words: Words, rng: Random) -> str:
    known = {kind: weight for kind, weight in weights.items() if kind in kinds_of(words)}
    return rng.choices(list(known), list(known.values()))[0]


def _said(w: Writer, kind: str) -> tuple[str, list[Block]]:
    """Subject and body."""
    if kind in campaigns.KINDS:
        return campaigns.said(w, kind)
    if kind in threads.KINDS:
        return threads.said(w, kind)
    if kind in pages.KINDS:
        return pages.said(w, kind)
    subject = "" if kind in _OWN_ONLY else w.say(f"{kind}_subject")
    if kind in bodies.BODIES:
        return subject, bodies.BODIES[kind](w)
    text = letters.chat(w) if kind == "talk" else w.say(f"{kind}_text")
    if text.startswith(_OWN_SUBJECT):
        own, _, text = text.removeprefix(_OWN_SUBJECT).partition("\n\n")
        subject = own if kind in (*_OWN_ONLY, *loud.KINDS) or w.rng.random() < 0.85 else subject
    elif kind in loud.LOUD:
        subject = loud.title(text, subject, w.rng)
    if kind in loud.KINDS:
        return subject, bulk.body(w, kind, text)
    if kind in (*letters.HONEST, *letters.BAD):
        return subject, letters.letter(w, kind, text)
    return subject, bodies.notice(w, kind, text)


def _forward(w: Writer, subject: str) -> list[Block]:
    """What a mail program writes above a forwarded mail."""
    who = names.person(w.rng)
    values = (f"{who.name} <{who.address}>", w.slots["date"], w.setting.to.address, subject)
    return [Text("\n".join(f"{name}: {value}" for name, value in zip(w.dress["marks"], values, strict=True)))]


def _dressed_subject(w: Writer, kind: str, subject: str) -> str:
    rng = w.rng
    if kind in loud.KINDS:
        return loud.subject(w, kind, subject)
    if rng.random() < _EMOJI_KINDS.get(kind, 0.0):
        subject = f"{rng.choice(_EMOJI)} {subject}" if rng.random() < 0.5 else f"{subject} {rng.choice(_EMOJI)}"
    if kind in ("promo", "spam", "scam") and rng.random() < 0.12:
        subject = subject.upper()
    return subject.lower() if kind in ("bec", "outreach", "office", "talk") and rng.random() < 0.06 else subject


def write(kind: str, setting: Setting, rng: Random) -> bytes:
    """One mail of a kind: one of those of ``kinds_of`` its language."""
    bad, asking = kind in (*_BAD, *local.BAD), kind in campaigns.KINDS
    personal = kind in (*letters.HONEST, *letters.BAD, *threads.KINDS) or (asking and rng.random() < campaigns.PERSONAL)
    w = Writer(setting, rng, bad=bad)
    subject, blocks = _said(w, kind)
    if not personal and not asking and kind not in loud.KINDS and rng.random() < (0.7 if bad else 0.85):
        blocks.append(w.small())
    if bad and not personal and not asking and rng.random() < 0.12:  # honest talk as padding, for all to see
        blocks += map(Text, w.some(rng.choice(["talk", "teasers", "note_text"]), 1, 4))
    if rng.random() < _FORWARDED.get(kind, 0.0):
        blocks = [*_forward(w, subject), *blocks]
        subject = f"{rng.choice(['Fw', 'Fwd', 'FW', 'Re'])}: {subject}"
    name, address = senders.sender(w, kind)
    lines = layout.head(name, address, setting.to.address, _dressed_subject(w, kind, subject))
    if answers := senders.reply_to(w, kind):
        lines.append(f"Reply-To: {answers}")
    by_hand = personal or bulk.by_hand(kind, rng)
    return layout.message(lines, _pages(w, kind, blocks, personal=by_hand), rng, _attached(kind, rng))


def _pages(w: Writer, kind: str, blocks: list[Block], *, personal: bool) -> list[tuple[str, str]]:
    """The body as (subtype, text): plain, HTML or both."""
    rng = w.rng
    plain = ("plain", as_plain(blocks, rng))
    if personal:
        page, plain_only = as_letter(blocks, rng), 0.6
    else:
        page, plain_only = as_html(blocks, w.theme(_preheader(w, kind, blocks) if rng.random() < 0.4 else ""), rng), 0.2
    chance = rng.random()
    if chance < plain_only:
        return [plain]
    return [("html", page)] if chance < plain_only + (1 - plain_only) * 0.6 else [plain, ("html", page)]


def _preheader(w: Writer, kind: str, blocks: list[Block]) -> str:
    """What a mailbox shows beside the subject: a line of its own, or how the body begins."""
    said = [block.text[:100] for block in blocks if isinstance(block, Text) and len(block.text) > 30]
    if said and w.rng.random() < 0.6:
        return said[0]
    return w.say("teasers" if kind in ("news", "promo") else "campaign_cta_gift" if kind in campaigns.KINDS else "cta")


def _attached(kind: str, rng: Random) -> tuple[tuple[str, str], ...]:
    """Files that come along: as often with honest mail as with bad, of which some are pages or packed."""
    if rng.random() >= _WITH_FILES.get(kind, 0.0):
        return ()
    word = names.random_word(rng)
    honest = [
        (f"{word}.pdf", "application/pdf"),
        ("logo.png", "image/png"),
        (f"{word}.ics", "text/calendar"),
        (f"{word}.jpg", "image/jpeg"),
    ]
    bad = [
        (f"{word}.html", "text/html"),
        (f"{word}.zip", "application/zip"),
        (f"{word}.pdf", "application/pdf"),
        (f"{word}.svg", "image/svg+xml"),
    ]
    chosen = bad if kind in ("phish", "lure", "hijack", "taken", *local.BAD) and rng.random() < 0.6 else honest
    return tuple(rng.sample(chosen, rng.choice([1, 1, 2])))


def _setting(kind: str, lang: str, rng: Random) -> Setting:
    to = names.person(rng, names.invented_brand(rng).host if rng.random() < 0.6 else None)
    if kind in campaigns.KINDS:
        cause = causes.drawn(lang, rng)
        slots = {**facts(lang, cause.brand, to, rng, cause.money), **cause.slots}
        return Setting(lang, words_of(lang), slots, cause.brand, to)
    brand = brand_for(kind, lang, rng)
    return Setting(lang, words_of(lang), facts(lang, brand, to, rng), brand, to)


def _beside(kind: str, rng: Random) -> dict[str, int]:
    """The honest kinds that stand beside a bad one: mostly of the same dress."""
    if kind in campaigns.BAD:
        return {"campaign": 1}
    if kind in _BESIDE_LONG:
        return _BESIDE_LONG[kind]
    if rng.random() > 0.7:
        return _HONEST
    return _BESIDE_LETTERS if kind in letters.BAD else _BESIDE_BULK.get(kind, _HONEST)


def local_pair(topic: local.Topic, lang: str, rng: Random) -> Iterator[tuple[str, str, str, bytes]]:
    """One bad mail of a country's topic and what honestly is written on it: by the same sender, and often by another as well."""
    bad, honest = topic.kinds
    setting = local.setting(topic, lang, rng)
    yield bad, "phish", lang, write(bad, setting, rng)
    yield honest, "ham", lang, write(honest, setting, rng)
    if rng.random() < 0.5:
        yield honest, "ham", lang, write(honest, local.setting(topic, lang, rng), rng)


def pair(rng: Random) -> Iterator[tuple[str, str, str, bytes]]:
    """One bad mail and one or two honest ones beside it, as (kind, label, language, octets)."""
    lang = language(rng)
    if topic := local.drawn(lang, rng):
        yield from local_pair(topic, lang, rng)
        return
    words = words_of(lang)
    kind = _drawn(_BAD, words, rng)
    honest = _drawn(_beside(kind, rng), words, rng)
    setting = _setting(kind if kind in ("phish", "lure", *campaigns.BAD, *_BESIDE_LONG) else honest, lang, rng)
    yield kind, "phish" if kind in _PHISH else "spam", lang, write(kind, setting, rng)
    yield honest, "ham", lang, write(honest, setting, rng)
    if rng.random() < 0.5:  # honest mail is the more varied of the two
        other = _drawn(_HONEST, words, rng)
        yield other, "ham", lang, write(other, _setting(other, lang, rng), rng)
