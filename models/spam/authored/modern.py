"""Longer mail of today: what firms, clubs and people send, and the spam and phish that dress like it.

Honest and bad mail draw the same themes, blocks, small print and padding from the same language; they differ in what is said and in
where the links go. Every pair shares brand, language and recipient.
"""

from collections.abc import Iterator, Mapping
from random import Random

from models.spam.authored import layout, local, names, quoted
from models.spam.authored.kind import Kind, Label
from models.spam.authored.kinds import BAD, HONEST, KINDS
from models.spam.authored.replies import reply_to
from models.spam.authored.rich import Block, Text, as_html, as_letter, as_plain
from models.spam.authored.writer import Setting, Words, Writer, languages, words_of

Paired = tuple[str, Label, str, bytes]  # kind, label, language, octets
_WEIGHTS = {"en": 40, "de": 14, "fr": 12, "es": 12, "pt": 12, "it": 8, "nl": 8, "pl": 6}
_OTHER_WEIGHT = 3


def language(rng: Random) -> str:
    """A language, the common ones more often."""
    return rng.choices(languages(), [_WEIGHTS.get(lang, _OTHER_WEIGHT) for lang in languages()])[0]


def kinds_of(words: Words) -> frozenset[str]:
    """The kinds of mail that a language has the words for."""
    return frozenset(kind.name for kind in KINDS.values() if kind.writable(words))


def _drawn(weights: Mapping[str, int], words: Words, rng: Random) -> Kind:
    writable = kinds_of(words)
    known = {kind: weight for kind, weight in weights.items() if kind in writable}
    return KINDS[rng.choices(list(known), list(known.values()))[0]]


def _happens(share: float, rng: Random) -> bool:
    """Whether what happens as often as ``share`` does so now; what always or never does costs no draw."""
    return share >= 1 or (share > 0 and rng.random() < share)


def write(kind: Kind, setting: Setting, rng: Random) -> bytes:
    """One mail of a kind that the language of the setting has the words for."""
    personal = _happens(kind.personal, rng)
    w = Writer(setting, rng, bad=kind.bad)
    subject, blocks = kind.said(w, kind.name)
    if not personal:
        blocks = [*blocks, *_below(w, kind)]
    if rng.random() < kind.forwarded:
        blocks = [_forward(w, subject), *blocks]
        subject = f"{rng.choice(['Fw', 'Fwd', 'FW', 'Re'])}: {subject}"
    name, address = kind.sender(w)
    lines = layout.head(name, address, setting.to.address, kind.subject(w, subject))
    if answers := reply_to(w, kind.replies):
        lines.append(f"Reply-To: {answers}")
    by_hand = personal or rng.random() < kind.by_hand
    return layout.message(lines, _pages(w, kind, blocks, personal=by_hand), rng, _attached(kind, rng))


def _below(w: Writer, kind: Kind) -> Iterator[Block]:
    """The small print; and honest talk as padding, for all to see."""
    if _happens(kind.small, w.rng):
        yield w.small()
    if _happens(kind.padded, w.rng):
        yield from map(Text, w.some(w.rng.choice(["talk", "teasers", "note_text"]), 1, 4))


def _forward(w: Writer, subject: str) -> Block:
    """What a mail program writes above a forwarded mail."""
    return Text(quoted.fields(w, names.person(w.setting.lang, w.rng), w.slots["date"], w.setting.to.address, subject))


def _pages(w: Writer, kind: Kind, blocks: list[Block], *, personal: bool) -> list[tuple[str, str]]:
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


def _preheader(w: Writer, kind: Kind, blocks: list[Block]) -> str:
    """What a mailbox shows beside the subject: a line of its own, or how the body begins."""
    said = [block.text[:100] for block in blocks if isinstance(block, Text) and len(block.text) > 30]
    if said and w.rng.random() < 0.6:
        return said[0]
    return w.say(kind.preheader)


def _attached(kind: Kind, rng: Random) -> tuple[tuple[str, str], ...]:
    """Files that come along: as often with honest mail as with bad, of which some are pages or packed."""
    if rng.random() >= kind.files:
        return ()
    word = names.random_word(rng)
    honest = [
        (f"{word}.pdf", "application/pdf"),
        ("logo.png", "image/png"),
        (f"{word}.ics", "text/calendar"),
        (f"{word}.jpg", "image/jpeg"),
    ]
    odd = [
        (f"{word}.html", "text/html"),
        (f"{word}.zip", "application/zip"),
        (f"{word}.pdf", "application/pdf"),
        (f"{word}.svg", "image/svg+xml"),
    ]
    return tuple(rng.sample(odd if _happens(kind.odd_files, rng) else honest, rng.choice([1, 1, 2])))


def _beside(kind: Kind, rng: Random) -> Mapping[str, int]:
    """The honest kinds that stand beside a bad one: mostly of the same dress."""
    return kind.beside if _happens(kind.beside_share, rng) and kind.beside else HONEST


def _mail(kind: Kind, setting: Setting, rng: Random) -> Paired:
    return kind.name, kind.label, setting.lang, write(kind, setting, rng)


def local_pair(topic: local.Topic, lang: str, rng: Random) -> Iterator[Paired]:
    """One bad mail of a country's topic and what honestly is written on it: by the same sender, and often by another as well."""
    bad, honest = (KINDS[name] for name in topic.kinds)
    setting = local.setting(topic, lang, rng)
    yield _mail(bad, setting, rng)
    yield _mail(honest, setting, rng)
    if rng.random() < 0.5:
        yield _mail(honest, local.setting(topic, lang, rng), rng)


def pair(rng: Random) -> Iterator[Paired]:
    """One bad mail and one or two honest ones beside it, as (kind, label, language, octets)."""
    lang = language(rng)
    if topic := local.drawn(lang, rng):
        yield from local_pair(topic, lang, rng)
        return
    words = words_of(lang)
    kind = _drawn(BAD, words, rng)
    honest = _drawn(_beside(kind, rng), words, rng)
    setting = (kind if kind.leads else honest).setting(lang, rng)
    yield _mail(kind, setting, rng)
    yield _mail(honest, setting, rng)
    if rng.random() < 0.5:  # honest mail is the more varied of the two
        other = _drawn(HONEST, words, rng)
        yield _mail(other, other.setting(lang, rng), rng)
